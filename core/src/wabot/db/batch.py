"""Group commit: callers that come while a flush is under way share the next one, and its one commit."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")

MOST = 500


class Batch(Generic[ItemT]):
    """Collects items and hands them to `flush` together. `add` returns when the item's flush has committed.

    If a flush of several fails, each is tried alone, so that one poisonous item fails for itself only.
    """

    def __init__(self, flush: Callable[[list[ItemT]], Awaitable[None]], most: int = MOST) -> None:
        self._flush = flush
        self._most = most
        self._waiting: list[tuple[ItemT, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def add(self, item: ItemT) -> None:
        """Raises whatever `flush` raised for this item."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        await done

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._settle(batch)
        finally:
            self._task = None

    async def _settle(self, batch: list[tuple[ItemT, asyncio.Future[None]]]) -> None:
        try:
            await self._flush([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is handed to whoever waits
            if len(batch) == 1 or isinstance(error, OSError):
                _tell(batch, error)
            else:
                for one in batch:
                    await self._settle([one])
        else:
            _tell(batch, None)


def _tell(batch: list[tuple[ItemT, asyncio.Future[None]]], error: Exception | None) -> None:
    for _, done in batch:
        if done.done():  # whoever waited has gone away
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
