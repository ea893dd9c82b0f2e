"""What a job says to a customer, and what it records: rows of the outbox and events, in the job's own transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from wabot.db.engine import DB
from wabot.message import TEXT_LIMIT, TextMessage
from wabot.outbox import encode
from wabot.text import size

# Never in the middle of something: not while a turn is taken (its row is locked), a message waits for its answer, or a
# person has the conversa. Meta takes free words within 24 hours of the customer's last ones, and one message every six
# seconds, up to 45 before their time (see WRITE in wabot.turns).
SAY = """
WITH open AS (
    SELECT conversa.id FROM conversa JOIN cliente ON cliente.id = conversa.cliente
    WHERE conversa.chatbot = $1 AND cliente = $2 AND ativo AND mesclado_em IS NULL AND NOT person
        AND last_inbound_at > clock_timestamp() - interval '24 hours'
        AND ($4::timestamptz IS NULL OR last_inbound_at <= $4)
        AND NOT EXISTS (SELECT FROM inbox WHERE inbox.conversa = conversa.id AND state = 'pendente')
    FOR NO KEY UPDATE OF conversa SKIP LOCKED
), paired AS (
    UPDATE conversa SET pair_at = greatest(pair_at, now()) + interval '6 seconds'
    FROM open WHERE conversa.id = open.id
    RETURNING conversa.id, pair_at - 45 * interval '6 seconds' AS may_go
)
INSERT INTO outbox (chatbot, conversa, content, retry_at)
SELECT $1, id, $3, CASE WHEN may_go > now() THEN may_go END FROM paired RETURNING true
"""

EVENT = """
INSERT INTO event (chatbot, conversa, name, fields)
SELECT $1, coalesce((SELECT id FROM conversa WHERE chatbot = $1 AND cliente = $2), 0), $3, $4
"""


class Unasked:
    """`Reach` of the jobs of one chatbot."""

    def __init__(self, chatbot: int) -> None:
        self._chatbot = chatbot

    async def say(self, cliente: int, words: str, quiet_since: datetime | None) -> bool:
        if not words or size(words) > TEXT_LIMIT:
            raise ValueError(f"a message has 1 to {TEXT_LIMIT} characters, not {size(words)}")
        [content] = encode([TextMessage(words)])
        return bool(await DB.fetchval(SAY, self._chatbot, cliente, content, quiet_since))

    async def event(self, name: str, cliente: int | None, fields: Mapping[str, Any]) -> None:
        await DB.execute(EVENT, self._chatbot, cliente, name, msgspec.json.encode(fields).decode())
