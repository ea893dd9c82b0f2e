"""A process that is being opened while the server answers already: its database may be away for long."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from wabot.process import Process

OPEN_WITHIN = 2.0
"""Seconds the server waits for it before it says 503. One that opens sooner answers from its first request."""


@asynccontextmanager
async def opening(
    opened: Callable[[], AbstractAsyncContextManager[Process]], admit: Callable[[Process], None]
) -> AsyncIterator[asyncio.Task[None]]:
    """While inside, the process is being opened, then open. Yields the task that holds it: it ends only by failing."""
    admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    leave = asyncio.Event()

    async def hold() -> None:
        async with opened() as process:
            admit(process)
            admitted.set_result(None)
            await leave.wait()

    task = asyncio.create_task(hold(), name="process")
    await asyncio.wait({task, admitted}, timeout=OPEN_WITHIN, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield task
    finally:
        if not task.done():
            leave.set() if admitted.done() else task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
