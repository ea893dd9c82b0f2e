"""A person with traces everywhere wabot and its plugins may keep some; and the whole database as one looks for them."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from wabot import consent
from wabot.db.directory import Bot
from wabot.db.engine import DB
from wabot.storage import STORAGE

TABLES = """
SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""


class Planted(msgspec.Struct):
    """Somebody, and every word that would give them away."""

    cliente: int
    word: str
    phone: str
    bsuid: str
    wamid: str

    @property
    def traces(self) -> list[bytes]:
        spoken = base64.b64encode(self.phone.encode()).decode().rstrip("=")
        other = self.phone[:4] + self.phone[5:]
        return [text.encode() for text in (self.word, self.phone, other, self.bsuid, self.wamid, spoken)]


def json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def plant(bot: Bot, word: str, phone: str, *, pedidos: bool = True) -> Planted:
    """Somebody who has done everything a person can do."""
    bsuid = f"BR.{phone}77"
    cliente = await DB.fetchval(
        """INSERT INTO cliente (chatbot, nome, telefone, wa_id, phone_key, bsuid, email, observacoes, aceita_marketing)
           VALUES ($1, $2, $3, $3, $3, $4, $2 || '@example.com', $2, true) RETURNING id""",
        bot.id, f"Nome {word}", phone, bsuid,
    )  # fmt: skip
    wamid = f"wamid.HBgN{base64.b64encode(phone.encode()).decode()}FQ{word}"
    person = Planted(cliente, word, phone, bsuid, wamid)
    conversa = await DB.fetchval(
        """UPDATE conversa SET flow = 'pedidos', etapa = 'confirmar_pedido', data = $2, shown = ARRAY[$3]
           WHERE cliente = $1 RETURNING id""",
        cliente, json({"nota": word}), word,
    )  # fmt: skip
    await _messages(bot, conversa, person)
    await _meta(bot, person)
    await _file(bot, conversa, person)
    await consent.record(
        cliente, accepts=False, who="cliente", how="palavra na conversa", wording=f"sair {word}", source=wamid
    )
    await DB.execute(
        """INSERT INTO campaign_send (chatbot, plugin, campaign, round, cliente, outbox)
           VALUES ($1, 'p', 'c', now(), $2, 1)""",
        bot.id, cliente,
    )  # fmt: skip
    await DB.execute(
        "INSERT INTO plugin_health (chatbot, plugin, part, ok, error) VALUES ($1, $2, '', false, $2)",
        bot.id,
        word,
    )
    await DB.execute(
        "UPDATE plugin_health SET plugin = 'p' || ok || $1 WHERE plugin = $2", str(cliente), word
    )
    await DB.execute(
        """INSERT INTO sink_checkpoint (chatbot, plugin, sink, xid, event, error)
           VALUES ($1, 'p', $2, '0', 0, $3)""",
        bot.id, f"s{cliente}", f"ValueError: {word}",
    )  # fmt: skip
    await DB.execute(
        """INSERT INTO agendamento (chatbot, plugin, job, titulo, cron, last_ok, last_result)
           VALUES ($1, 'p', $2, '', '0 0 * * *', false, $3)""",
        bot.id, f"j{cliente}", f"Falhou: {word}",
    )  # fmt: skip
    await _answers(person)
    if pedidos:
        await DB.execute(
            """INSERT INTO pedidos.pedido (chatbot, cliente, numero, status, total, observacoes)
               VALUES ($1, $2::bigint, $2::bigint, 'entregue', 4200, $3)""",
            bot.id, cliente, f"sem cebola, {word}",
        )  # fmt: skip
    return person


