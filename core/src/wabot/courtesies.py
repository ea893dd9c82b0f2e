"""Blue ticks and "digitando…": nobody waits for them, and nothing depends on them.

Meta marks what came before as read, too: one call tells of all that a person wrote lately. A turn that has been taken
needs no "digitando…", which would stay under the reply for 25 seconds.
"""

import asyncio
from typing import NamedTuple

from wabot.looper import Looper
from wabot.whatsapp.client import Credentials, Graph

EVERY = 1.0
"""Seconds: whoever is answered sooner never sees "digitando…"."""
AT_ONCE = 16
"""Calls side by side: the other connections are for replies."""
MOST = 1000
"""Conversas that may wait for a courtesy; where more write than can be told, some are not told."""


class _Read(NamedTuple):
    credentials: Credentials
    wamid: str
    typing: bool = True


class Courtesies:
    """What is to be shown to customers, the newest message of each conversa."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._due: dict[int, _Read] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    def begun(self, conversa: int, credentials: Credentials, wamid: str) -> None:
        """The turn of this message is being taken."""
        if conversa in self._due or len(self._due) < MOST:
            self._due[conversa] = _Read(credentials, wamid)

    def ended(self, conversa: int) -> None:
        """It has been taken, or has failed."""
        if read := self._due.get(conversa):
            self._due[conversa] = read._replace(typing=False)

    async def show(self) -> bool:
        """Show what is due. Never raises for Meta's sake; there is never more to do at once."""
        due, self._due = self._due, {}
        await asyncio.gather(*map(self._show, due.values()))
        return False

    async def _show(self, read: _Read) -> None:
        async with self._slots:
            await self._graph.mark_read(read.credentials, read.wamid, typing=read.typing)

    def looper(self) -> Looper:
        """It is cancelled on leaving: who stops has better to do."""
        return Looper("courtesies", self.show, EVERY)
