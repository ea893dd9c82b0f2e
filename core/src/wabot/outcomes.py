"""What came of a message that a worker took: the statements that write it down."""

# It may have been sent. A status that comes after all still tells the truth; while the server was down, none could.
GIVE_UP_UNCLEAR = """
UPDATE outbox SET state = 'falhou', error = $2
WHERE bulk AND state = 'enviando' AND sending_at < now() - make_interval(secs => $1)
    AND pg_postmaster_start_time() < now() - make_interval(secs => $1)
"""

# A status may have come before the answer to the POST: it is never undone. `more`: replies that wait behind it. The
# sub-selects hide the arrays' lengths, so that one plan is kept for all; and the conditions on `sent`, which always
# hold, let it expect few rows, or a plan made while the table is small would read all of it.
SENT = """
UPDATE outbox SET state = 'enviada', wamid = coalesce(outbox.wamid, sent.wamid), sent_at = coalesce(sent_at, now()),
    status = CASE WHEN status = '' THEN 'accepted' ELSE status END, error = '', error_code = NULL
FROM unnest((SELECT $1::bigint[]), (SELECT $2::text[])) AS sent (id, wamid)
WHERE outbox.id = sent.id AND state <> 'falhou' AND sent.id > 0 AND sent.wamid >= ''
RETURNING outbox.id, EXISTS (
    SELECT FROM outbox AS next WHERE next.conversa = outbox.conversa AND next.id <> outbox.id
        AND next.state IN ('pendente', 'enviando') AND NOT next.bulk) AS more
"""

# Whoever claimed the message last knows best: `tries` tells whether that was us.
NOT_SENT = """
UPDATE outbox SET state = $2, retry_at = now() + make_interval(secs => $3), error_code = $4, error = $5,
    refused = refused + $6
WHERE id = $1 AND state = 'enviando' AND wamid IS NULL AND tries = $7
"""

# The customer wrote too long ago: none of the replies that wait here may go any more. In their place goes the
# template, if there is one; once, since nothing that could call for it is left.
CLOSE = """
WITH closed AS (
    UPDATE outbox SET state = 'falhou', error_code = $3, error = $4
    WHERE conversa = $1 AND NOT bulk AND content ->> 'type' <> 'template'
        AND (state = 'pendente' OR (id = $2 AND state = 'enviando' AND wamid IS NULL))
    RETURNING id, chatbot, conversa, inbox, outbox.flow
)
INSERT INTO outbox (chatbot, conversa, inbox, flow, content)
SELECT chatbot, conversa, inbox, closed.flow, $5 FROM closed WHERE id = $2 AND $5::json IS NOT NULL
"""

# Before and after an upload: it may take longer than an answer to a POST. Each claim counts a try, and is known by it.
HOLD = """
UPDATE outbox SET sending_at = now() + make_interval(secs => $3)
WHERE id = $1 AND tries = $2 AND state = 'enviando' RETURNING true
"""
