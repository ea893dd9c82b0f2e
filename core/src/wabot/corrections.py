"""Messages that their senders changed or deleted afterwards. The original is marked; nobody answers anew.

What was answered was answered: an edit that counted as a new message would order twice, and one that undid the turn
would take back what a kitchen has begun. People who read the chat see what became of it.
"""

from wabot.contents import Edit, Revoke
from wabot.db.engine import DB
from wabot.message import Inbound

EDITED = """
UPDATE inbox SET edited_at = $4, edited_text = $5
WHERE chatbot = $1 AND conversa = $2 AND wamid = $3 AND (edited_at IS NULL OR edited_at <= $4)
"""

REVOKED = "UPDATE inbox SET revoked_at = $4 WHERE chatbot = $1 AND conversa = $2 AND wamid = $3"


async def mark(chatbot: int, conversa: int, message: Inbound) -> None:
    """Mark what an edit or a revoke is about; any other message costs nothing. Of several edits the last counts.

    Only within the same conversa: nobody changes what somebody else has written.
    """
    match message.content:
        case Edit(original):
            await DB.execute(EDITED, chatbot, conversa, original, message.at, message.text)
        case Revoke(original):
            await DB.execute(REVOKED, chatbot, conversa, original, message.at)
