"""Running a plugin's code so that it can neither stay, nor leave anything running, nor end the process."""

import asyncio
import contextvars
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from wabot.errors import FlowFault

T = TypeVar("T")
log = logging.getLogger(__name__)

GRACE = 1.0
"""Seconds a cancelled call has to end. After that it is left behind, and nothing waits for it."""

_strays: contextvars.ContextVar[set["asyncio.Task[Any]"] | None] = contextvars.ContextVar(
    "strays", default=None
)


class Overstayed(FlowFault):
    """A plugin's code took longer than it may. `left_behind`: it did not even end when it was cancelled."""

    def __init__(self, seconds: float, *, left_behind: bool) -> None:
        super().__init__(f"took longer than {seconds:g} s")
        self.left_behind = left_behind


class Blocked(BaseException):
    """Raised by the watchdog inside code that blocks the event loop. Not an Exception: `except Exception` is common."""


async def contained(work: Coroutine[Any, Any, T], within: float) -> T:
    """Await `work` for at most `within` seconds. Tasks it started and left running are cancelled when it ends.

    Raises Overstayed, FlowFault for sys.exit(), a blocked event loop or a stray CancelledError, and what `work` raises.
    """
    strays: set[asyncio.Task[Any]] = set()
    context = contextvars.copy_context()
    context.run(_strays.set, strays)
    task = asyncio.get_running_loop().create_task(_held(work), context=context)
    try:
        if not await _ended(task, within):
            task.cancel()
            raise Overstayed(within, left_behind=not await _ended(task, GRACE))
        if task.cancelled():
            raise FlowFault("cancelled itself")
        return task.result()
    finally:
        await _end(task, *strays)


async def _ended(task: "asyncio.Task[Any]", within: float) -> bool:
    done, _ = await asyncio.wait({task}, timeout=within)
    return bool(done)


async def _end(*tasks: "asyncio.Task[Any]") -> None:
    """A task that outlives its turn would write through a connection that serves another by then."""
    running = {task for task in tasks if not task.done()}
    for task in running:
        task.cancel()
    if running:
        await asyncio.wait(running, timeout=GRACE)
    if still := sum(not task.done() for task in running):
        log.warning("%s tasks of a plugin do not end when cancelled", still)


async def _held(work: Coroutine[Any, Any, T]) -> T:
    """asyncio lets SystemExit through to the event loop, which would end the process."""
    try:
        return await work
    except SystemExit as error:
        raise FlowFault("called sys.exit()") from error
    except Blocked as error:
        raise FlowFault(str(error)) from error


def hold_tasks() -> None:
    """Make the running event loop remember which tasks a contained call starts."""
    asyncio.get_running_loop().set_task_factory(_task)


def _task(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> "asyncio.Task[Any]":
    strays = _strays.get()
    if strays is None:
        return asyncio.Task(work, loop=loop, **options)
    task: asyncio.Task[Any] = asyncio.Task(_held(work), loop=loop, **options)
    strays.add(task)
    task.add_done_callback(strays.discard)  # ten thousand short ones must not pile up
    return task
