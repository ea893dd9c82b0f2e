"""Which messages may go next: the statements by which a worker takes them, so that no other does."""

# What is known of a message when it goes. Meta takes free words within 24 hours of the customer's last ones.
_CLAIMED = """
RETURNING outbox.id, outbox.chatbot, outbox.conversa, content, tries, refused, bulk, mailing, outbox.flow,
    wa_id, other_wa_id, bsuid, ativo AND aceita_marketing AS welcome,
    created_at < now() - interval '24 hours' AS too_late,
    coalesce(last_inbound_at < now() - interval '24 hours', true) AS closed
"""

# Nobody answered the POST, and the time for a status to come is over: while the server was down none could be stored,
# so it begins anew when it starts; and one that has come and is still to be applied says that the message went.
_SILENT = """state = 'enviando' AND greatest(sending_at, pg_postmaster_start_time()) < now() - make_interval(secs => {})
            AND NOT EXISTS (SELECT FROM receipt WHERE receipt.outbox = {}.id AND receipt.state = 'pendente')"""

# The next reply of each of these conversas, if it may go now. The oldest open row decides: while it is being sent, or
# waits for its next try, or somebody else has it in hand, nothing behind it may overtake. Bulk messages are not in its
# way. (CASE, so that no plan goes through all that is open anywhere instead of the few rows that are named.)
CLAIM = f"""
WITH oldest AS MATERIALIZED (
    SELECT next.id FROM unnest($1::text::bigint[]) AS here (conversa), LATERAL (
        SELECT id FROM outbox WHERE conversa = here.conversa AND state IN ('pendente', 'enviando') AND NOT bulk
        ORDER BY id LIMIT 1) AS next
), free AS MATERIALIZED (
    SELECT id, conversa FROM outbox
    WHERE id IN (SELECT id FROM oldest)
        AND CASE state WHEN 'pendente' THEN true ELSE {_SILENT.format("$2", "outbox")} END
        AND (retry_at IS NULL OR retry_at <= now())
        AND NOT EXISTS (SELECT FROM number_hold WHERE chatbot = outbox.chatbot)
    FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET state = 'enviando', sending_at = now(), tries = tries + 1
FROM free LEFT JOIN conversa ON conversa.id = free.conversa LEFT JOIN cliente ON cliente.id = cliente
WHERE outbox.id = free.id
{_CLAIMED}, (SELECT rate FROM number_pace WHERE chatbot = outbox.chatbot) AS rate
"""  # noqa: S608 - of constants

