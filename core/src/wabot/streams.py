"""taskiq's broker on Redis Streams, as workers hear and schedulers ring through it.

It keeps one client and reads the stream itself: taskiq-redis makes a client for every command, and looks for rings to
hear again after each that it has heard, which is the sweeper's part here. Both cost more than the rest of a ring.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from taskiq import AckableMessage
from taskiq.message import BrokerMessage
from taskiq_redis import RedisStreamBroker

from wabot.batch import Batch
from wabot.rings import STREAM, STREAM_LENGTH, Rings

LISTEN = 2000
"""Milliseconds a listener waits for a ring before it asks again."""
AT_ONCE = 100
"""Rings a listener takes at a time."""
GONE_AFTER = 10 * 60 * 1000
"""Milliseconds of silence after which a consumer is gone. One that lives asks every two seconds."""


class Streams(RedisStreamBroker):
    """The rings of a process, for taskiq."""

    def __init__(self, rings: Rings) -> None:
        super().__init__(rings.url, queue_name=STREAM, consumer_group_name=STREAM, consumer_id="0")
        self.rings, self._redis = rings, rings.redis
        self.connection_pool = rings.pool  # whoever made it closes it
        self._acks: Batch[bytes, None] = Batch(self._acknowledge)

    async def startup(self) -> None:
        await self.rings.open()

    async def kick(self, message: BrokerMessage) -> None:
        await self.rings.put(message.message)

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        while True:
            reading = asyncio.ensure_future(self._heard())
            try:
                rings = await asyncio.shield(reading)
            except asyncio.CancelledError:
                await _end(reading)
                raise
            self.rings.well()
            for number, ring in rings:
                yield AckableMessage(data=ring[b"data"], ack=partial(self._acks.add, number))

    async def _heard(self) -> list[Any]:
        """The next rings; none if there were none for a while."""
        heard = await self._redis.xreadgroup(
            STREAM, self.consumer_name, {STREAM: ">"}, count=AT_ONCE, block=LISTEN
        )
        return heard[0][1] if heard else []

    async def _acknowledge(self, rings: list[bytes]) -> list[None]:
        with self.rings.noticing():
            await self._redis.xack(STREAM, STREAM, *rings)
        return [None] * len(rings)

    async def forget_the_gone(self) -> None:
        """Killed workers never said goodbye; the rings they had in hand go with them, and the sweeper rings anew."""
        with self.rings.noticing():
            for consumer in await self._redis.xinfo_consumers(STREAM, STREAM):
                if consumer["idle"] > GONE_AFTER:
                    await self._leave(consumer["name"])

    async def say_goodbye(self) -> None:
        """Ring again for what reached this process in the moment it stopped listening, and leave no consumer."""
        with self.rings.noticing():
            mine = await self._redis.xreadgroup(STREAM, self.consumer_name, {STREAM: "0"})
            for _, entries in mine:
                for _, ring in entries:
                    await self._redis.xadd(STREAM, ring, maxlen=STREAM_LENGTH, approximate=True)
            await self._leave(self.consumer_name)

    async def _leave(self, consumer: str | bytes) -> None:
        await self._redis.xgroup_delconsumer(STREAM, STREAM, consumer)


async def _end(reading: "asyncio.Future[Any]") -> None:
    """Cancelled between two commands, redis-py may lose track of a connection or read on as if nothing was said. So
    it gets a moment to come to where it waits for rings, and is told until it heeds.
    """
    while not (await asyncio.wait({reading}, timeout=0.1))[0]:
        reading.cancel()
