"""The worker: hears the ringing, answers and sends; and looks around for what nobody rang for."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from functools import partial
from typing import Any

from wabot import attend, notices, outbox, receipts
from wabot.attend import Attendant, NotReady
from wabot.batch import Batch
from wabot.errors import Away
from wabot.logs import places
from wabot.looper import Looper
from wabot.outage import Outage
from wabot.outbox import Claim, Outbox
from wabot.queue import Place, Queue
from wabot.turns import Written

log = logging.getLogger(__name__)

SWEEP_EVERY = 2.0
OVERDUE_AFTER = 5.0
"""Seconds a row may wait before the sweeper rings for it: longer than any ring takes to be heard."""
SWEEP_AGAIN = 0.5
"""The same where more waits than a sweep rings for: longer than a ring takes to be heard."""
SWEEP_MOST = 1000
TOGETHER = 32
"""Turns that share a transaction, at most."""
MAIL_EVERY = 1.0
PROBE_EVERY = 1.0


Work = Callable[[Any], Coroutine[Any, Any, None]]
Ring = Callable[[Sequence[Any]], Coroutine[Any, Any, None]]


class OneAtATime:
    """Runs `work(key)` once at a time for each key. A call during a run makes it run once more afterwards."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._again: dict[int, bool] = {}

    async def __call__(self, key: int) -> None:
        if key in self._again:
            self._again[key] = True
            return
        self._again[key] = True
        try:
            while self._again[key]:
                self._again[key] = False
                await self._work(key)
        finally:
            del self._again[key]


class Deliveries:
    """Sends what waits in a conversa, in order: a call during a delivery goes on where that one ends."""

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._next: dict[int, list[Claim | None]] = {}

    async def __call__(self, conversa: int, claim: Claim | None = None) -> None:
        """Send the `claim`, which is ours already, and what may go after it."""
        if conversa in self._next:
            if claim or None not in self._next[conversa]:  # one look around serves all who ask for one
                self._next[conversa].append(claim)
            return
        todo = self._next[conversa] = [claim]
        try:
            while todo:
                await self._out.deliver(conversa, todo.pop(0))
        finally:
            del self._next[conversa]


