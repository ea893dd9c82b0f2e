"""What became of what we sent: statuses, applied in batches, forward only, in whatever order they came."""

from wabot.db.engine import DB

MOST = 1000
GIVE_UP_AFTER = 600.0
"""Seconds. A status may overtake the answer to its POST; past this its message is somebody else's."""

# Take a batch, find each status' message (by our id, which it brought back, else by Meta's), and merge all of one
# message's statuses into it: the furthest status wins, each moment is kept once, `failed` counts only if nothing
# was delivered. A message still `enviando` is thereby known to have been sent.
APPLY = """
WITH fresh AS (
    SELECT * FROM receipt WHERE state = 'pendente' ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
), matched AS (
    SELECT fresh.*, coalesce(
        (SELECT o.id FROM outbox o WHERE o.id = fresh.outbox AND o.chatbot = fresh.chatbot),
        (SELECT o.id FROM outbox o WHERE o.wamid = fresh.wamid AND o.chatbot = fresh.chatbot LIMIT 1)
    ) AS target FROM fresh
), merged AS (
    SELECT target, max(wamid) AS wamid,
        max(CASE status WHEN 'sent' THEN 1 WHEN 'delivered' THEN 2 WHEN 'read' THEN 3 WHEN 'played' THEN 4
            ELSE 0 END) AS rank,
        bool_or(status = 'failed') AS failed,
        min(at) FILTER (WHERE status = 'sent') AS sent_at,
        min(at) FILTER (WHERE status = 'delivered') AS delivered_at,
        min(at) FILTER (WHERE status IN ('read', 'played')) AS read_at,
        max(error_code) AS error_code, max(error) AS error,
        (array_agg(pricing ORDER BY id DESC) FILTER (WHERE pricing IS NOT NULL))[1] AS pricing
    FROM matched WHERE target IS NOT NULL GROUP BY target
), before AS (
    SELECT o.id, o.state, o.conversa, CASE o.status WHEN 'sent' THEN 1 WHEN 'delivered' THEN 2 WHEN 'read' THEN 3
        WHEN 'played' THEN 4 ELSE 0 END AS rank
    FROM outbox o WHERE o.id IN (SELECT target FROM merged) ORDER BY o.id FOR UPDATE
), applied AS (
    UPDATE outbox o SET
        wamid = coalesce(o.wamid, m.wamid),
        status = CASE WHEN m.failed AND greatest(m.rank, b.rank) < 2 THEN 'failed'
            WHEN m.rank > b.rank AND o.status <> 'failed' THEN (ARRAY['sent', 'delivered', 'read', 'played'])[m.rank]
            WHEN m.rank > 1 AND o.status = 'failed' THEN (ARRAY['sent', 'delivered', 'read', 'played'])[m.rank]
            ELSE o.status END,
        state = CASE WHEN m.failed AND greatest(m.rank, b.rank) < 2 THEN 'falhou'
            WHEN o.state = 'falhou' AND m.rank < 2 THEN 'falhou' ELSE 'enviada' END,
        sent_at = coalesce(least(o.sent_at, m.sent_at), m.delivered_at, m.read_at),
        delivered_at = least(o.delivered_at, m.delivered_at),
        read_at = least(o.read_at, m.read_at),
        error_code = CASE WHEN m.failed THEN m.error_code ELSE o.error_code END,
        error = CASE WHEN m.failed THEN m.error ELSE o.error END,
        pricing = coalesce(m.pricing, o.pricing)
    FROM merged m JOIN before b ON b.id = m.target WHERE o.id = m.target
), done AS (
    UPDATE receipt r SET state = CASE WHEN m.target IS NOT NULL THEN 'aplicada' ELSE 'avulsa' END
    FROM matched m WHERE r.id = m.id
        AND (m.target IS NOT NULL OR m.received_at < now() - make_interval(secs => $2))
    RETURNING r.id
)
SELECT (SELECT count(*) FROM done) AS done,
    coalesce((SELECT array_agg(DISTINCT conversa) FROM before WHERE state = 'enviando'), '{}') AS settled
"""


async def apply() -> list[int]:
    """Apply what has come. Returns the conversas in which a message of unknown outcome is settled by it."""
    settled: list[int] = []
    while True:
        row = await DB.fetchrow(APPLY, MOST, GIVE_UP_AFTER)
        settled += row["settled"]
        if row["done"] < MOST:
            return settled


async def waiting() -> bool:
    """Whether any status waits to be applied: for the sweeper."""
    return bool(await DB.fetchval("SELECT EXISTS (SELECT FROM receipt WHERE state = 'pendente')"))
