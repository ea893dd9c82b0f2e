"""One message's whole story, told from the rows it left: what came, who answered, what was sent and what Meta said."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.message import Outbound, words_of
from wabot.outbox import decode
from wabot.whatsapp.callback import outbox_id
from wabot.whatsapp.failures import failure_for
from wabot.whatsapp.payloads import NotAPayload, read_message

# By an id of ours, or by Meta's, which is unique in a chatbot only.
FIND = """
SELECT 'inbox' AS box, id FROM inbox WHERE id = $1
UNION ALL SELECT 'outbox', id FROM outbox WHERE id = $2
UNION ALL SELECT 'inbox', inbox.id FROM chatbot JOIN inbox ON inbox.chatbot = chatbot.id AND inbox.wamid = $3
UNION ALL SELECT 'outbox', outbox.id FROM outbox WHERE outbox.wamid = $3
LIMIT 1
"""
RECEIVED = "SELECT * FROM inbox WHERE id = $1"
REPLIES = "SELECT * FROM outbox WHERE chatbot = $1 AND conversa = $2 AND inbox = $3 ORDER BY id"
SENT = "SELECT * FROM outbox WHERE id = $1"
EVENTS = "SELECT id, name, at FROM event WHERE chatbot = $1 AND conversa = $2 AND inbox = $3 ORDER BY id"
FILES = "SELECT id, state, error, received_at, fetched_at FROM media WHERE chatbot = $1 AND wamid = $2"
RECEIPTS = """
SELECT status, at, received_at, error_code, state FROM receipt
WHERE chatbot = $1 AND wamid = $2 ORDER BY at, received_at
"""


class NoSuchMessage(WabotError):
    """No message has that id: it never came, or it was erased."""


class Step(msgspec.Struct, frozen=True):
    """Something that happened to a message, or to a reply to it."""

    id: str
    """Which row tells it: `inbox-812`, `outbox-97`."""
    at: datetime
    what: str
    message: str
    text: str = ""
    """What was written; only if it was asked for."""


class Story(msgspec.Struct, frozen=True):
    """The steps in the order in which they happened."""

    id: str
    chatbot: int
    conversa: int | None
    steps: list[Step]


async def tell(id: str, *, texts: bool = False) -> Story:
    """`id`: `inbox-812` or 812, `outbox-97` or `wabot:97` (biz_opaque_callback_data), or a wamid. Raises NoSuchMessage.

    A reply's story is that of the message it answers. `texts`: with what was written.
    """
    box, number = await _find(id)
    first = await DB.fetchrow(RECEIVED if box == "inbox" else SENT, number)
    received = first if box == "inbox" else await _answered(first)
    if received is None:
        steps, whole = [step async for step in _sent(first, texts)], f"outbox-{number}"
    else:
        steps, whole = [step async for step in _received(received, texts)], f"inbox-{received['id']}"
        for reply in await DB.fetch(REPLIES, received["chatbot"], received["conversa"], received["id"]):
            steps += [step async for step in _sent(reply, texts)]
    return Story(whole, first["chatbot"], first["conversa"], sorted(steps, key=lambda step: step.at))


async def _find(id: str) -> tuple[str, int]:
    box, _, number = id.rpartition("-")
    ours = int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else None
    inbox = ours if box in ("", "inbox") else None
    outbox = ours if box == "outbox" else outbox_id(id)
    row = await DB.fetchrow(FIND, inbox, outbox, id)
    if row is None:
        raise NoSuchMessage(
            f"Não há mensagem {id}: use inbox-812, outbox-97 ou o wamid; ela pode ter sido apagada."
        )
    return row["box"], row["id"]


async def _answered(reply: Any) -> Any:
    return await DB.fetchrow(RECEIVED, reply["inbox"]) if reply["inbox"] else None


async def _received(row: Any, texts: bool) -> AsyncIterator[Step]:
    told = _teller(f"inbox-{row['id']}")
    yield told(
        row["sent_at"], "written", f"O cliente escreveu ({row['kind']}).", _words(row) if texts else ""
    )
    yield told(row["received_at"], "stored", "Chegou pelo webhook e foi guardada.")
    for step in _outcome(row, told):
        yield step
    for file in await DB.fetch(FILES, row["chatbot"], row["wamid"]):
        at, why = file["fetched_at"] or file["received_at"], f": {file['error']}" if file["error"] else ""
        yield told(at, "file", f"O arquivo dela (media {file['id']}) está {file['state']}{why}.")
    for event in await DB.fetch(EVENTS, row["chatbot"], row["conversa"], row["id"]):
        yield told(event["at"], "event", f"Aconteceu {event['name']} (event {event['id']}).")


def _outcome(row: Any, told: Callable[..., Step]) -> Iterator[Step]:
    tries = f" depois de {row['tries']} tentativas que falharam" if row["tries"] else ""
    why = f": {row['error']}" if row["error"] else ""
    if row["state"] == "pendente":
        yield told(row["retry_at"] or row["received_at"], "waiting", f"Espera resposta{tries}{why}.")
    elif row["state"] == "atendida":
        waited = (row["done_at"] - row["received_at"]).total_seconds()
        where = f"; levou a {row['etapa']}" if row["etapa"] else ""
        yield told(row["done_at"], "answered", f"Atendida{tries}, {waited:.1f} s depois de chegar{where}.")
    elif row["state"] == "morta":
        whose = f" (plugin {row['plugin']})" if row["plugin"] else ""
        yield told(row["done_at"], "dead", f"Separada{whose}, tentativas: {row['tries']}{why}.")
    else:
        yield told(row["done_at"] or row["received_at"], "kept", f"Guardada, sem resposta{why}.")
    if row["edited_at"]:
        yield told(row["edited_at"], "edited", "O cliente a editou.")
    if row["revoked_at"]:
        yield told(row["revoked_at"], "revoked", "O cliente a apagou.")


async def _sent(row: Any, texts: bool) -> AsyncIterator[Step]:
    told = _teller(f"outbox-{row['id']}")
    message = _decoded(row["content"])
    whose = f" pelo fluxo {row['flow']}" if row["flow"] else ""
    text = words_of(message) if texts and message else ""
    yield told(
        row["created_at"], "reply", f"{'Campanha' if row['bulk'] else 'Resposta'} escrita{whose}.", text
    )
    if row["sending_at"]:
        yield told(row["sending_at"], "sending", f"Envio à Meta, vez {row['tries']}.")
    for receipt in await DB.fetch(RECEIPTS, row["chatbot"], row["wamid"]):
        late = (receipt["received_at"] - receipt["at"]).total_seconds()
        code = f", código {receipt['error_code']}" if receipt["error_code"] else ""
        yield told(
            receipt["at"],
            "status",
            f"Status {receipt['status']}{code}; soube-se {late:.1f} s depois, {receipt['state']}.",
        )
    yield told(_last(row), row["state"], _state(row))


def _last(row: Any) -> datetime:
    """When the row came to what it is now, as far as it tells."""
    times = [
        row[name] for name in ("read_at", "delivered_at", "sent_at", "sending_at", "created_at") if row[name]
    ]
    found: datetime = max(times)
    return found


def _state(row: Any) -> str:
    code = row["error_code"]
    why = f" Código {code} da Meta: {failure_for(code, 0).operator}" if code else ""
    words = f" ({row['error']})" if row["error"] else ""
    match row["state"]:
        case "enviada":
            return f"Enviada; situação na Meta: {row['status']}."
        case "falhou":
            return f"Não foi enviada, ou não chegou.{why}{words}"
        case "enviando":
            return f"A caminho; ainda sem resposta da Meta.{why}{words}"
        case _:
            when = f" até {row['retry_at']:%d/%m %H:%M:%S} UTC" if row["retry_at"] else ""
            return f"Espera a sua vez{when}.{why}{words}"


def _teller(id: str) -> Callable[..., Step]:
    def told(at: datetime, what: str, message: str, text: str = "") -> Step:
        return Step(id, at, what, message, text)

    return told


def _words(row: Any) -> str:
    try:
        return read_message(row["raw"], row["received_at"]).text
    except NotAPayload:
        return ""


def _decoded(content: str) -> Outbound | None:
    try:
        return decode(content)
    except msgspec.DecodeError:
        return None
