"""Erasing one person everywhere, for good, in one transaction; then the files, which a crash leaves marked.

A turn that is running is waited for, and none can begin: the conversas are held. What is left is a row
that names nobody, and what a plugin keeps without them, such as a shop's books.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import msgspec
from msgspec import Meta

from wabot import audit, merges
from wabot.db.engine import DB
from wabot.digests import DIGESTS
from wabot.errors import WabotError
from wabot.media.erase import finish, mark
from wabot.plugins.registry import Registry
from wabot.privacy import holdings, hooks, traces
from wabot.privacy.subject import NoSuchCliente, Subject, find

# No turn of theirs, and no sink that has read of them what it has not written yet.
HOLD = "SELECT FROM conversa WHERE id = ANY ($1) ORDER BY id FOR UPDATE"
HOLD_SINKS = "SELECT FROM sink_checkpoint WHERE chatbot = $1 ORDER BY plugin, sink FOR UPDATE"

# Statuses take a message's row before the cliente's. So do we.
MESSAGES = f"""
WITH said AS (DELETE FROM outbox WHERE {holdings.SENT} RETURNING chatbot, wamid)
DELETE FROM receipt USING said WHERE receipt.chatbot = said.chatbot AND receipt.wamid = said.wamid
"""  # noqa: S608 - a constant
HOLD_CLIENTES = "SELECT FROM cliente WHERE id = ANY ($1) ORDER BY id FOR UPDATE"
REST = (
    f"DELETE FROM inbox WHERE {holdings.RECEIVED}",  # noqa: S608 - a constant
    "DELETE FROM event WHERE conversa = ANY ($1)",
)
# What a failure said may quote them, and cannot be told apart.
QUOTES = """
WITH health AS (UPDATE plugin_health SET error = $2 WHERE chatbot = $1 AND error <> ''),
    sinks AS (UPDATE sink_checkpoint SET error = $2 WHERE chatbot = $1 AND error <> ''),
    notices AS (UPDATE notice SET error = $2 WHERE chatbot = $1 AND error <> '')
UPDATE agendamento SET last_result = $2 WHERE chatbot = $1 AND NOT last_ok
"""
QUOTED = "(apagado com os dados de uma pessoa)"
ANSWERS = """
DELETE FROM idempotency WHERE location = ANY ($1)
    OR EXISTS (SELECT FROM unnest($2::bytea[]) AS named WHERE position(named IN answer) > 0)
