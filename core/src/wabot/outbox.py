"""Sending: every message to a customer is a row first, goes out in order per conversa, and goes out once.

A row is `enviando` from before the POST until its outcome is known. If nobody answers the POST, the status webhook
tells, since our id travels with the message; if none comes either, a reply is sent again. A bulk message (nobody
waits for it) goes after every reply, a few at a time, and never again once it may have gone.
"""

import asyncio
import logging
import random
from collections.abc import Iterable
from typing import Any

import msgspec

from wabot import addresses
from wabot.db.batch import Batch
from wabot.db.engine import DB
from wabot.message import Outbound
from wabot.plugins.runtime import Runtimes
from wabot.whatsapp.client import Credentials, Graph, NotSent, Unclear
from wabot.whatsapp.failures import delay, failure_for
from wabot.whatsapp.render import render

log = logging.getLogger(__name__)

MEND_EVERY = 60.0
"""Seconds between tries while something has to be mended first (an expired token, an unpaid account)."""
JITTER = 0.2
UNCLEAR_AFTER = 30.0
"""Seconds a status may take to tell what became of a message whose POST nobody answered."""

BULK_AT_ONCE = 4
"""Bulk messages one worker sends side by side: the rest of its connections are for replies."""
NO_ANSWER = "sem resposta da Meta; não repetida"
OPTED_OUT = "o cliente não aceita mais mensagens"

# The next reply of a conversa, if it may go now. The oldest open row decides: while it is being sent, or waits for
# its next try, nothing behind it may overtake. (SKIP LOCKED would let it.) Bulk messages are not in its way.
CLAIM = """
UPDATE outbox SET state = 'enviando', sending_at = now(), tries = tries + 1
WHERE id = (SELECT id FROM outbox WHERE conversa = $1 AND state IN ('pendente', 'enviando') AND NOT bulk
            ORDER BY id LIMIT 1 FOR UPDATE)
  AND (state = 'pendente' OR sending_at < now() - make_interval(secs => $2))
  AND (retry_at IS NULL OR retry_at <= now())
RETURNING id, chatbot, conversa, content, tries, created_at < now() - interval '24 hours' AS too_late, other_wa_id,
    (SELECT wa_id FROM conversa JOIN cliente ON cliente.id = cliente WHERE conversa.id = outbox.conversa) AS wa_id,
    (SELECT bsuid FROM conversa JOIN cliente ON cliente.id = cliente WHERE conversa.id = outbox.conversa) AS bsuid
"""

# A few bulk messages: of each conversa the oldest, and only if no reply is open there.
CLAIM_BULK = """
UPDATE outbox SET state = 'enviando', sending_at = now(), tries = tries + 1
WHERE id = ANY (ARRAY(
    SELECT id FROM outbox AS next WHERE bulk AND state = 'pendente' AND (retry_at IS NULL OR retry_at <= now())
        AND NOT EXISTS (
            SELECT FROM outbox AS open WHERE open.conversa = next.conversa
                AND open.state IN ('pendente', 'enviando') AND (NOT open.bulk OR open.id < next.id))
    ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))
RETURNING id, chatbot, conversa, content, tries, created_at < now() - interval '24 hours' AS too_late, other_wa_id,
    (SELECT wa_id FROM conversa JOIN cliente ON cliente.id = cliente WHERE conversa.id = outbox.conversa) AS wa_id,
    (SELECT bsuid FROM conversa JOIN cliente ON cliente.id = cliente WHERE conversa.id = outbox.conversa) AS bsuid,
    (SELECT ativo AND aceita_marketing FROM conversa JOIN cliente ON cliente.id = cliente
     WHERE conversa.id = outbox.conversa) AS welcome
"""

# It may have been sent. A status that comes after all still tells the truth.
GIVE_UP_UNCLEAR = """
UPDATE outbox SET state = 'falhou', error = $2
WHERE bulk AND state = 'enviando' AND sending_at < now() - make_interval(secs => $1)
"""

# A status may have come before the answer to the POST: it is never undone.
SENT = """
UPDATE outbox SET state = 'enviada', wamid = coalesce(outbox.wamid, sent.wamid), sent_at = coalesce(sent_at, now()),
    status = CASE WHEN status = '' THEN 'accepted' ELSE status END, error = '', error_code = NULL
FROM unnest($1::bigint[], $2::text[]) AS sent (id, wamid)
WHERE outbox.id = sent.id AND state <> 'falhou'
"""

NOT_SENT = """
UPDATE outbox SET state = $2, retry_at = now() + make_interval(secs => $3), error_code = $4, error = $5,
    tries = tries - $6
WHERE id = $1 AND state = 'enviando' AND wamid IS NULL
"""


