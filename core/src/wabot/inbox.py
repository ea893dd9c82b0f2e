"""Receiving: everything a webhook brought is stored and committed before anybody answers 200.

Concurrent webhooks share one commit. What is stored is rung for once, after the commit.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from wabot.db.batch import Batch
from wabot.db.engine import DB
from wabot.identity import Sighting, conversas_of
from wabot.logs import step
from wabot.media import incoming
from wabot.metrics import MESSAGES
from wabot.queue import Queue
from wabot.whatsapp.callback import outbox_id
from wabot.whatsapp.payloads import Message, Status

log = logging.getLogger(__name__)

STORE_MESSAGES = """
INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw, state)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[], $7::text[])
ON CONFLICT (chatbot, wamid) DO NOTHING
RETURNING id, chatbot, wamid, conversa, state
"""

STORE_STATUSES = """
INSERT INTO receipt (chatbot, wamid, status, recipient, outbox, at, error_code, error, pricing, raw)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[],
                     $7::int[], $8::text[], $9::json[], $10::bytea[])
ON CONFLICT (chatbot, wamid, status, recipient) DO NOTHING
"""

STORE_NOTICES = """
INSERT INTO notice (chatbot, business_account_id, field, raw, at, digest)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[], $6::bytea[])
ON CONFLICT (digest) DO NOTHING
"""

KEEP_APART = """
INSERT INTO quarantine (chatbot, why, raw, digest)
SELECT * FROM unnest($1::int[], $2::text[], $3::bytea[], $4::bytea[])
ON CONFLICT (digest) DO NOTHING
"""


class Notice(msgspec.Struct, frozen=True):
    """A change that is neither message nor status, of a bot's number or account."""

    chatbot: int
    business_account_id: str
    field: str
    raw: bytes
    at: datetime | None = None

    @property
    def digest(self) -> bytes:
        """A template that is paused a second time is told in the same words: only the time is another. Faults of
        the number carry none, and would be news once for ever: so each counts once a day."""
        told = self.at or (datetime.now(UTC).date() if self.field == "errors" else "")
        return _digest(f"{self.chatbot} {self.business_account_id} {told}", self.raw)


class Quarantined(msgspec.Struct, frozen=True):
    """Something signed that nobody understood, kept as it came."""

    chatbot: int | None
    why: str
    raw: bytes


class Delivery(msgspec.Struct, frozen=True):
    """All that one webhook brought, each message and status with the chatbot it is for."""

    messages: list[tuple[int, Message]] = []
    statuses: list[tuple[int, Status]] = []
    notices: list[Notice] = []
    quarantined: list[Quarantined] = []


class Inbox:
    """The only way in. `accept` returns when the delivery is committed."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._batch: Batch[Delivery, None] = Batch(self._store)

    async def accept(self, delivery: Delivery) -> None:
        """Raises what PostgreSQL raised if this delivery could not be stored; then nothing of it was."""
        await self._batch.add(delivery)

    async def _store(self, deliveries: list[Delivery]) -> list[None]:
        messages = [item for delivery in deliveries for item in delivery.messages]
        statuses = [item for delivery in deliveries for item in delivery.statuses]
        notices = [item for delivery in deliveries for item in delivery.notices]
        async with DB.transaction():
            stored, files = await _store_messages(messages)
            await _store_statuses(statuses)
            await _store_notices(notices)
            await _keep_apart([item for delivery in deliveries for item in delivery.quarantined])
        for chatbot, new in Counter(row["chatbot"] for row in stored).items():
            MESSAGES.labels(chatbot).inc(new)
        for row in stored:
            step(log, "stored", chatbot=row["chatbot"], conversa=row["conversa"], inbox=row["id"])
        pending = (row for row in stored if row["state"] == "pendente")
        if waiting := list(dict.fromkeys((row["chatbot"], row["conversa"]) for row in pending)):
            self._queue.soon(self._queue.attend(waiting))
        if statuses:
            self._queue.soon(self._queue.receipts())
        if notices:
            self._queue.soon(self._queue.notices())
        if files:
            self._queue.soon(self._queue.media())
        return [None] * len(deliveries)


async def _store_messages(messages: Sequence[tuple[int, Message]]) -> tuple[list[Any], bool]:
    """Store what is new. Its rows, and whether files are to be fetched."""
    if not messages:
        return [], False
    conversas = await conversas_of(
        [Sighting(chatbot, m.sender, m.inbound.at, m.becomes) for chatbot, m in messages]
    )
    rows = [
        (
            chatbot,
            conversa,
            message.inbound.wamid,
            message.inbound.kind,
            message.inbound.at,
            message.raw,
            "pendente" if conversa else "guardada",
        )
        for (chatbot, message), conversa in zip(messages, conversas, strict=True)
    ]
    stored = await DB.fetch(STORE_MESSAGES, *_columns(rows))
    return stored, await _store_files(messages, stored)


async def _store_files(messages: Sequence[tuple[int, Message]], stored: Iterable[Any]) -> bool:
    """What came with new messages: of one that is delivered again, the file may have been erased since."""
    media = {
        (chatbot, message.inbound.wamid): message.inbound.media
        for chatbot, message in messages
        if message.inbound.media
    }
    if not media:
        return False
    arrivals = [
        (row["chatbot"], row["conversa"], row["wamid"], found)
        for row in stored
        if (found := media.get((row["chatbot"], row["wamid"])))
    ]
    if arrivals:
        await incoming.store(arrivals)
    return bool(arrivals)


async def _store_statuses(statuses: Sequence[tuple[int, Status]]) -> None:
    rows = [
        (
            chatbot,
            status.wamid,
            status.status,
            status.recipient,
            outbox_id(status.callback),
            status.at,
            status.error_code,
            status.error,
            msgspec.json.encode(status.pricing).decode() if status.pricing else None,
            status.raw,
        )
        for chatbot, status in statuses
    ]
    await _insert(STORE_STATUSES, rows)


async def _store_notices(notices: Iterable[Notice]) -> None:
    await _insert(
        STORE_NOTICES,
        [(n.chatbot, n.business_account_id, n.field, n.raw, n.at, n.digest) for n in notices],
    )


async def _keep_apart(items: Iterable[Quarantined]) -> None:
    await _insert(KEEP_APART, [(q.chatbot, q.why, q.raw, _digest(q.why, q.raw)) for q in items])


async def _insert(sql: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        await DB.execute(sql, *_columns(rows))


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _digest(about: str, raw: bytes) -> bytes:
    """What makes a redelivery of the same thing recognisable."""
    return hashlib.sha256(about.encode() + b"\0" + raw).digest()
