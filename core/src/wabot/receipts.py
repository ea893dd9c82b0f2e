"""What became of what we sent: statuses, applied in batches to the messages they are about."""

import logging
from collections import defaultdict
from typing import Any

import msgspec

from wabot import addresses, consent, mailings
from wabot.db.engine import DB
from wabot.logs import step
from wabot.tally import Change, tally
from wabot.whatsapp.statuses import Progress, Told, merge

log = logging.getLogger(__name__)

MOST = 1000
GIVE_UP_AFTER = 600.0
"""Seconds. A status may overtake the answer to its POST; past this its message is somebody else's."""

# Statuses that wait, each with its message: by our id, which it brought back, else by Meta's.
TAKE = """
SELECT r.*, r.received_at < now() - make_interval(secs => $2) AS old, coalesce(
    (SELECT id FROM outbox WHERE id = r.outbox AND chatbot = r.chatbot),
    (SELECT id FROM outbox WHERE wamid = r.wamid AND chatbot = r.chatbot LIMIT 1)
) AS message
FROM receipt r WHERE state = 'pendente' AND id > $3 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""

LOCK = """
SELECT id, chatbot, conversa, created_at, state, wamid, other_wa_id, status, sent_at, delivered_at, read_at,
    error_code, error, pricing, priced
FROM outbox WHERE id = ANY($1) ORDER BY id FOR UPDATE
"""

# A status proves that the message was sent, whatever its state says. One that failed is not sent again, even with a
# code that is tried again elsewhere: Meta had accepted it and has done its own tries, maybe for days, and what followed
# it in the conversa has gone.
WRITE = """
WITH happened AS (
    INSERT INTO event (chatbot, conversa, name, fields)
    SELECT chatbot, 0, name, fields FROM unnest($11::int[], $12::text[], $13::json[]) AS event (chatbot, name, fields)
)
UPDATE outbox SET wamid = coalesce(outbox.wamid, new.wamid), status = new.status, sent_at = new.sent_at,
    delivered_at = new.delivered_at, read_at = new.read_at, error_code = new.error_code, error = new.error,
    pricing = new.pricing, priced = new.priced, state = CASE new.status WHEN 'failed' THEN 'falhou' ELSE 'enviada' END
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
            $7::int[], $8::text[], $9::json[], $10::text[])
    AS new (id, wamid, status, sent_at, delivered_at, read_at, error_code, error, pricing, priced)
WHERE outbox.id = new.id AND new.id > 0 AND new.status >= '' -- always; see SENT
"""

SETTLE = "UPDATE receipt SET state = $2 WHERE id = ANY($1)"


async def apply() -> list[int]:
    """Apply what has come. Returns the conversas in which a message of unknown outcome is settled by it."""
    settled: list[int] = []
    last = 0  # strays stay where they are for a while; page past them, or they would keep others waiting
    while True:
        async with DB.transaction():
            rows = await DB.fetch(TAKE, MOST, GIVE_UP_AFTER, last)
            settled += await _apply(rows)
        for row in rows:
            if row["message"]:
                step(log, "status", chatbot=row["chatbot"], outbox=row["message"], status=row["status"])
        if len(rows) < MOST:
            return settled
        last = rows[-1]["id"]


async def waiting() -> bool:
    """Whether any status waits to be applied: for the sweeper."""
    return bool(await DB.fetchval("SELECT EXISTS (SELECT FROM receipt WHERE state = 'pendente')"))


async def _apply(rows: list[Any]) -> list[int]:
    known = [row for row in rows if row["message"]]
    strays = [row["id"] for row in rows if not row["message"] and row["old"]]
    settled = await _merge_all(known) if known else []
    await DB.execute(SETTLE, [row["id"] for row in known], "aplicada")
    await DB.execute(SETTLE, strays, "avulsa")
    return settled


async def _merge_all(rows: list[Any]) -> list[int]:
    """Bring the messages forward; the conversas of those that were `enviando` until now."""
    news: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        news[row["message"]].append(row)
    messages = await DB.fetch(LOCK, list(news))
    told = {
        message["id"]: [row for row in news[message["id"]] if _is_news(message, row)] for message in messages
    }
    written = [_written(message, told[message["id"]]) for message in messages if told[message["id"]]]
    if written:
        columns = [list(column) for column in zip(*written, strict=True)]
        await DB.execute(WRITE, *columns, *_events(messages, written))
    await consent.stopped({row["message"]: row["at"] for row in rows if row["error_code"] == consent.STOPPED})
    for chatbot in {row["chatbot"] for row in rows if row["error_code"] == mailings.SPAM}:
        await mailings.brake(chatbot, mailings.SPAM_SAID)
    again = await addresses.told(messages, {row[0]: (row[2], row[6]) for row in written})
    return list({message["conversa"] for message in messages if message["state"] == "enviando"} | again)


def _is_news(message: Any, row: Any) -> bool:
    """A failure is one send's. Meta may tell it twice, as the answer to the POST and as a status: a message that waits
    for its next try has been answered, and one that was sent again has another wamid.
    """
    if row["status"] != "failed":
        return True
    if message["wamid"]:
        return bool(message["wamid"] == row["wamid"])
    return bool(message["state"] != "pendente")


def _written(message: Any, rows: list[Any]) -> tuple[Any, ...]:
    told = [Told(r["status"], r["at"], r["error_code"], r["error"], r["pricing"]) for r in rows]
    after = merge(_progress(message), told)
    return (message["id"], rows[0]["wamid"], *(getattr(after, name) for name in Progress.__struct_fields__))


def _progress(message: Any) -> Progress:
    return Progress(**{name: message[name] for name in Progress.__struct_fields__})


def _events(messages: list[Any], written: list[tuple[Any, ...]]) -> tuple[list[Any], list[Any], list[Any]]:
    """What reports count of statuses, for the whole batch at once: chatbots, names, fields."""
    after = {row[0]: Progress(*row[2:]) for row in written}
    changed = [
        Change(message["chatbot"], message["created_at"], _progress(message), after[message["id"]])
        for message in messages
        if message["id"] in after
    ]
    events = list(tally(changed))
    fields = [msgspec.json.encode(event.fields).decode() for _, event in events]
    return [chatbot for chatbot, _ in events], [event.name for _, event in events], fields