# A few bulk messages of the number whose turn it is: of each conversa the oldest, and only if no reply is open
# there, and the pair is not above its limit. A number whose bulk is far enough ahead waits, and so does one that Meta
# has slowed down, while replies of it are waiting. (LATERAL with a LIMIT, and one number: else the planner would read
# through all that was ever sent.)
CLAIM_BULK = f"""
WITH number AS (
    SELECT pace.chatbot, pace.rate, least(pace.rate, throughput) * $2 AS bulk_rate,
        greatest(bulk_at, now() - make_interval(secs => $3)) AS starts_at
    FROM number_pace AS pace JOIN chatbot ON chatbot.id = pace.chatbot,
        LATERAL (SELECT FROM outbox WHERE outbox.chatbot = pace.chatbot AND bulk AND state = 'pendente'
                    AND (retry_at IS NULL OR retry_at <= now()) ORDER BY id LIMIT 1) AS waiting
    WHERE coalesce(bulk_at <= now() + make_interval(secs => $3), true)
        AND (pace.rate IS NULL OR coalesce(next_at <= now(), true)) -- else a reply has taken it
        AND NOT EXISTS (SELECT FROM number_hold WHERE number_hold.chatbot = pace.chatbot)
    ORDER BY bulk_at NULLS FIRST LIMIT 1 FOR UPDATE OF pace SKIP LOCKED
), picked AS MATERIALIZED (
    SELECT next.id, next.conversa FROM outbox AS next LEFT JOIN conversa ON conversa.id = next.conversa
    WHERE next.chatbot = (SELECT chatbot FROM number) AND bulk AND state = 'pendente'
        AND (retry_at IS NULL OR retry_at <= now())
        AND coalesce(pair_at <= now() + interval '264 seconds', true)
        AND NOT EXISTS (
            SELECT FROM outbox AS open WHERE open.conversa = next.conversa
                AND open.state IN ('pendente', 'enviando') AND (NOT open.bulk OR open.id < next.id))
    ORDER BY next.id LIMIT $1 FOR UPDATE OF next SKIP LOCKED
), paced AS (
    UPDATE number_pace SET
        bulk_at = CASE count WHEN 0 THEN now() + interval '1 second' -- others first: all that waits here is held up
                  ELSE starts_at + make_interval(secs => count / bulk_rate) END,
        next_at = greatest(next_at, now()) + make_interval(secs => count / number.rate)
    FROM number, (SELECT count(*) FROM picked) AS taken WHERE number_pace.chatbot = number.chatbot
), paired AS (
    UPDATE conversa SET pair_at = greatest(pair_at, now()) + interval '6 seconds'
    WHERE id IN (SELECT id FROM conversa WHERE id IN (SELECT conversa FROM picked) -- but never wait for a turn
                 FOR NO KEY UPDATE SKIP LOCKED)
)
UPDATE outbox SET state = 'enviando', sending_at = now(), tries = tries + 1
FROM number CROSS JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM picked) AS picked
    LEFT JOIN conversa ON conversa.id = picked.conversa LEFT JOIN cliente ON cliente.id = cliente
WHERE outbox.id = picked.id
{_CLAIMED}, extract(epoch FROM starts_at - now())::float8 + place / bulk_rate AS starts_in, NULL AS rate
"""  # noqa: S608

# One message of a number on hold, when it is time to see whether the number works again: who moves `next_try` may
# send it. The oldest that nothing else holds up, replies first.
PROBE = f"""
WITH due AS (
    UPDATE number_hold SET next_try = now() + make_interval(secs => $2)
    WHERE chatbot = (SELECT chatbot FROM number_hold WHERE next_try <= now()
                     ORDER BY next_try LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING chatbot
), picked AS MATERIALIZED (
    SELECT next.id, next.conversa
    FROM due JOIN outbox AS next USING (chatbot) JOIN conversa ON conversa.id = next.conversa
    WHERE state IN ('pendente', 'enviando')
        AND CASE state WHEN 'pendente' THEN true ELSE NOT bulk AND {_SILENT.format("$1", "next")} END
        AND (retry_at IS NULL OR retry_at <= now())
        AND (content ->> 'type' = 'template' OR last_inbound_at > now() - interval '24 hours')
        AND NOT EXISTS (
            SELECT FROM outbox AS open WHERE open.conversa = next.conversa
                AND open.state IN ('pendente', 'enviando') AND (open.bulk, open.id) < (next.bulk, next.id))
    ORDER BY bulk, next.id LIMIT 1 FOR UPDATE OF next SKIP LOCKED
)
UPDATE outbox SET state = 'enviando', sending_at = now(), tries = tries + 1
FROM picked JOIN conversa ON conversa.id = picked.conversa JOIN cliente ON cliente.id = cliente
WHERE outbox.id = picked.id
{_CLAIMED}, NULL AS rate
"""  # noqa: S608

# Conversas whose next reply should have gone by now. Of a number on hold none should.
OVERDUE = """
SELECT DISTINCT conversa FROM outbox
WHERE NOT bulk AND ((state = 'pendente' AND coalesce(retry_at, created_at + make_interval(secs => $1)) <= now())
   OR (state = 'enviando' AND sending_at < now() - make_interval(secs => $2)))
    AND NOT EXISTS (SELECT FROM number_hold WHERE chatbot = outbox.chatbot)
LIMIT $3
"""
