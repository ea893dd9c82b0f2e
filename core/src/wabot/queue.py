"""The doorbell: taskiq on Redis Streams, or in this process. It carries ids and nothing else.

PostgreSQL is the truth. A ring that is lost costs a few seconds, until the sweeper rings again.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from redis.exceptions import RedisError
from taskiq import AsyncBroker, InMemoryBroker, TaskiqScheduler
from taskiq.acks import AcknowledgeType
from taskiq.api import run_scheduler_task
from taskiq.kicker import AsyncKicker
from taskiq.receiver import Receiver
from taskiq.schedule_sources import LabelScheduleSource

from wabot.background import background
from wabot.errors import Away
from wabot.logs import places
from wabot.outage import Outage
from wabot.streams import Streams

log = logging.getLogger(__name__)

ATTEND = "wabot:attend"
DELIVER = "wabot:deliver"
RECEIPTS = "wabot:receipts"
NOTICES = "wabot:notices"
MEDIA = "wabot:media"
SWEEP = "wabot:sweep"
JOB = "wabot:job"

CONVERSAS_PER_RING = 100
RETRY_AFTER = 1.0
RINGS_WITHIN = 5.0
"""Seconds that the last rings of a process that ends may take."""

Handler = Callable[..., Awaitable[object]]
Place = tuple[int, int]
"""A chatbot and a conversa of it."""


class Queue:
    """Ring for work (`attend`, `deliver`, `receipts`, `notices`, `media`), and, in a worker, hear the ringing."""

    def __init__(self, redis_url: str, tasks_at_once: int = 50) -> None:
        self.in_process = not redis_url
        self._tasks_at_once = tasks_at_once
        self._streams = Streams(redis_url) if redis_url else None
        self._broker: AsyncBroker = self._streams or InMemoryBroker(
            cast_types=False, max_async_tasks=tasks_at_once
        )
        self._ringing: set[asyncio.Task[None]] = set()

    @property
    def away(self) -> bool:
        """Whether Redis did not answer last time."""
        return self._streams is not None and self._streams.away

    async def depth(self) -> dict[str, int]:
        """Rings in Redis by state; none if there is no Redis, or it does not answer."""
        return await self._streams.depth() if self._streams else {}

    def soon(self, ring: Coroutine[Any, Any, None]) -> None:
        """Ring without keeping the caller waiting: what the ring is about is committed already."""
        if self.away and self._ringing:  # one is enough to notice that it is back
            ring.close()
            return
        task = asyncio.create_task(ring)
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)

    async def attend(self, places: Sequence[Place]) -> None:
        """Messages are waiting in these conversas of these chatbots."""
        await self._ring_each(ATTEND, places)

    async def deliver(self, conversas: Sequence[int]) -> None:
        """Replies are waiting to be sent in these conversas."""
        await self._ring_each(DELIVER, conversas)

    async def receipts(self) -> None:
        """Statuses are waiting to be applied."""
        await self._ring(RECEIPTS)

    async def notices(self) -> None:
        """Notices are waiting to be applied."""
        await self._ring(NOTICES)

    async def media(self) -> None:
        """Files are waiting to be fetched."""
        await self._ring(MEDIA)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connect. On leaving, what is being rung is seen through."""
        await self._broker.startup()
        try:
            yield
        finally:
            if self._ringing:
                await asyncio.wait(self._ringing, timeout=RINGS_WITHIN)
            with contextlib.suppress(RedisError, OSError):
                await self._broker.shutdown()

    @contextlib.asynccontextmanager
    async def hearing(self, **handlers: Handler) -> AsyncIterator[None]:
        """While inside, work off what is rung, by name: attend, deliver, receipts, sweep, job.

        On leaving, whatever was heard is seen through; so handlers that shall end soon must be told before.
        """
        for name, handler in handlers.items():
            task = f"wabot:{name}"
            self._broker.register_task(_task(handler), task_name=task, **_schedule(task))
        if self._streams is None:
            try:
                yield
            finally:
                assert isinstance(self._broker, InMemoryBroker)
                await self._broker.wait_all()
            return
        finish = asyncio.Event()
        listening = asyncio.create_task(self._listen(self._streams, finish), name="queue")
        try:
            yield
        finally:
            finish.set()
            await listening
            await self._streams.say_goodbye()

    @contextlib.asynccontextmanager
    async def scheduling(self) -> AsyncIterator[None]:
        """While inside, ring every minute: for agendamentos that are due, and for a sweep, should all workers have
        lost theirs."""
        for task in (SWEEP, JOB):
            if self._broker.find_task(task) is None:
                self._broker.register_task(_nothing, task_name=task, **_schedule(task))
        scheduler = TaskiqScheduler(self._broker, [LabelScheduleSource(self._broker)])
        async with background(run_scheduler_task(scheduler), "scheduler"):
            yield

    async def _ring_each(self, task: str, places: Sequence[Any]) -> None:
        for start in range(0, len(places), CONVERSAS_PER_RING):
            await self._ring(task, list(places[start : start + CONVERSAS_PER_RING]))

    async def _ring(self, task: str, *args: Any) -> None:
        if self.in_process and self._broker.find_task(task) is None:
            return  # nobody in this process hears
        await AsyncKicker(task, self._broker, labels={}).kiq(*args)

    async def _listen(self, streams: Streams, finish: asyncio.Event) -> None:
        """taskiq's own receiver, started again when Redis comes back, be it as empty as it likes."""
        with ThreadPoolExecutor(1) as executor:
            while not finish.is_set():
                receiver = Receiver(
                    streams,
                    executor=executor,
                    validate_params=False,
                    max_async_tasks=self._tasks_at_once,
                    run_startup=False,
                    ack_type=AcknowledgeType.WHEN_EXECUTED,
                )
                await streams.startup()
                if not streams.away:
                    await streams.forget_the_gone()
                    with streams.noticing():
                        await receiver.listen(finish)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(finish.wait(), RETRY_AFTER)


def _task(handler: Handler) -> Handler:
    """taskiq wants plain functions, not methods, and would log what they raise with all that the rows said."""
    outage = Outage("ring", log)

    async def task(*args: Any) -> None:
        try:
            await handler(*args)
            outage.over()
        except Away:
            pass  # told where it was met
        except Exception as error:  # noqa: BLE001 - the sweeper rings again
            outage.met(places(error))

    return task


def _schedule(task: str) -> dict[str, Any]:
    """The labels by which the scheduler knows when to ring."""
    return {"schedule": [{"cron": "* * * * *"}]} if task in (SWEEP, JOB) else {}


async def _nothing() -> None:
    """Stands for a task that only workers carry out; the scheduler rings for it by name."""
