"""Names the plugin that blocks the event loop, and stops it. While one blocks, no other bot is answered.

A timer of the operating system is wound up again and again by the event loop; if the loop does not come round, the
timer's signal interrupts whatever runs, be it a loop, a sleep or a regular expression.
"""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable
from types import FrameType
from typing import Any

from wabot.background import background
from wabot.plugins.contain import Blocked

log = logging.getLogger(__name__)

BLOCKED_AFTER = 2.0
"""Seconds the event loop may be silent before whoever is to blame is interrupted."""
BEAT = 0.5

Owner = Callable[[str], str]
"""The id of the plugin that a file of source belongs to; empty: none."""


@contextlib.asynccontextmanager
async def watching(owner: Owner, blocked_after: float = BLOCKED_AFTER) -> AsyncIterator[None]:
    """While inside, a plugin that blocks the event loop is interrupted with Blocked. Only in the main thread."""
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(_signal: int, frame: FrameType | None) -> None:
        _interrupt(frame, owner, blocked_after)

    before: Any = signal.signal(signal.SIGALRM, late)
    try:
        async with background(_beat(blocked_after), "watchdog"):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def _beat(blocked_after: float) -> None:
    while True:
        signal.setitimer(signal.ITIMER_REAL, blocked_after, blocked_after)
        await asyncio.sleep(min(BEAT, blocked_after / 4))


def _interrupt(frame: FrameType | None, owner: Owner, after: float) -> None:
    """Raises Blocked if a plugin's code is being run, however deep below it."""
    innermost = f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "?"
    while frame is not None:
        if plugin := owner(frame.f_code.co_filename):
            place = f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
            log.error("plugin %s blocked the event loop for %g s: %s", plugin, after, place)
            raise Blocked(f"blocked the event loop for {after:g} s at {place}")
        frame = frame.f_back
    log.warning("the event loop was blocked for %g s at %s", after, innermost)
