"""The skeleton that wabot's moving parts share: look, do what there is to do, rest, look again."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from wabot.background import background
from wabot.errors import Away
from wabot.logs import places
from wabot.outage import Outage

log = logging.getLogger(__name__)

Look = Callable[[], Awaitable[bool]]
"""Does what there is to do; whether there is more at once."""


class Looper:
    """Calls `look` every so many seconds, at once while there is more to do, and when somebody rings.

    `thorough`: on leaving, a look in hand is seen through, however long it takes. Otherwise it is cancelled.
    """

    def __init__(
        self, name: str, look: Look, every: float, side_by_side: int = 1, *, thorough: bool = False
    ) -> None:
        self._name, self._look, self._every, self._side_by_side = name, look, every, side_by_side
        self._thorough, self._leaving = thorough, False
        self._rung = asyncio.Event()
        self._outage = Outage(name, log)

    def ring(self) -> None:
        """Look now instead of later."""
        self._rung.set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While inside, it looks."""
        ended = asyncio.Event()
        async with background(self._run(ended), self._name):
            try:
                yield
            finally:
                self._leaving = True
                self.ring()
                if self._thorough:
                    await ended.wait()

    async def _run(self, ended: asyncio.Event) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._side_by_side):
                    group.create_task(self._loop())
        finally:
            ended.set()

    async def _loop(self) -> None:
        while not self._leaving:
            if not await self._looked():
                await self._rest()

    async def _looked(self) -> bool:
        try:
            more = await self._look()
        except Away:
            return False  # told where it was met
        except Exception as error:  # noqa: BLE001 - a loop that dies leaves everything waiting for ever
            self._outage.met(places(error))
            return False
        self._outage.over()
        return more

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(self._every):
                await self._rung.wait()
        except TimeoutError:
            return
        if not self._leaving:
            self._rung.clear()
