"""Everything held about one person, as one archive: `dados.json`, their files, and a page that explains both.

The archive is written to a file as it is read, a few hundred rows or one file at a time, however long somebody has
been talking to a bot.
"""

import asyncio
import json
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from wabot import audit, chatbots
from wabot.db.engine import DB
from wabot.plugins.registry import Registry
from wabot.privacy import holdings, hooks, traces
from wabot.privacy.subject import Subject, find
from wabot.storage import STORAGE, NotKept
from wabot.text import clean
from wabot.whatsapp.loose import parsed
from wabot.whatsapp.payloads import NotAPayload, read_message

ROWS = 200

EXPLAINED = """\
Seus dados

Este arquivo tem tudo o que o atendimento de {nome} no WhatsApp guarda sobre você, como pede a Lei Geral de Proteção
de Dados (LGPD, Lei 13.709/2018, art. 18).

dados.json   seu cadastro, seus identificadores, seus consentimentos, as mensagens que você mandou e recebeu, e o que
             cada parte do atendimento guarda, como os pedidos. Abre em qualquer editor de texto.
arquivos/    as fotos, os áudios e os documentos que você mandou. Cada um está descrito em dados.json.

Os horários estão em UTC. Valores em dinheiro estão em centavos.
Gerado em {em:%d/%m/%Y às %H:%M} UTC.
"""


class Section(NamedTuple):
    """One list of `dados.json`: which columns of what, under which names."""

    columns: str
    source: str
    theirs: str
    decoded: tuple[str, ...] = ()
    """Columns that hold JSON."""


SECTIONS = {
    "cadastro": Section(
        "id, nome, telefone, wa_id, bsuid, parent_bsuid, email, ativo, aceita_marketing, observacoes, criado_em, "
        "atualizado_em",
        *holdings.PLACES["clientes"],
    ),
    "conversas": Section(
        "id, flow AS fluxo, etapa, data AS dados, person AS com_atendente, last_inbound_at AS ultima_interacao",
        "conversa",
        "id = ANY ($1)",
        ("dados",),
    ),
    "consentimentos": Section(
        "id, accepts AS aceita, who AS quem, how AS como, wording AS palavras, at AS em",
        *holdings.PLACES["consentimentos"],
    ),
    "mensagens_recebidas": Section(
        "id, kind AS tipo, sent_at AS enviada_em, received_at AS recebida_em, edited_at AS editada_em, "
        "edited_text AS texto_editado, revoked_at AS apagada_em, wamid, raw AS original",
        *holdings.PLACES["mensagens_recebidas"],
    ),
    "mensagens_enviadas": Section(
        "id, content AS conteudo, bulk AS campanha, state AS estado, status AS situacao, created_at AS criada_em, "
        "sent_at AS enviada_em, delivered_at AS entregue_em, read_at AS lida_em, wamid, error AS erro",
        *holdings.PLACES["mensagens_enviadas"],
        ("conteudo",),
    ),
    "acontecimentos": Section(
        "id, name AS nome, fields AS campos, at AS em", *holdings.PLACES["acontecimentos"], ("campos",)
    ),
    "mesclas": Section(
        "id, survivor AS ficou, absorbed AS absorvido, why AS motivo, made_by AS quem, made_at AS em, "
        "undone_at AS desfeita_em",
        *holdings.PLACES["mesclas"],
    ),
}
IDENTIFIERS = """
SELECT kind AS tipo, value AS valor, first_seen AS desde, last_seen AS visto_em
FROM identifier WHERE cliente = ANY ($1) ORDER BY kind, value
"""
CAMPAIGNS = """
SELECT plugin, campaign AS campanha, round AS rodada, at AS em
FROM campaign_send WHERE cliente = ANY ($1) ORDER BY at
"""
FILES = """
SELECT id, filename AS nome, mime_type AS tipo, size AS bytes, received_at AS recebido_em, wamid, state AS estado,
    sha256
FROM media WHERE conversa = ANY ($1) AND id > $2 ORDER BY id LIMIT $3
"""


