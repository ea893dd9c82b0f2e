"""taskiq's broker on Redis Streams, for which a Redis that is away or empty is no error: PostgreSQL is the truth.

It keeps one client and reads the stream itself: taskiq-redis makes a client for every command, and looks for rings to
hear again after each that it has heard, which is the sweeper's part here. Both cost more than the rest of a ring.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Iterator
from functools import partial
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from taskiq import AckableMessage
from taskiq.message import BrokerMessage
from taskiq_redis import RedisStreamBroker

from wabot.batch import Batch
from wabot.outage import Outage

log = logging.getLogger(__name__)

STREAM = "wabot"
STREAM_LENGTH = 100_000
"""Rings kept in Redis. Older ones are dropped: their rows are still waiting in PostgreSQL."""
ANSWER_WITHIN = 10.0
"""Seconds. Longer than a listener waits for a ring."""
LISTEN = 2000
"""Milliseconds a listener waits for a ring before it asks again."""
AT_ONCE = 100
"""Rings a listener takes at a time."""
GONE_AFTER = 10 * 60 * 1000
"""Milliseconds of silence after which a consumer is gone. One that lives asks every two seconds."""


class Streams(RedisStreamBroker):
    """One process's way to the rings. Redis failing is told once; what was to be said to it is then lost."""

    def __init__(self, url: str) -> None:
        super().__init__(
            url,
            queue_name=STREAM,
            consumer_group_name=STREAM,
            consumer_id="0",
            maxlen=STREAM_LENGTH,
            socket_connect_timeout=ANSWER_WITHIN,
            socket_timeout=ANSWER_WITHIN,
            retry=Retry(
                NoBackoff(), 1
            ),  # a connection that has aged is opened anew; more patience is ours to have
        )
        self.away = False
        self._outage = Outage("queue", log)
        self._redis: Any = Redis(connection_pool=self.connection_pool)
        self._acks: Batch[bytes, None] = Batch(self._acknowledge)

    @contextlib.contextmanager
    def noticing(self) -> Iterator[None]:
        """The queue being away is worth one line in the log, and never an error: the sweeper will ring."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - taskiq wraps what Redis raises
            self.away = True
            self._outage.met(f"away ({_innermost(error)}); workers look for waiting rows themselves")
        else:
            self._well()

    def _well(self) -> None:
        self.away = False
        self._outage.over()

    async def startup(self) -> None:
        with self.noticing():
            await super().startup()

    async def kick(self, message: BrokerMessage) -> None:
        with self.noticing():
            await self._redis.xadd(STREAM, {b"data": message.message}, maxlen=STREAM_LENGTH, approximate=True)

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        while True:
            reading = asyncio.ensure_future(self._heard())
            try:
                rings = await asyncio.shield(reading)
            except asyncio.CancelledError:
                await _end(reading)
                raise
            self._well()
            for number, ring in rings:
                yield AckableMessage(data=ring[b"data"], ack=partial(self._acks.add, number))

    async def _heard(self) -> list[Any]:
        """The next rings; none if there were none for a while."""
        heard = await self._redis.xreadgroup(
            STREAM, self.consumer_name, {STREAM: ">"}, count=AT_ONCE, block=LISTEN
        )
        return heard[0][1] if heard else []

    async def _acknowledge(self, rings: list[bytes]) -> list[None]:
        with self.noticing():
            await self._redis.xack(STREAM, STREAM, *rings)
        return [None] * len(rings)

    async def depth(self) -> dict[str, int]:
        """Rings nobody has heard yet (`waiting`, which Redis counts since 7.0), and those in hand (`heard`)."""
        groups = []
        with self.noticing(), contextlib.suppress(ResponseError):  # emptied: the workers make it anew
            groups = await self._redis.xinfo_groups(STREAM)
        told = {"heard": "pending", "waiting": "lag"}
        return {
            state: group[key] for group in groups for state, key in told.items() if group.get(key) is not None
        }

    async def forget_the_gone(self) -> None:
        """Killed workers never said goodbye; the rings they had in hand go with them, and the sweeper rings anew."""
        with self.noticing():
            for consumer in await self._redis.xinfo_consumers(STREAM, STREAM):
                if consumer["idle"] > GONE_AFTER:
                    await self._leave(consumer["name"])

    async def say_goodbye(self) -> None:
        """Ring again for what reached this process in the moment it stopped listening, and leave no consumer."""
        with self.noticing():
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


def _innermost(error: BaseException) -> str:
    """The type of what really happened: anyio and taskiq wrap it."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif error.__cause__ is not None:
            error = error.__cause__
        else:
            return type(error).__name__
