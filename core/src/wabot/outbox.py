"""Sending: every message to a customer is a row first, goes out in order per conversa, and goes out once.

A row is `enviando` from before the POST until its outcome is known. If nobody answers the POST, the status webhook
tells, since our id travels with the message; if none comes either, a reply is sent again. A bulk message (nobody
waits for it) goes after every reply, a few at a time, and never again once it may have gone.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

import msgspec

from wabot import addresses, consent, holds, mailings, templates
from wabot.batch import Batch
from wabot.claims import CLAIM, CLAIM_BULK, OVERDUE, PROBE
from wabot.db.engine import DB, literal, patiently
from wabot.logs import step
from wabot.media.upload import Uploads
from wabot.message import FileMessage, Outbound, TemplateMessage
from wabot.metrics import SENDS
from wabot.outage import Outage
from wabot.outcomes import CLOSE, GIVE_UP_UNCLEAR, HOLD, NOT_SENT, SENT
from wabot.pacing import Pacing
from wabot.plugins.runtime import BotRuntime, Runtimes
from wabot.storage import NotKept
from wabot.templates import Held
from wabot.whatsapp.callback import callback_of
from wabot.whatsapp.client import WITHIN, Accepted, Credentials, Graph, NotSent, Unclear
from wabot.whatsapp.failures import MINUTE, delay, failure_for
from wabot.whatsapp.render import render

log = logging.getLogger(__name__)

JITTER = 0.2
UNCLEAR_AFTER = 30.0
"""Seconds a status may take to tell what became of a message whose POST nobody answered."""
FRESH = UNCLEAR_AFTER - WITHIN
"""Seconds from the claim in which the POST must begin: it must be over before another worker may send the message."""
UNKNOWN_FOR = 60.0
"""Seconds that a message waits whose chatbot this process does not know: another one may."""

BULK_AT_ONCE = 4
"""Bulk messages one worker sends side by side: the rest of its connections are for replies."""
BULK_SHARE = 0.75
"""Of what Meta takes from a number, this much is for bulk messages: the rest is room for replies."""
BULK_AHEAD = 0.25
"""Seconds by which bulk may be ahead of its pace or make up for what it has not used."""
WINDOW_CLOSED = 131047
NO_ANSWER = "sem resposta da Meta; não repetida"
OPTED_OUT = "o cliente não aceita mais mensagens"
SLOWED_DOWN = "espera a sua vez: a Meta limitou a velocidade do número"
UNKNOWN_BOT = "espera um processo que conheça o chatbot"


def encode(replies: Iterable[Outbound]) -> list[str]:
    """Messages as the `content` column holds them."""
    return [msgspec.json.encode(reply).decode() for reply in replies]


def decode(content: str) -> Outbound:
    """A message from there. Raises msgspec.DecodeError."""
    message: Outbound = _DECODER.decode(content)
    return message


_DECODER = msgspec.json.Decoder(Outbound)


class Claim(NamedTuple):
    """A message that is ours to send."""

    row: Any
    at: float
    """On the clock, before its claim was asked for: its `sending_at` is later."""


class Tried(NamedTuple):
    """What came of a claimed message."""

    next_may_go: bool
    """Whether there is a next one of its conversa that may follow at once."""
    number_works: bool = False
    """Whether Meta has shown that it takes messages of this number."""


class Outbox:
    """The only way out."""

    def __init__(self, graph: Graph, runtimes: Runtimes, clock: Callable[[], float] = time.monotonic) -> None:
        self._graph, self._runtimes, self._clock = graph, runtimes, clock
        self._uploads, self._pacing = Uploads(graph), Pacing()
        self._claims: Batch[int, Claim | None] = Batch(self._claim)
        self._sent: Batch[tuple[int, str], bool] = Batch(_mark_sent)
        self._outage = Outage("nothing sent", log)
        self._stopping = False

    def stop(self) -> None:
        """Claim nothing more; what is on its way is seen through."""
        self._stopping = True

    async def deliver(self, conversa: int, claim: Claim | None = None) -> None:
        """Send the replies that wait in this conversa, oldest first, until none may go now.

        A `claim` is sent before: it is ours already.
        """
        while claim or not self._stopping:
            claim = claim or await self._claims.add(conversa)
            if claim is None or not (await self._send(claim)).next_may_go:
                return
            claim = None

    async def deliver_bulk(self) -> bool:
        """Send a few of the bulk messages that wait; whether there may be more."""
        if self._stopping:
            return False
        await DB.execute(GIVE_UP_UNCLEAR, UNCLEAR_AFTER, NO_ANSWER)
        claims = await self._claimed(CLAIM_BULK, BULK_AT_ONCE, BULK_SHARE, BULK_AHEAD)
        results = await asyncio.gather(*(self._send_bulk(claim) for claim in claims), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return bool(claims)

    async def probe(self) -> bool:
        """Try one message of a number on hold, if it is time to; whether there may be another number."""
        claims = [] if self._stopping else await self._claimed(PROBE, UNCLEAR_AFTER, MINUTE)
        for claim in claims:
            if (await self._send(claim)).number_works:
                await holds.lift(claim.row["chatbot"])
        return bool(claims)

    async def _claim(self, conversas: list[int]) -> list[Claim | None]:
        """The next reply of each, marked `enviando` and committed, to one caller each; None where none may go now."""
        claims = await self._claimed(CLAIM, literal(conversas), UNCLEAR_AFTER)
        claimed = {claim.row["conversa"]: claim for claim in claims}
        return [claimed.pop(conversa, None) for conversa in conversas]

    async def _claimed(self, statement: str, *args: Any) -> list[Claim]:
        at = self._clock()
        return [Claim(row, at) for row in await DB.fetch(statement, *args)]

    async def _send_bulk(self, claim: Claim) -> Tried:
        await asyncio.sleep(claim.row["starts_in"])
        return await self._send(claim)

    async def _send(self, claim: Claim) -> Tried:
        row = claim.row
        runtime = self._runtimes.get(row["chatbot"])
        if runtime is None:
            return await self._put_back(row, UNKNOWN_FOR, UNKNOWN_BOT)
        if row["bulk"] and not row["welcome"]:  # consent counts when it goes, not when it was written
            return await self._give_up(row, None, OPTED_OUT)
        if (over := await mailings.held_back(row)) is not None:
            return Tried(next_may_go=over)
        try:
            message = decode(row["content"])
        except msgspec.DecodeError as fault:
            return await self._give_up(row, None, f"cannot be rendered: {fault}")
        if isinstance(message, TemplateMessage):
            if hold := await templates.held(row["chatbot"], message):
                return await self._wait_for(row, hold)
        elif row["closed"]:
            return await self._close(row, runtime)
        if row["rate"] and (wait := await self._pacing.put_off(row["chatbot"], row["rate"])):
            return await self._put_back(row, wait, SLOWED_DOWN)
        return await self._post(claim, runtime, message)

    async def _post(self, claim: Claim, runtime: BotRuntime, message: Outbound) -> Tried:
        row = claim.row
        # it never left: whoever claims it next sends it, without a doubt to wait out
        if self._stopping or self._clock() > claim.at + FRESH:
            return await self._put_back(row, 0, "")
        credentials = Credentials(runtime.bot.phone_number_id, runtime.bot.access_token)
        try:
            accepted = await self._posted(row, credentials, message)
        except NotSent as refusal:
            _count(row, refusal.failure.kind if refusal.http_status else "unreachable")
            return await self._refused(row, runtime, message, refusal)
        except Unclear as doubt:
            _count(row, "unclear")
            log.warning("outbox %s: no clear answer (%s); waiting for its status", row["id"], doubt)
            return Tried(next_may_go=False)
        except (ValueError, NotKept) as fault:
            return await self._give_up(row, None, f"cannot be rendered: {fault}")
        self._outage.over()
        _count(row, "accepted")
        more = await self._sent.add((row["id"], accepted.wamid))
        step(log, "sent", chatbot=row["chatbot"], conversa=row["conversa"], outbox=row["id"])
        await addresses.learn(row, accepted)
        return Tried(next_may_go=more, number_works=True)

    async def _posted(self, row: Any, credentials: Credentials, message: Outbound) -> Accepted:
        """A file of ours is uploaded first, if Meta does not have it yet."""
        file = message.file if isinstance(message, FileMessage) else None
        if file is None:
            return await self._graph.send(credentials, _body(row, message))
        return await self._uploads.send(
            row["chatbot"],
            credentials,
            file,
            post=lambda media_id: self._graph.send(credentials, _body(row, message, media_id)),
            hold=lambda seconds: _hold(row, seconds),
        )

    async def _wait_for(self, row: Any, hold: Held) -> Tried:
        """Waiting for a template costs none of the tries; one that is gone for good is not waited for."""
        if hold.wait is None or row["too_late"]:
            return await self._give_up(row, hold.code, hold.why)
        return await self._put_back(row, hold.wait, hold.why, hold.code)

    async def _refused(self, row: Any, runtime: BotRuntime, message: Outbound, refusal: NotSent) -> Tried:
        failure = refusal.failure
        if isinstance(message, TemplateMessage):
            await templates.refused(row["chatbot"], message, refusal.code)
        if refusal.code == consent.STOPPED:
            await consent.stopped({row["id"]: datetime.now(UTC)})
        if refusal.code == mailings.SPAM:
            await mailings.brake(row["chatbot"], mailings.SPAM_SAID)
        if refusal.http_status:
            log.warning("outbox %s refused: code %s, HTTP %s", row["id"], refusal.code, refusal.http_status)
        else:
            self._outage.met(refusal.detail)  # all that are on their way meet it
        if await addresses.try_other_form(row, refusal.code):
            return Tried(next_may_go=True, number_works=True)
        if failure.holds_number:
            await holds.place(row, failure, refusal.detail, runtime.bot.credentials_at)
            return Tried(next_may_go=False)
        if failure.too_fast:
            await self._pacing.refused(row["chatbot"])
        works = failure.kind == "never" or failure.scope in ("pair", "template")
        if row["too_late"] or not failure.is_tried_again(row["refused"] + 1):
            return (await self._give_up(row, refusal.code, refusal.detail))._replace(number_works=works)
        wait = delay(failure, row["refused"] + 1) * (1 + random.uniform(-JITTER, JITTER))  # noqa: S311 - spread, not secrecy
        tried = await self._put_back(row, wait, refusal.detail, refusal.code, counts=failure.costs_a_try)
        return tried._replace(number_works=works)

    async def _put_back(
        self, row: Any, wait: float, why: str, code: int | None = None, *, counts: bool = False
    ) -> Tried:
        """It tries again after `wait` seconds, and nothing of its conversa overtakes it."""
        tries = row["tries"]
        await DB.execute(NOT_SENT, row["id"], "pendente", wait, code, why[:500], int(counts), tries)
        return Tried(next_may_go=False)

    async def _give_up(self, row: Any, code: int | None, why: str) -> Tried:
        await DB.execute(NOT_SENT, row["id"], "falhou", 0, code, why[:500], 0, row["tries"])
        return Tried(next_may_go=True)

    async def _close(self, row: Any, runtime: BotRuntime) -> Tried:
        """Too late for free words: what the flow wants to be sent then goes next."""
        flows = (bound.flow for bound in runtime.flows if bound.flow.id == row["flow"])
        reopen = next((flow.reopen for flow in flows if flow.reopen), None)
        content = encode([reopen])[0] if reopen else None
        why = failure_for(WINDOW_CLOSED, 0).operator
        await DB.execute(CLOSE, row["conversa"], row["id"], WINDOW_CLOSED, why, content)
        return Tried(next_may_go=True)


def _count(row: Any, result: str) -> None:
    SENDS.labels(row["chatbot"], result).inc()


async def _mark_sent(sent: list[tuple[int, str]]) -> list[bool]:
    """Many conversas' outcomes in one commit; in one order everywhere, so that two workers cannot block each other.

    Of each, whether another reply waits behind it. It has gone, so a database that is away is waited for: a message
    without an outcome would be sent again.
    """
    numbers, wamids = zip(*sorted(sent), strict=True)
    rows = await patiently(partial(DB.fetch, SENT, numbers, wamids))
    more = {row["id"]: row["more"] for row in rows}
    return [more.get(number, True) for number, _ in sent]


async def _hold(row: Any, seconds: float) -> None:
    if not await DB.fetchval(HOLD, row["id"], row["tries"], seconds):
        raise Unclear("another worker has taken it")


def _body(row: Any, message: Outbound, media_id: str = "") -> dict[str, Any]:
    return render(
        message,
        media_id=media_id,
        to=row["other_wa_id"] or row["wa_id"] or "",
        recipient=row["bsuid"] or "",
        callback=callback_of(row["id"]),
    )


async def waiting_longer_than(seconds: float, most: int) -> list[int]:
    """Conversas whose next message should have gone by now: for the sweeper."""
    return [row["conversa"] for row in await DB.fetch(OVERDUE, seconds, UNCLEAR_AFTER, most)]
