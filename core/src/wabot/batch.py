"""Group commit: callers that come while a flush is under way share the next one, and its one commit."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

MOST = 500


class Batch(Generic[ItemT, ResultT]):
    """Collects items and hands them to `flush` together, which gives a result for each, in their order.

    `add` returns the item's when its flush has committed. Whoever comes first goes at once; there is no waiting for
    company. If a flush of several fails, each is tried alone, so that one poisonous item fails for itself only.
    """

    def __init__(
        self, flush: Callable[[list[ItemT]], Awaitable[Sequence[ResultT]]], most: int = MOST
    ) -> None:
        self._flush = flush
        self._most = most
        self._waiting: list[tuple[ItemT, asyncio.Future[ResultT]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, item: ItemT) -> ResultT:
        """Raises whatever `flush` raised for this item."""
        done: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._settle(batch)
        finally:
            self._task = None

    async def _settle(self, batch: list[tuple[ItemT, asyncio.Future[ResultT]]]) -> None:
        try:
            results = await self._flush([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is handed to whoever waits
            if len(batch) > 1 and not isinstance(error, OSError):
                for one in batch:
                    await self._settle([one])
                return
            for _, done in batch:
                if not done.done():  # else whoever waited has gone away
                    done.set_exception(error)
        else:
            for (_, done), result in zip(batch, results, strict=True):
                if not done.done():
                    done.set_result(result)
