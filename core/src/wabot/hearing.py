"""taskiq's side of the queue: hearing what is rung, in a worker, and ringing every minute, in a scheduler."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from taskiq import AsyncBroker, InMemoryBroker, TaskiqScheduler
from taskiq.acks import AcknowledgeType
from taskiq.kicker import AsyncKicker
from taskiq.receiver import Receiver

from wabot.background import background
from wabot.errors import Away
from wabot.logs import places
from wabot.outage import Outage
from wabot.rings import JOB, SWEEP
from wabot.streams import Streams

log = logging.getLogger(__name__)

TASKS_AT_ONCE = 50
RETRY_AFTER = 1.0

Handler = Callable[..., Awaitable[object]]


class InProcess(InMemoryBroker):
    """The rings of a process that hears itself. What nobody hears is not rung."""

    def __init__(self) -> None:
        super().__init__(cast_types=False, max_async_tasks=TASKS_AT_ONCE)

    async def ring(self, task: str, *args: Any) -> None:
        if self.find_task(task):
            await AsyncKicker(task, self, labels={}).kiq(*args)


@contextlib.asynccontextmanager
async def hearing(broker: Streams | InProcess, handlers: Mapping[str, Handler]) -> AsyncIterator[None]:
    """While inside, call the handlers of the tasks that are rung for. On leaving, what was heard is seen through."""
    for task, handler in handlers.items():
        broker.register_task(_task(handler), task_name=task, **_schedule(task))
    if isinstance(broker, InProcess):
        try:
            yield
        finally:
            await broker.wait_all()
        return
    finish = asyncio.Event()
    listening = asyncio.create_task(_listen(broker, finish), name="queue")
    try:
        yield
    finally:
        finish.set()
        await listening
        await broker.say_goodbye()


@contextlib.asynccontextmanager
async def scheduling(broker: AsyncBroker) -> AsyncIterator[None]:
    """While inside, ring every minute."""
    from taskiq.api import run_scheduler_task  # here: it brings taskiq's commands, and a worker does without
    from taskiq.schedule_sources import LabelScheduleSource

    for task in (SWEEP, JOB):
        if broker.find_task(task) is None:
            broker.register_task(_nothing, task_name=task, **_schedule(task))
    scheduler = TaskiqScheduler(broker, [LabelScheduleSource(broker)])
    async with background(run_scheduler_task(scheduler), "scheduler"):
        yield


async def _listen(streams: Streams, finish: asyncio.Event) -> None:
    """taskiq's own receiver, started again when Redis comes back, be it as empty as it likes."""
    with ThreadPoolExecutor(1) as executor:
        while not finish.is_set():
            receiver = Receiver(
                streams,
                executor=executor,
                validate_params=False,
                max_async_tasks=TASKS_AT_ONCE,
                run_startup=False,
                ack_type=AcknowledgeType.WHEN_EXECUTED,
            )
            await streams.startup()
            if not streams.rings.away:
                await streams.forget_the_gone()
                with streams.rings.noticing():
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
