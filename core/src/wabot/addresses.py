"""Where messages go: the form of a number that WhatsApp uses, which the answers to our messages tell.

WhatsApp keeps many Brazilian mobiles without the ninth digit. What it calls somebody is remembered (`wa_id`) beside
what was written down (`telefone`). A message that cannot be delivered (131026) goes once to the other form of the
number; the form in which one arrives is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from wabot.db.engine import DB
from wabot.identity import user_id_changed
from wabot.person import same_phone
from wabot.phone import canonical, other_form
from wabot.whatsapp.client import Accepted
from wabot.whatsapp.statuses import DELIVERED, RANK

UNDELIVERABLE = 131026
ARRIVALS = [status for status, rank in RANK.items() if rank >= DELIVERED]

# Once: what was proved by an answer or by a message that arrived is only changed by another one that arrived.
LEARN = """
UPDATE cliente SET wa_id = $2, wa_id_proved = true FROM conversa
WHERE conversa.id = $1 AND cliente.id = conversa.cliente AND wa_id = $3 AND NOT wa_id_proved
"""

# The next status will do if somebody else has the row: whoever merges clientes takes it before the outbox's.
ARRIVED = """
WITH arrived AS (
    SELECT cliente.id, other_wa_id FROM unnest($1::bigint[], $2::text[]) AS arrived (id, phone_key)
    JOIN outbox USING (id) JOIN conversa ON conversa.id = conversa
    JOIN cliente ON cliente.id = conversa.cliente AND cliente.phone_key = arrived.phone_key
    WHERE wa_id <> other_wa_id FOR NO KEY UPDATE OF cliente SKIP LOCKED
)
UPDATE cliente SET wa_id = other_wa_id, wa_id_proved = true FROM arrived WHERE cliente.id = arrived.id
"""

# In place: it was certainly not sent, and what waits behind it goes after it.
AGAIN = """
UPDATE outbox SET state = 'pendente', retry_at = NULL, other_wa_id = $2
WHERE id = $1 AND state = 'enviando' AND wamid IS NULL AND tries = $3
"""

ADDRESSES = """
SELECT outbox.id, wa_id FROM outbox JOIN conversa ON conversa.id = outbox.conversa
JOIN cliente ON cliente.id = conversa.cliente WHERE outbox.id = ANY($1) AND wa_id <> ''
"""

# As a new message, since statuses of the first may still come.
RESEND = """
INSERT INTO outbox (chatbot, conversa, inbox, flow, content, bulk, other_wa_id)
SELECT chatbot, conversa, inbox, flow, content, bulk, other FROM unnest($1::bigint[], $2::text[]) AS again (id, other)
JOIN outbox USING (id) RETURNING conversa
"""


async def learn(row: Any, accepted: Accepted) -> None:
    """Keep what Meta calls whom a message went to, if it is not what we called them. `row` is of the outbox."""
    wa_id, bsuid = row["other_wa_id"] or row["wa_id"], row["bsuid"]
    if not wa_id and accepted.user_id not in ("", bsuid):
        await user_id_changed(row["chatbot"], bsuid, accepted.user_id)
    elif not wa_id or accepted.wa_id in ("", wa_id):
        return
    elif canonical(accepted.wa_id) == canonical(wa_id):
        await DB.execute(LEARN, row["conversa"], accepted.wa_id, wa_id)
    else:
        await same_phone(row["chatbot"], wa_id, accepted.wa_id)


async def try_other_form(row: Any, code: int | None) -> bool:
    """Whether a message that was refused as undeliverable goes to the other form of the number. Only once."""
    other = other_form(row["wa_id"] or "")
    if code != UNDELIVERABLE or row["other_wa_id"] or not other:
        return False
    await DB.execute(AGAIN, row["id"], other, row["tries"])
    return True


async def told(messages: Sequence[Any], news: Mapping[int, tuple[str, int | None]]) -> set[int]:
    """Statuses have come, (status, error code) by message. The conversas in which one is to be sent once more."""
    arrived = [m for m in messages if m["other_wa_id"] and news.get(m["id"], ("",))[0] in ARRIVALS]
    if arrived:
        keys = [canonical(m["other_wa_id"]) for m in arrived]
        await DB.execute(ARRIVED, [m["id"] for m in arrived], keys)
    lost = [
        m["id"]
        for m in messages
        if m["state"] != "falhou" and not m["other_wa_id"] and news.get(m["id"]) == ("failed", UNDELIVERABLE)
    ]
    return await _resend(lost) if lost else set()


async def _resend(lost: Sequence[int]) -> set[int]:
    others = {row["id"]: other_form(row["wa_id"]) for row in await DB.fetch(ADDRESSES, lost)}
    others = {message: other for message, other in others.items() if other}
    rows = await DB.fetch(RESEND, list(others), list(others.values()))
    return {row["conversa"] for row in rows}
