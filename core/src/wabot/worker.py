"""The worker: hears the ringing, answers and sends; and looks around for what nobody rang for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg

from wabot import attend, notices, outbox, receipts
from wabot.attend import Attendant, NotReady
from wabot.background import background
from wabot.logs import places
from wabot.looper import Looper
from wabot.outbox import Outbox
from wabot.queue import Queue

log = logging.getLogger(__name__)

SWEEP_EVERY = 2.0
OVERDUE_AFTER = 5.0
"""Seconds a row may wait before the sweeper rings for it: longer than any ring takes to be heard."""
SWEEP_MOST = 1000
MAIL_EVERY = 1.0
PROBE_EVERY = 1.0

AWAY = (OSError, asyncpg.InterfaceError, asyncpg.PostgresError)


class OneAtATime:
    """Runs `work(key)` once at a time for each key. A call during a run makes it run once more afterwards."""

    def __init__(self, work: Callable[[int], Awaitable[None]]) -> None:
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


class Worker:
    """Handles what the queue rings for. `at_once` turns are taken side by side, each on a connection of its own."""

    def __init__(self, attendant: Attendant, out: Outbox, queue: Queue, at_once: int) -> None:
        self._queue, self._out = queue, out
        self._slots = asyncio.Semaphore(at_once)
        self._attend_one = OneAtATime(attendant.attend)
        self._deliver_one = OneAtATime(out.deliver)

    async def attend(self, conversas: list[int]) -> None:
        """Answer what waits in these conversas and send the answers."""
        await _together(self._serve(conversa) for conversa in conversas)

    async def deliver(self, conversas: list[int]) -> None:
        """Send what waits in these conversas."""
        await _together(self._deliver_one(conversa) for conversa in conversas)

    async def receipts(self) -> None:
        """Apply the statuses that have come; where one settles a doubt, go on sending."""
        if settled := await receipts.apply():
            await self.deliver(settled)

    async def notices(self) -> None:
        """Do what the notices that have come ask for."""
        await notices.apply()

    async def _serve(self, conversa: int) -> None:
        async with self._slots:
            await self._attend_one(conversa)
        await self._deliver_one(conversa)

    def sweeping(self) -> AbstractAsyncContextManager[None]:
        """While inside, rows left waiting are rung for: after a crash, a lost ring, or when a retry is due."""
        return background(self._keep_sweeping(), "sweeper")

    def mailing(self) -> AbstractAsyncContextManager[None]:
        """While inside, bulk messages go out, a few at a time: their rows wait, and nobody rings for them."""
        return Looper("mail", lambda: _seen_through(self._out.deliver_bulk()), MAIL_EVERY).running()

    def probing(self) -> AbstractAsyncContextManager[None]:
        """While inside, numbers on hold show from time to time whether they work again."""
        return Looper("probe", lambda: _seen_through(self._out.probe()), PROBE_EVERY).running()

    async def _keep_sweeping(self) -> None:
        patience = 0.0  # whatever waits at the start was left by somebody who is gone
        while True:
            try:
                await self.sweep(patience)
                patience = OVERDUE_AFTER
            except AWAY as error:
                log.debug("nothing swept: %s", type(error).__name__)
            except Exception as error:  # noqa: BLE001 - a sweeper that dies leaves rows waiting for ever
                log.error("sweep failed: %s", places(error))
            await asyncio.sleep(SWEEP_EVERY)

    async def sweep(self, patience: float = OVERDUE_AFTER) -> None:
        """Ring for every row that has waited longer than `patience` seconds; while the queue is away, do it here."""
        ring: Queue | Worker = self if self._queue.away else self._queue
        await ring.attend(await attend.waiting_longer_than(patience, SWEEP_MOST))
        await ring.deliver(await outbox.waiting_longer_than(patience, SWEEP_MOST))
        if await receipts.waiting():
            await ring.receipts()
        if await notices.waiting():
            await ring.notices()


async def _seen_through(sending: Coroutine[Any, Any, bool]) -> bool:
    """What is being sent is seen through even if the worker stops: a bulk message would not be sent again."""
    task = asyncio.create_task(sending)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


async def _together(work: Iterable[Awaitable[None]]) -> None:
    """All of it, side by side. What fails is left waiting in its row; the log says so, once per ring."""
    results = await asyncio.gather(*work, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        if not isinstance(failure, (*AWAY, NotReady)):
            log.error("unexpected %s", places(failure))
    if failures:
        log.warning("%s of %s left waiting: %s", len(failures), len(results), type(failures[0]).__name__)