"""
# With it go its conversa, identifiers, merges, consents and places in campaigns.
CLIENTES = "DELETE FROM cliente WHERE id = ANY ($1)"

RECORD = """
INSERT INTO apagamento (chatbot, clientes, quem, contagens, identificadores, recusou)
VALUES ($1, $2, $3, $4, $5, $6) RETURNING *
"""
ERASED = "SELECT * FROM apagamento WHERE chatbot = $1 AND $2 = ANY (clientes) ORDER BY id DESC LIMIT 1"


class NotErased(WabotError):
    """Something still holds on to the person; nothing was erased."""


class Erasure(msgspec.Struct, frozen=True):
    """That somebody was erased (a row of `apagamento`), for whoever has to prove it. It names nobody."""

    id: Annotated[int, Meta(description="O número do recibo.")]
    chatbot: Annotated[int, Meta(description="De qual chatbot a pessoa era cliente.")]
    em: Annotated[datetime, Meta(description="Quando. UTC.")]
    quem: Annotated[str, Meta(description="Quem apagou.")]
    contagens: Annotated[dict[str, int], Meta(description="Quantas linhas de cada tipo foram apagadas.")]
    identificadores: Annotated[
        list[str],
        Meta(description="Resumos com chave, em hexadecimal, dos números e ids que a pessoa tinha."),
    ]


class _Changed(Exception):
    """Meanwhile the person turned out to be another one as well."""


async def preview(registry: Registry, chatbot: int, cliente: int) -> dict[str, int]:
    """How many rows would go, by kind. Raises NoSuchCliente and PluginInTheWay."""
    subject = await find(chatbot, cliente)
    counts = await holdings.count(subject)
    for kind in traces.TABLES:
        counts[kind] = len([one async for one in traces.found(kind, subject)])
    held = await hooks.export(registry, subject)
    return counts | {f"plugin {plugin}": _size(parts) for plugin, parts in held.items()}


async def erase(registry: Registry, chatbot: int, cliente: int) -> Erasure:
    """Erase a person; of one who is erased already, the same row again. Raises NoSuchCliente.

    Raises PluginInTheWay and NotErased too: then nothing was erased but statuses and notices as Meta sent them. Killed
    in the middle, all of it happened or none, but for files, which go at the next look at them.
    """
    while True:
        try:
            subject = await find(chatbot, cliente)
            cleared, places = await traces.clear(subject)  # the long reading, while nobody is held
            done = await _erase(registry, subject, cleared, places)
        except (_Changed, asyncpg.DeadlockDetectedError):
            continue
        except NoSuchCliente:
            if row := await DB.fetchrow(ERASED, chatbot, cliente):
                return _shown(row)
            raise
        await traces.clear(subject, places)  # what was on its way
        while await finish():
            pass
        return done


async def _erase(
    registry: Registry, subject: Subject, cleared: Mapping[str, int], places: traces.Places
) -> Erasure:
    async with DB.transaction():
        await DB.execute(HOLD_SINKS, subject.chatbot)
        await DB.execute(HOLD, subject.conversas)
        by_plugins = await hooks.erase(registry, subject)
        await merges.alone([subject.chatbot])  # only now: nobody new can write to the chatbot until the end
        if await find(subject.chatbot, subject.clientes[0]) != subject:
            raise _Changed
        late, _ = await traces.clear(subject, places)
        counts = await _erase_rows(subject)
        for kind in traces.TABLES:
            counts[kind] = cleared[kind] + late[kind]
        counts |= {f"plugin {plugin}": many for plugin, many in by_plugins.items()}
        return await _record(subject, counts)


async def _erase_rows(subject: Subject) -> dict[str, int]:
    counts = await holdings.count(subject)
    await DB.execute(MESSAGES, subject.conversas)
    await DB.execute(HOLD_CLIENTES, subject.clientes)
    await DB.execute(MESSAGES, subject.conversas)  # of a campaign that began in between
    for statement in REST:
        await DB.execute(statement, subject.conversas)
    await mark(subject.conversas)
    await DB.execute(QUOTES, subject.chatbot, QUOTED)
    await DB.execute(ANSWERS, *_answers(subject))
    try:
        await DB.execute(CLIENTES, subject.clientes)
    except asyncpg.ForeignKeyViolationError as error:
        raise NotErased(
            f"A tabela {error.schema_name}.{error.table_name} ainda aponta para esta pessoa; nada foi apagado. "
            "O plugin dela precisa soltar o cliente em wabot_privacy."
        ) from None
    return counts


def _answers(subject: Subject) -> tuple[list[str], list[bytes]]:
    """Where an answer kept for a repeated POST says who it is about."""
    numbers = [f'"cliente":{cliente}{end}' for cliente in subject.clientes for end in ",}"]
    locations = [f"/api/clientes/{cliente}/" for cliente in subject.clientes]
    return locations, [name.encode() for name in (*numbers, *subject.known_as)]


async def _record(subject: Subject, counts: dict[str, int]) -> Erasure:
    row = await DB.fetchrow(
        RECORD,
        subject.chatbot,
        subject.clientes,
        audit.acts(),
        msgspec.json.encode(counts).decode(),
        await DIGESTS.of(subject.chatbot, sorted(subject.identifiers)),
        not subject.accepts,
    )
    cliente = subject.clientes[0]
    await audit.record("apagar", "cliente", cliente, chatbot=subject.chatbot, campos={"recibo": row["id"]})
    return _shown(row)


def _shown(row: Any) -> Erasure:
    digests = [digest.hex() for digest in row["identificadores"]]
    counts = msgspec.json.decode(row["contagens"])
    return Erasure(row["id"], row["chatbot"], row["em"], row["quem"], counts, digests)


def _size(parts: list[Any]) -> int:
    """How many things a plugin's export lists."""
    return sum(len(value) if isinstance(value, list) else 1 for part in parts for value in part.values())