class Worker:
    """Handles what the queue rings for. `at_once` turns are taken side by side, each on a connection of its own."""

    def __init__(self, attendant: Attendant, out: Outbox, queue: Queue, at_once: int) -> None:
        self._queue, self._attendant, self._out = queue, attendant, out
        self._slots = asyncio.Semaphore(at_once)
        self._attend_one = OneAtATime(attendant.attend)
        self._deliver_one = Deliveries(out)
        self._outage = Outage("left waiting", log)
        self._patience = 0.0  # whatever waits at the start was left by somebody who is gone
        self._stopping = False
        self._lanes: dict[int, Batch[int, Written | None]] = {}
        self._in_hand: set[asyncio.Task[None]] = set()
        self._conversas: Counter[int] = Counter()
        """In hand, with how many rings for each."""
        self._left: dict[Ring, list[Any]] = defaultdict(list)

    async def attend(self, places: Sequence[Place]) -> None:
        """Answer what waits in these conversas and send the answers."""
        with self._holding([conversa for _, conversa in places]):
            await self._together(self._serve, [tuple(place) for place in places], self._queue.attend)

    async def deliver(self, conversas: Sequence[int]) -> None:
        """Send what waits in these conversas."""
        with self._holding(conversas):
            await self._together(self._deliver_one, conversas, self._queue.deliver)

    async def receipts(self) -> None:
        """Apply the statuses that have come; where one settles a doubt, go on sending."""
        if settled := await receipts.apply():
            await self.deliver(settled)

    async def notices(self) -> None:
        """Do what the notices that have come ask for."""
        await notices.apply()

    async def _serve(self, place: Place) -> None:
        chatbot, conversa = place
        if not await self._served_together(chatbot, conversa):
            async with self._slots:
                await self._attend_one(conversa)
            await self._deliver_one(conversa)

    async def _served_together(self, chatbot: int, conversa: int) -> bool:
        """Take part in the chatbot's rounds for as long as something waits here; False if it has to go on alone."""
        while self._attendant.shares(chatbot):
            written = await self._lane(chatbot).add(conversa)
            if written is None:
                return False
            await self._deliver_one(conversa, written.claim)
            if not written.more:
                return True
        return False

    def _lane(self, chatbot: int) -> "Batch[int, Written | None]":
        """One round of a chatbot at a time: who comes meanwhile is in the next one, and nobody waits for company."""
        if chatbot not in self._lanes:
            self._lanes[chatbot] = Batch(partial(self._round, chatbot), TOGETHER)
        return self._lanes[chatbot]

    async def _round(self, chatbot: int, conversas: list[int]) -> list[Written | None]:
        """Who is there twice gets the result once: a claim is sent once."""
        once = list(dict.fromkeys(conversas))
        async with self._slots:
            results = dict(zip(once, await self._attendant.together(chatbot, once), strict=True))
        return [results.pop(conversa, Written(more=False)) for conversa in conversas]

    async def _together(self, work: Work, rung: Sequence[Any], ring: Ring) -> None:
        """All of it, side by side. What fails is left waiting in its row; the log says so once, not once each."""
        tasks = [asyncio.create_task(work(one)) for one in rung]
        for task in tasks:
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        failures = [result for result in results if isinstance(result, Exception)]
        for failure in failures:
            if isinstance(failure, NotReady):
                self._outage.met(f"{failure} is not known here")
            elif not isinstance(failure, Away):  # that is told where it was met
                self._outage.met(places(failure))
        if not failures:
            self._outage.over()
        if self._stopping:
            self._left[ring] += rung

    @contextmanager
    def _holding(self, conversas: Sequence[int]) -> Iterator[None]:
        self._conversas.update(conversas)
        try:
            yield
        finally:
            for conversa in conversas:
                self._conversas[conversa] -= 1
                if not self._conversas[conversa]:
                    del self._conversas[conversa]

    def sweeping(self) -> AbstractAsyncContextManager[None]:
        """While inside, rows left waiting are rung for: after a crash, a lost ring, or when a retry is due."""
        return Looper("sweeper", self._sweep, SWEEP_EVERY, thorough=True).running()

    def mailing(self) -> AbstractAsyncContextManager[None]:
        """While inside, bulk messages go out, a few at a time: their rows wait, and nobody rings for them. What is
        being sent is seen through: it would not be sent again.
        """
        return Looper("mail", self._out.deliver_bulk, MAIL_EVERY, thorough=True).running()

    def probing(self) -> AbstractAsyncContextManager[None]:
        """While inside, numbers on hold show from time to time whether they work again."""
        return Looper("probe", self._out.probe, PROBE_EVERY, thorough=True).running()

    def stop(self) -> None:
        """Begin nothing more. What is in hand is seen through: a turn to its commit, a reply to its outcome."""
        self._stopping = True
        self._attendant.stop()
        self._out.stop()

    @asynccontextmanager
    async def handing_back(self) -> AsyncIterator[None]:
        """On leaving, see through what is in hand, and ring for what is left, so that others go on with it at once."""
        yield
        if self._in_hand:
            await asyncio.wait(self._in_hand)
        if not self._queue.in_process:
            for ring, left in self._left.items():
                await ring(list(dict.fromkeys(left)))

    async def _sweep(self) -> bool:
        more = await self.sweep(self._patience)
        self._patience = OVERDUE_AFTER
        if more:
            await asyncio.sleep(SWEEP_AGAIN)
        return more

    async def sweep(self, patience: float = OVERDUE_AFTER) -> bool:
        """Ring for every row that has waited longer than `patience` seconds; while the queue is away, do it here.

        Not for what is in hand already, and for nothing while hands are full: after an outage, or on a machine that
        is too slow, rings would only pile up on rings. Whether there is more to ring for.
        """
        if self._stopping:
            return False
        if len(self._conversas) >= SWEEP_MOST:
            return True
        ring: Queue | Worker = self._queue
        if self._queue.away:
            ring, patience = self, 0.0
        most = SWEEP_MOST + len(self._conversas)
        waiting = await attend.waiting_longer_than(patience, most)
        await ring.attend([place for place in waiting if place[1] not in self._conversas])
        unsent = await outbox.waiting_longer_than(patience, most)
        await ring.deliver([conversa for conversa in unsent if conversa not in self._conversas])
        if await receipts.waiting():
            await ring.receipts()
        if await notices.waiting():
            await ring.notices()
        return most in (len(waiting), len(unsent))