async def _messages(bot: Bot, conversa: int, person: Planted) -> None:
    """What they said in every kind there is, what was said to them, and what came of it."""
    word = person.word
    said = {
        "text": {"body": word},
        "image": {"id": "9", "mime_type": "image/png", "caption": word},
        "document": {"id": "8", "filename": f"{word}.pdf", "caption": word},
        "interactive": {"type": "button_reply", "button_reply": {"id": "x", "title": word}},
        "button": {"payload": word, "text": word},
        "order": {"catalog_id": "1", "text": word, "product_items": []},
        "location": {"latitude": 1, "longitude": 2, "name": word},
        "contacts": [{"name": {"formatted_name": word}, "phones": [{"phone": word}]}],
        "nfm_reply": {"response_json": json({"campo": word})},
        "reaction": {"message_id": "y", "emoji": word},
        "unsupported": {"errors": [{"details": word}]},
    }
    states = ("pendente", "atendida", "morta", "guardada")
    for number, (kind, content) in enumerate(said.items()):
        raw = {
            "from": person.phone,
            "from_user_id": person.bsuid,
            "id": f"{person.wamid}{number}",
            kind: content,
        }
        await DB.execute(
            """INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw, state, error, edited_text)
               VALUES ($1, $2, $3, $4, now(), $5, $6, $7, $7)""",
            bot.id, conversa, f"{person.wamid}{number}", kind, msgspec.json.encode(raw | {"type": kind}),
            states[number % 4], f"KeyError: {word}",
        )  # fmt: skip
    for number, state in enumerate(("pendente", "enviando", "enviada", "falhou")):
        await DB.execute(
            """INSERT INTO outbox (chatbot, conversa, content, state, wamid, error, other_wa_id, bulk)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
            bot.id, conversa, json({"type": "template", "name": "oi", "parameters": [word], "title": word}), state,
            f"{person.wamid}out{number}", word, person.phone, number == 3,
        )  # fmt: skip
    await DB.execute(
        "INSERT INTO event (chatbot, conversa, name, fields) VALUES ($1, $2, 'pedido.confirmado', $3)",
        bot.id, conversa, json({"nota": word}),
    )  # fmt: skip


async def _meta(bot: Bot, person: Planted) -> None:
    """Statuses, notices and what nobody understood, of theirs alone and together with somebody else's."""
    status = {
        "id": f"{person.wamid}out2",
        "status": "sent",
        "recipient_id": person.phone,
        "note": person.word,
    }
    for wamid in (f"{person.wamid}out2", f"{person.wamid}avulsa"):
        await DB.execute(
            """INSERT INTO receipt (chatbot, wamid, status, recipient, at, error, raw, state)
               VALUES ($1, $2, 'sent', $3, now(), $4, $5, 'avulsa')""",
            bot.id, wamid, person.phone, person.word, msgspec.json.encode(status | {"id": wamid}),
        )  # fmt: skip
    choice = {"wa_id": person.phone, "user_id": person.bsuid, "value": "stop", "detail": person.word}
    someone = {"wa_id": "5541990000009", "value": "stop"}
    notice = {"field": "user_preferences", "value": {"user_preferences": [choice, someone]}}
    await DB.execute(
        """INSERT INTO notice (chatbot, business_account_id, field, raw, digest, error)
           VALUES ($1, '3', 'user_preferences', $2, $3, $4)""",
        bot.id, msgspec.json.encode(notice), _digest(notice), person.word,
    )  # fmt: skip
    body = {"contacts": [{"profile": {"name": person.word}, "wa_id": person.phone}], "oi": []}
    for raw in (msgspec.json.encode(body), f"nem json {person.phone} {person.word}".encode()):
        await DB.execute(
            "INSERT INTO quarantine (chatbot, why, raw, digest) VALUES ($1, 'x', $2, $3)",
            bot.id if raw[:1] == b"{" else None, raw, hashlib.sha256(raw).digest(),
        )  # fmt: skip


async def _file(bot: Bot, conversa: int, person: Planted) -> None:
    content = f"arquivo de {person.word}".encode()
    sha256 = hashlib.sha256(content).hexdigest()
    async with STORAGE.draft() as draft:
        draft.write(content)
        await STORAGE.keep(draft, bot.id)
    for number in (1, 2):  # the same picture twice
        await DB.execute(
            """INSERT INTO media (chatbot, conversa, wamid, media_id, mime_type, filename, sha256, size, state, error)
               VALUES ($1, $2, $3, $4, 'image/png', $5, $6, $7, 'guardada', $4)""",
            bot.id, conversa, f"{person.wamid}{number}", person.word, f"{person.word}.png", sha256, len(content),
        )  # fmt: skip


async def _answers(person: Planted) -> None:
    for number, location in enumerate((f"/api/clientes/{person.cliente}/", "/api/pedidos/pedidos/1/")):
        answer = json({"id": 1, "cliente": person.cliente, "observacoes": person.word})
        await DB.execute(
            "INSERT INTO idempotency (bearer, path, key, digest, location, answer) VALUES ($1, '/', $2, $1, $3, $4)",
            b"portador", f"{person.cliente}-{number}", location, answer.encode(),
        )  # fmt: skip


def _digest(value: Any) -> bytes:
    return hashlib.sha256(msgspec.json.encode(value)).digest()


async def tables() -> list[str]:
    """Every table there is, the plugins' too, by its full name."""
    return [row[0] for row in await DB.fetch(TABLES)]


async def everything(folder: Path) -> Counter[tuple[str, bytes]]:
    """All rows of all tables, and all files: where, and what."""
    found: Counter[tuple[str, bytes]] = Counter()
    for table in await tables():
        for row in await DB.fetch(f"SELECT * FROM {table}"):
            found[table, b" | ".join(_bytes(row.values()))] += 1
    for path in folder.rglob("*"):  # noqa: ASYNC240 - a few small files
        if path.is_file():
            found[str(path.relative_to(folder)), path.read_bytes()] += 1
    return found


def _bytes(values: Iterable[Any]) -> Iterator[bytes]:
    for value in values:
        if isinstance(value, list):
            yield from _bytes(value)
        else:
            yield value if isinstance(value, bytes) else str(value).encode()
