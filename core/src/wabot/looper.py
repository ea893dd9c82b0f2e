"""The skeleton that wabot's moving parts share: look, do what there is to do, rest, look again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from wabot.background import background
from wabot.logs import places

log = logging.getLogger(__name__)

Look = Callable[[], Awaitable[bool]]
"""Does what there is to do; whether there is more at once."""


class Looper:
    """Calls `look` every so many seconds, at once while there is more to do, and when somebody rings."""

    def __init__(self, name: str, look: Look, every: float, side_by_side: int = 1) -> None:
        self._name, self._look, self._every, self._side_by_side = name, look, every, side_by_side
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Look now instead of later."""
        self._rung.set()

    def running(self) -> AbstractAsyncContextManager[None]:
        """While inside, it looks."""
        return background(self._run(), self._name)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._side_by_side):
                group.create_task(self._loop())

    async def _loop(self) -> None:
        told: type[Exception] | None = None
        while True:
            more = False
            try:
                more = await self._look()
                told = None
            except Exception as error:  # noqa: BLE001 - a loop that dies leaves everything waiting for ever
                if type(error) is not told:  # once, not every second until the database is back
                    log.warning("%s: %s", self._name, places(error))
                told = type(error)
            if not more:
                await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()
