"""Numbers on hold: Meta refuses all they send until somebody mends something, so they stop and say so.

All workers share the row. While it stands nothing of the number is claimed and no message loses a try; about once a
minute one message shows whether the number works again. A `failed` status holds nothing up, even with a code that
would: it tells of one kind of message (an unpaid template, say) while others may still go.
"""

from datetime import datetime
from typing import Any

import msgspec

from wabot.db.engine import DB
from wabot.whatsapp.failures import Failure

# The message goes back as it was. A refusal of credentials that have been changed meanwhile holds nothing up.
PLACE = """
WITH back AS (
    UPDATE outbox SET state = 'pendente', retry_at = now() + interval '1 second', error_code = $3, error = $4
    WHERE id = $1 AND state = 'enviando' AND wamid IS NULL AND tries = $7 RETURNING chatbot
)
INSERT INTO number_hold (chatbot, code, reason, next_try)
SELECT id, $3, $5, now() + make_interval(secs => $6) FROM chatbot
WHERE id = (SELECT chatbot FROM back) AND credentials_at = $2
ON CONFLICT (chatbot) DO UPDATE SET code = EXCLUDED.code, reason = EXCLUDED.reason
"""

STANDING = """
SELECT chatbot.id AS chatbot, nome, code, reason, since
FROM number_hold JOIN chatbot ON chatbot.id = chatbot ORDER BY since
"""


class Hold(msgspec.Struct, frozen=True):
    """A number that does not send, and why."""

    chatbot: int
    nome: str
    code: int | None
    reason: str
    since: datetime


async def place(row: Any, failure: Failure, detail: str, credentials_at: datetime | None) -> None:
    """Stop the number of this claimed message, which Meta refused when sent with the credentials of that time."""
    reason, wait = failure.operator, failure.wait
    await DB.execute(PLACE, row["id"], credentials_at, failure.code, detail[:500], reason, wait, row["tries"])


async def lift(chatbot: int) -> None:
    """The number works again. What waits is rung for by the sweeper, in its order."""
    await DB.execute("DELETE FROM number_hold WHERE chatbot = $1", chatbot)


async def standing() -> list[Hold]:
    """Every number on hold, the longest first."""
    return [Hold(**row) for row in await DB.fetch(STANDING)]
