"""The doorbell: rings in Redis, or in this process. They carry ids and nothing else.

PostgreSQL is the truth. A ring that is lost costs a few seconds, until the sweeper rings again.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wabot.rings import ATTEND, DELIVER, MEDIA, NOTICES, RECEIPTS, Rings

if TYPE_CHECKING:
    from wabot.hearing import Handler, InProcess
    from wabot.streams import Streams

CONVERSAS_PER_RING = 100
RINGS_WITHIN = 5.0
"""Seconds that the last rings of a process that ends may take."""

Place = tuple[int, int]
"""A chatbot and a conversa of it."""


class Queue:
    """Ring for work (`attend`, `deliver`, `receipts`, `notices`, `media`), and, in a worker, hear the ringing."""

    def __init__(self, redis_url: str) -> None:
        self.in_process = not redis_url
        self._rings = Rings(redis_url) if redis_url else None
        self._ringing: set[asyncio.Task[None]] = set()

    @property
    def away(self) -> bool:
        """Whether Redis did not answer last time."""
        return self._rings is not None and self._rings.away

    async def depth(self) -> dict[str, int]:
        """Rings in Redis by state; none if there is no Redis, or it does not answer."""
        return await self._rings.depth() if self._rings else {}

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
        if self._rings:
            await self._rings.open()
        try:
            yield
        finally:
            if self._ringing:
                await asyncio.wait(self._ringing, timeout=RINGS_WITHIN)
            if self._rings:
                await self._rings.close()

    def hearing(self, **handlers: "Handler") -> AbstractAsyncContextManager[None]:
        """While inside, work off what is rung, by name: attend, deliver, receipts, sweep, job.

        On leaving, whatever was heard is seen through; so handlers that shall end soon must be told before.
        """
        from wabot.hearing import hearing

        return hearing(self._broker(), {f"wabot:{name}": handler for name, handler in handlers.items()})

    def scheduling(self) -> AbstractAsyncContextManager[None]:
        """While inside, ring every minute: for agendamentos that are due, and for a sweep, should all workers have
        lost theirs."""
        from wabot.hearing import scheduling

        return scheduling(self._broker())

    def _broker(self) -> "Streams | InProcess":
        """taskiq's. A process that only rings does without: see decision 0042."""
        from wabot.streams import Streams

        return Streams(self._rings) if self._rings else self._here

    @cached_property
    def _here(self) -> "InProcess":
        from wabot.hearing import InProcess

        return InProcess()

    async def _ring_each(self, task: str, places: Sequence[Any]) -> None:
        for start in range(0, len(places), CONVERSAS_PER_RING):
            await self._ring(task, list(places[start : start + CONVERSAS_PER_RING]))

    async def _ring(self, task: str, *args: Any) -> None:
        await (self._rings or self._here).ring(task, *args)
