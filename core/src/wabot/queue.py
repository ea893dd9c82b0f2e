"""The doorbell: taskiq on Redis Streams, or in this process. It carries ids of conversas and nothing else.

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
from taskiq_redis import RedisStreamBroker

from wabot.background import background

log = logging.getLogger(__name__)

ATTEND = "wabot:attend"
DELIVER = "wabot:deliver"
RECEIPTS = "wabot:receipts"
NOTICES = "wabot:notices"
SWEEP = "wabot:sweep"
JOB = "wabot:job"

STREAM = "wabot"
STREAM_LENGTH = 100_000
"""Rings kept in Redis. Older ones are dropped: their rows are still waiting in PostgreSQL."""
CONVERSAS_PER_RING = 100
RETRY_AFTER = 1.0

Handler = Callable[..., Awaitable[None]]


class Queue:
    """Ring for work (`attend`, `deliver`, `receipts`, `notices`), and, in a worker, hear the ringing."""

    def __init__(self, redis_url: str, tasks_at_once: int = 50) -> None:
        self.in_process = not redis_url
        self._tasks_at_once = tasks_at_once
        self._broker: AsyncBroker = (
            InMemoryBroker(cast_types=False, max_async_tasks=tasks_at_once)
            if self.in_process
            else RedisStreamBroker(
                redis_url,
                queue_name=STREAM,
                consumer_group_name=STREAM,
                consumer_id="0",
                maxlen=STREAM_LENGTH,
                idle_timeout=60_000,
                unacknowledged_lock_timeout=10,  # a killed worker must not hold it for ever
            )
        )
        self.away = False
        self._ringing: set[asyncio.Task[None]] = set()

    def soon(self, ring: Coroutine[Any, Any, None]) -> None:
        """Ring without keeping the caller waiting: what the ring is about is committed already."""
        task = asyncio.create_task(ring)
        self._ringing.add(task)
        task.add_done_callback(self._ringing.discard)

    async def attend(self, conversas: Sequence[int]) -> None:
        """Messages are waiting in these conversas."""
        await self._ring_each(ATTEND, conversas)

    async def deliver(self, conversas: Sequence[int]) -> None:
        """Replies are waiting to be sent in these conversas."""
        await self._ring_each(DELIVER, conversas)

    async def receipts(self) -> None:
        """Statuses are waiting to be applied."""
        await self._ring(RECEIPTS)

    async def notices(self) -> None:
        """Notices are waiting to be applied."""
        await self._ring(NOTICES)

    @contextlib.asynccontextmanager
    async def open(self, **handlers: Handler) -> AsyncIterator[None]:
        """Connect; with handlers (by name: attend, deliver, receipts, notices, sweep, job), also work off rings."""
        for name, handler in handlers.items():
            self._broker.register_task(
                _task(handler), task_name=f"wabot:{name}", **_schedule(f"wabot:{name}")
            )
        with self._noticing():
            await self._broker.startup()
        async with self._listening() if handlers and not self.in_process else contextlib.nullcontext():
            yield
        if isinstance(self._broker, InMemoryBroker):
            await self._broker.wait_all()
        with contextlib.suppress(RedisError, OSError):
            await self._broker.shutdown()

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

    async def _ring_each(self, task: str, conversas: Sequence[int]) -> None:
        for start in range(0, len(conversas), CONVERSAS_PER_RING):
            await self._ring(task, list(conversas[start : start + CONVERSAS_PER_RING]))

    async def _ring(self, task: str, *args: Any) -> None:
        with self._noticing():
            await AsyncKicker(task, self._broker, labels={}).kiq(*args)

    @contextlib.contextmanager
    def _noticing(self) -> Any:
        """The queue being away is worth one line in the log, and never an error: the sweeper will ring."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - taskiq wraps what Redis raises
            if not self.away:
                log.warning("queue away (%s); workers look for waiting rows themselves", type(error).__name__)
            self.away = True
        else:
            if self.away:
                log.info("queue is back")
            self.away = False

    @contextlib.asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        finish = asyncio.Event()
        task = asyncio.create_task(self._listen(finish), name="queue")
        try:
            yield
        finally:
            finish.set()
            await task

    async def _listen(self, finish: asyncio.Event) -> None:
        """taskiq's own receiver, started again when Redis comes back."""
        with ThreadPoolExecutor(1) as executor:
            while not finish.is_set():
                receiver = Receiver(
                    self._broker,
                    executor=executor,
                    validate_params=False,
                    max_async_tasks=self._tasks_at_once,
                    run_startup=False,
                    ack_type=AcknowledgeType.WHEN_EXECUTED,
                )
                with self._noticing():
                    await self._broker.startup()
                    await receiver.listen(finish)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(finish.wait(), RETRY_AFTER)


def _task(handler: Handler) -> Handler:
    """taskiq wants plain functions, not methods."""

    async def task(*args: Any) -> None:
        await handler(*args)

    return task


def _schedule(task: str) -> dict[str, Any]:
    """The labels by which the scheduler knows when to ring."""
    return {"schedule": [{"cron": "* * * * *"}]} if task in (SWEEP, JOB) else {}


async def _nothing() -> None:
    """Stands for a task that only workers carry out; the scheduler rings for it by name."""
