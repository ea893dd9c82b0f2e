"""Receiving: everything a webhook brought is stored and committed before anybody answers 200.

Concurrent webhooks share one commit. What is stored is rung for once, after the commit.
"""

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from wabot.batch import Batch
from wabot.db.engine import DB
from wabot.identity import LED, Sighting, conversas_of, ids_told, meet, note_seen
from wabot.logs import step
from wabot.media import incoming
from wabot.metrics import MESSAGES
from wabot.person import Ids, ids_of
from wabot.queue import Queue
from wabot.whatsapp.callback import outbox_id
from wabot.whatsapp.payloads import Message, Status

log = logging.getLogger(__name__)

STORE_WITHIN = 4.0
"""Seconds a flush may take. A delivery may have to wait for the one before, and Meta does not document when it gives up
on an answer; others report five to ten.
"""

# What people say of whom nothing is new, the ordinary case: found and stored in one statement. `known`: it is dealt
# with; without an id, it had been stored before.
STORE_KNOWN = f"""
WITH who AS MATERIALIZED (
    SELECT * FROM unnest((SELECT $1::int[]), $2::text[], $3::text[], $4::text[], $5::timestamptz[],
                         $6::text[], $7::text[], $8::timestamptz[], $9::bytea[]) WITH ORDINALITY
        AS who (chatbot, bsuid, parent, phone_key, at, wamid, kind, sent_at, raw, n)
), led AS MATERIALIZED ({LED}), stored AS (
    INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw)
    SELECT chatbot, conversa, wamid, kind, sent_at, raw FROM led JOIN who USING (n)
    WHERE whole AND conversa IS NOT NULL ORDER BY n
    ON CONFLICT (chatbot, wamid) DO NOTHING RETURNING id, chatbot, wamid, conversa, state
)
SELECT n, whole AND led.conversa IS NOT NULL AS known, led.conversa IS NULL AS stranger, unseen, stored.*
FROM led JOIN who USING (n) LEFT JOIN stored ON stored.chatbot = who.chatbot AND stored.wamid = who.wamid
"""  # noqa: S608 - of constants

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
        """Raises what PostgreSQL raised if not all of this delivery could be stored: then it has to come again."""
        await self._batch.add(delivery)

    async def _store(self, deliveries: list[Delivery]) -> list[None]:
        """Each kind commits by itself: should a later one fail, all of it comes again, and what is here is known."""
        async with asyncio.timeout(
            STORE_WITHIN
        ):  # for all at once: a clock for each delivery costs a twentieth
            stored, rest, strangers = await _store_known([item for d in deliveries for item in d.messages])
            self._ring_for(stored)  # nobody waits for strangers
            if rest:
                self._ring_for(*await _store_rest(rest, strangers))
            if statuses := [item for d in deliveries for item in d.statuses]:
                await _store_statuses(statuses)
                self._queue.soon(self._queue.receipts())
            if notices := [item for d in deliveries for item in d.notices]:
                await _store_notices(notices)
                self._queue.soon(self._queue.notices())
            await _keep_apart([item for d in deliveries for item in d.quarantined])
        return [None] * len(deliveries)

    def _ring_for(self, stored: Sequence[Any], files: bool = False) -> None:
        for chatbot, new in Counter(row["chatbot"] for row in stored).items():
            MESSAGES.labels(chatbot).inc(new)
        for row in stored:
            step(log, "stored", chatbot=row["chatbot"], conversa=row["conversa"], inbox=row["id"])
        pending = (row for row in stored if row["state"] == "pendente")
        if waiting := list(dict.fromkeys((row["chatbot"], row["conversa"]) for row in pending)):
            self._queue.soon(self._queue.attend(waiting))
        if files:
            self._queue.soon(self._queue.media())


Item = tuple[int, Message]
"""A message, and the chatbot it is for."""


def _person(item: Item) -> tuple[int, Ids]:
    return item[0], ids_of(item[1].sender)


def _key(item: Item) -> tuple[int, str]:
    return item[0], item[1].inbound.wamid


async def _store_known(messages: Sequence[Item]) -> tuple[list[Any], list[Item], list[Sighting]]:
    """Store what people say of whom nothing is new: its rows. Also the messages that are left, and who is a stranger.

    Those with files are left, and with them all that the same person says, so that it stays in order.
    """
    special = {_person(item) for item in messages if item[1].becomes or item[1].inbound.media}
    plain = [item for item in messages if _person(item) not in special] if special else messages
    if not plain:
        return [], list(messages), []
    seen = [_sighting(item) for item in plain]
    rows = [
        (*ids_told(sighting), m.inbound.wamid, m.inbound.kind, m.inbound.at, m.raw)
        for sighting, (_, m) in zip(seen, plain, strict=True)
    ]
    looked = await DB.fetch(STORE_KNOWN, *_columns(rows))
    found = [row for row in looked if row["known"]]
    await note_seen(seen[row["n"] - 1] for row in found if row["unseen"])
    stored = {row["id"]: row for row in found if row["id"]}  # delivered twice at once, it is there twice
    known = {_key(plain[row["n"] - 1]) for row in found}
    strangers = [seen[row["n"] - 1] for row in looked if row["stranger"]]
    return list(stored.values()), [item for item in messages if _key(item) not in known], strangers


async def _store_rest(messages: Sequence[Item], strangers: Sequence[Sighting]) -> tuple[list[Any], bool]:
    """Store after looking closer at who wrote: its rows, and whether files are to be fetched."""
    async with DB.transaction():  # else the file of a message that comes again would never be fetched
        if strangers:
            await meet(strangers)
        stored = await _store_found(messages)
        return stored, await _store_files(messages, stored)


def _sighting(item: Item) -> Sighting:
    chatbot, message = item
    return Sighting(chatbot, message.sender, message.inbound.at, message.becomes)


async def _store_found(messages: Sequence[Item]) -> list[Any]:
    conversas = await conversas_of([_sighting(item) for item in messages])
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
    return await DB.fetch(STORE_MESSAGES, *_columns(rows))


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