OVERDUE = """
SELECT DISTINCT conversa FROM outbox
WHERE NOT bulk AND ((state = 'pendente' AND coalesce(retry_at, created_at + make_interval(secs => $1)) <= now())
   OR (state = 'enviando' AND sending_at < now() - make_interval(secs => $2)))
LIMIT $3
"""


def callback_of(outbox: int) -> str:
    """What travels as `biz_opaque_callback_data`: our id, and nothing about anybody."""
    return f"wabot:{outbox}"


def outbox_id(callback: str) -> int | None:
    """Our id, as a status gave it back; None if it is not ours."""
    prefix, _, number = callback.partition(":")
    return int(number) if prefix == "wabot" and number.isdecimal() and len(number) < 19 else None


def encode(replies: Iterable[Outbound]) -> list[str]:
    """Messages as the `content` column holds them."""
    return [msgspec.json.encode(reply).decode() for reply in replies]


_DECODER = msgspec.json.Decoder(Outbound)


class Outbox:
    """The only way out."""

    def __init__(self, graph: Graph, runtimes: Runtimes) -> None:
        self._graph, self._runtimes = graph, runtimes
        self._sent = Batch(_mark_sent)

    async def deliver(self, conversa: int) -> None:
        """Send the replies that wait in this conversa, oldest first, until none may go now."""
        while row := await DB.fetchrow(CLAIM, conversa, UNCLEAR_AFTER):
            if not await self._send(row):
                return

    async def deliver_bulk(self) -> bool:
        """Send a few of the bulk messages that wait; whether there may be more."""
        await DB.execute(GIVE_UP_UNCLEAR, UNCLEAR_AFTER, NO_ANSWER)
        rows = await DB.fetch(CLAIM_BULK, BULK_AT_ONCE)
        results = await asyncio.gather(*(self._send_bulk(row) for row in rows), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(rows) == BULK_AT_ONCE

    async def _send_bulk(self, row: Any) -> bool:
        """Consent counts when the message goes, not when it was written."""
        if not row["welcome"]:
            return await self._give_up(row, None, OPTED_OUT)
        return await self._send(row)

    async def _send(self, row: Any) -> bool:
        """Whether the next one may follow at once."""
        runtime = self._runtimes.get(row["chatbot"])
        if runtime is None:
            return await self._refused(row, NotSent(None, 0, "chatbot unknown to this process"))
        credentials = Credentials(runtime.bot.phone_number_id, runtime.bot.access_token)
        try:
            accepted = await self._graph.send(credentials, _body(row))
        except NotSent as refusal:
            return await self._refused(row, refusal)
        except Unclear as doubt:
            log.warning("outbox %s: no clear answer (%s); waiting for its status", row["id"], doubt)
            return False
        except (ValueError, msgspec.ValidationError) as fault:
            return await self._give_up(row, None, f"cannot be rendered: {fault}")
        await self._sent.add((row["id"], accepted.wamid))
        await addresses.learn(row, accepted)
        return True

    async def _refused(self, row: Any, refusal: NotSent) -> bool:
        failure = failure_for(refusal.code, refusal.http_status)
        log.warning("outbox %s refused: code %s, HTTP %s", row["id"], refusal.code, refusal.http_status)
        mending = failure.kind == "configuration"
        if await addresses.try_other_form(row, refusal.code):
            return True
        if row["too_late"] or not (mending or (failure.is_retried and row["tries"] < failure.tries)):
            return await self._give_up(row, refusal.code, refusal.detail)
        wait = MEND_EVERY if mending else delay(failure, row["tries"])
        wait *= 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 - spread, not secrecy
        # waiting for somebody to mend something costs none of the tries
        await DB.execute(
            NOT_SENT, row["id"], "pendente", wait, refusal.code, refusal.detail[:500], int(mending)
        )
        return False

    async def _give_up(self, row: Any, code: int | None, why: str) -> bool:
        await DB.execute(NOT_SENT, row["id"], "falhou", 0, code, why[:500], 0)
        return True


async def _mark_sent(sent: list[tuple[int, str]]) -> None:
    """Many conversas' outcomes in one commit; in one order everywhere, so that two workers cannot block each other."""
    numbers, wamids = zip(*sorted(sent), strict=True)
    await DB.execute(SENT, numbers, wamids)


def _body(row: Any) -> dict[str, Any]:
    return render(
        _DECODER.decode(row["content"]),
        to=row["other_wa_id"] or row["wa_id"] or "",
        recipient=row["bsuid"] or "",
        callback=callback_of(row["id"]),
    )


async def waiting_longer_than(seconds: float, most: int) -> list[int]:
    """Conversas whose next message should have gone by now: for the sweeper."""
    return [row["conversa"] for row in await DB.fetch(OVERDUE, seconds, UNCLEAR_AFTER, most)]