async def export(registry: Registry, chatbot: int, cliente: int, path: Path) -> None:
    """Write the archive to `path`, which appears when it is whole. Raises what `write` raises, and OSError."""
    draft = path.with_name(f"{path.name}.parcial")
    try:
        with draft.open("wb") as file:
            await write(registry, chatbot, cliente, file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


async def write(registry: Registry, chatbot: int, cliente: int, file: IO[bytes]) -> None:
    """Write the archive, and down that it was handed out. Raises NoSuchCliente and PluginInTheWay."""
    subject = await find(chatbot, cliente)
    held = await hooks.export(registry, subject)
    bot = await chatbots.get(chatbot)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("LEIA-ME.txt", EXPLAINED.format(nome=bot.nome, em=datetime.now(UTC)))
        await _write(archive, "dados.json", _document(subject, bot, held))
        async for row in _rows(FILES, subject.conversas):
            await _add_file(archive, chatbot, row)
    async with DB.transaction():
        await audit.record("exportar", "cliente", subject.clientes[0], chatbot=chatbot)


async def _write(archive: zipfile.ZipFile, name: str, pieces: AsyncIterator[str]) -> None:
    with archive.open(name, "w", force_zip64=True) as file:
        async for piece in pieces:
            await asyncio.to_thread(file.write, piece.encode("utf-8", "replace"))


async def _add_file(archive: zipfile.ZipFile, chatbot: int, row: Mapping[str, Any]) -> None:
    """As it is: pictures and sound do not get smaller."""
    if row["sha256"]:
        try:
            content = await STORAGE.read(chatbot, row["sha256"])
        except NotKept:
            return
        await asyncio.to_thread(archive.writestr, _place(row), content, zipfile.ZIP_STORED)


def _place(row: Mapping[str, Any]) -> str:
    """By number: what its sender called it is no name to open a file by."""
    kind = row["tipo"].partition(";")[0].rpartition("/")[2]
    return f"arquivos/{row['id']}" + (f".{kind}" if kind.isalnum() else "")


async def _document(
    subject: Subject, bot: chatbots.ChatbotOut, held: Mapping[str, Any]
) -> AsyncIterator[str]:
    """`dados.json`, piece by piece."""
    about = {
        "gerado_em": datetime.now(UTC),
        "chatbot": {"id": bot.id, "nome": bot.nome, "numero": bot.numero},
    }
    about["identificadores"] = [dict(row) for row in await DB.fetch(IDENTIFIERS, subject.clientes)]
    about["campanhas"] = [dict(row) for row in await DB.fetch(CAMPAIGNS, subject.clientes)]
    about["plugins"] = held
    yield _json(about)[:-2]
    for name, section in SECTIONS.items():
        async for piece in _list(name, _of(section, subject)):
            yield piece
    async for piece in _list("arquivos", _files(subject)):
        yield piece
    for kind in traces.TABLES:
        async for piece in _list(kind, _named(kind, subject)):
            yield piece
    yield "\n}\n"


async def _list(name: str, items: AsyncIterator[Any]) -> AsyncIterator[str]:
    yield f',\n  "{name}": ['
    separator = ""
    async for item in items:
        yield f"{separator}\n{_json(item)}"
        separator = ","
    yield "\n  ]"


async def _of(section: Section, subject: Subject) -> AsyncIterator[dict[str, Any]]:
    sql = (
        f"SELECT {section.columns} FROM {section.source} "  # noqa: S608 - constants
        f"WHERE ({section.theirs}) AND id > $3 AND cardinality($1::bigint[]) + cardinality($2::bigint[]) > 0 "
        "ORDER BY id LIMIT $4"
    )
    async for row in _rows(sql, subject.conversas, subject.clientes):
        shown = dict(row)
        for column in section.decoded:
            shown[column] = parsed(shown[column].encode())
        if "original" in shown:
            shown |= {"texto": _text(shown["original"]), "original": _original(shown["original"])}
        yield shown


async def _files(subject: Subject) -> AsyncIterator[dict[str, Any]]:
    async for row in _rows(FILES, subject.conversas):
        yield dict(row) | {"arquivo": _place(row) if row["sha256"] else None}


async def _named(kind: str, subject: Subject) -> AsyncIterator[Any]:
    async for found in traces.found(kind, subject):
        for part in found.about_them:
            yield part


async def _rows(sql: str, *args: Any) -> AsyncIterator[Mapping[str, Any]]:
    """By the page, each beginning after the last id of the one before: no transaction stays open."""
    last = 0
    while rows := await DB.fetch(sql, *args, last, ROWS):
        for row in rows:
            yield row
        last = rows[-1]["id"]


def _text(raw: bytes) -> str:
    try:
        return read_message(raw).text
    except NotAPayload:
        return ""


def _original(raw: bytes) -> Any:
    """As Meta sent it; as text, if JSON cannot hold it."""
    value = parsed(raw)
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        value = None
    return raw.decode("utf-8", "replace") if value is None else value


def _json(value: Any) -> str:
    return clean(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
