"""What became of what we sent: statuses, applied in batches to the messages they are about."""

from collections import defaultdict
from typing import Any

from wabot import addresses
from wabot.db.engine import DB
from wabot.whatsapp.statuses import Progress, Told, merge

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
SELECT id, conversa, state, wamid, other_wa_id, status, sent_at, delivered_at, read_at, error_code, error, pricing
FROM outbox WHERE id = ANY($1) ORDER BY id FOR UPDATE
"""

# A status proves that the message was sent, whatever its state says.
WRITE = """
UPDATE outbox SET wamid = coalesce(outbox.wamid, new.wamid), status = new.status, sent_at = new.sent_at,
    delivered_at = new.delivered_at, read_at = new.read_at, error_code = new.error_code, error = new.error,
    pricing = new.pricing, state = CASE new.status WHEN 'failed' THEN 'falhou' ELSE 'enviada' END
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
            $7::int[], $8::text[], $9::json[])
    AS new (id, wamid, status, sent_at, delivered_at, read_at, error_code, error, pricing)
WHERE outbox.id = new.id
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
    """Bring the messages forward; the conversas in which something may go now: what was `enviando` is settled, or a
    message that did not arrive goes to the other form of the number."""
    news: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        news[row["message"]].append(row)
    messages = await DB.fetch(LOCK, list(news))
    written = [_written(message, news[message["id"]]) for message in messages]
    await DB.execute(WRITE, *(list(column) for column in zip(*written, strict=True)))
    again = await addresses.told(messages, {row[0]: (row[2], row[6]) for row in written})
    return list({message["conversa"] for message in messages if message["state"] == "enviando"} | again)


def _written(message: Any, rows: list[Any]) -> tuple[Any, ...]:
    fields = {name: message[name] for name in Progress.__struct_fields__}
    told = [Told(r["status"], r["at"], r["error_code"], r["error"], r["pricing"]) for r in rows]
    after = merge(Progress(**fields), told)
    return (message["id"], rows[0]["wamid"], *(getattr(after, name) for name in Progress.__struct_fields__))
