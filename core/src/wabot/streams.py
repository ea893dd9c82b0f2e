"""taskiq's broker on Redis Streams, for which a Redis that is away or empty is no error: PostgreSQL is the truth."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from taskiq import AckableMessage
from taskiq.message import BrokerMessage
from taskiq_redis import RedisStreamBroker

from wabot.outage import Outage

log = logging.getLogger(__name__)

STREAM = "wabot"
STREAM_LENGTH = 100_000
"""Rings kept in Redis. Older ones are dropped: their rows are still waiting in PostgreSQL."""
ANSWER_WITHIN = 10.0
"""Seconds. Longer than a listener waits for a ring."""
NEVER = 24 * 3600 * 1000
"""Milliseconds until taskiq would hear an unacknowledged ring again. The sweeper has long rung for its rows."""
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
            idle_timeout=NEVER,
            unacknowledged_lock_timeout=10,  # a killed worker must not hold it for ever
            socket_connect_timeout=ANSWER_WITHIN,
            socket_timeout=ANSWER_WITHIN,
            retry=Retry(
                NoBackoff(), 1
            ),  # a connection that has aged is opened anew; more patience is ours to have
        )
        self.away = False
        self._outage = Outage("queue", log)

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
            await super().kick(message)

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        async with contextlib.aclosing(super().listen()) as messages:
            while True:
                reading = asyncio.ensure_future(anext(messages))
                try:
                    message = await asyncio.shield(reading)
                except asyncio.CancelledError:
                    await _end(reading)
                    raise
                self._well()
                yield AckableMessage(data=message.data, ack=self._quietly(message.ack))

    def _quietly(self, ack: Callable[[], Any]) -> Callable[[], Awaitable[None]]:
        async def acknowledge() -> None:
            with self.noticing():
                await ack()

        return acknowledge

    async def depth(self) -> dict[str, int]:
        """Rings nobody has heard yet (`waiting`, which Redis counts since 7.0), and those in hand (`heard`)."""
        groups = []
        with self.noticing(), contextlib.suppress(ResponseError):  # emptied: the workers make it anew
            groups = await self._redis().xinfo_groups(STREAM)
        told = {"heard": "pending", "waiting": "lag"}
        return {
            state: group[key] for group in groups for state, key in told.items() if group.get(key) is not None
        }

    async def forget_the_gone(self) -> None:
        """Killed workers never said goodbye; the rings they had in hand go with them, and the sweeper rings anew."""
        with self.noticing():
            for consumer in await self._redis().xinfo_consumers(STREAM, STREAM):
                if consumer["idle"] > GONE_AFTER:
                    await self._leave(consumer["name"])

    async def say_goodbye(self) -> None:
        """Ring again for what reached this process in the moment it stopped listening, and leave no consumer."""
        with self.noticing():
            mine = await self._redis().xreadgroup(STREAM, self.consumer_name, {STREAM: "0"})
            for _, entries in mine:
                for _, ring in entries:
                    await self._redis().xadd(STREAM, ring, maxlen=STREAM_LENGTH, approximate=True)
            await self._leave(self.consumer_name)

    async def _leave(self, consumer: str | bytes) -> None:
        await self._redis().xgroup_delconsumer(STREAM, STREAM, consumer)

    def _redis(self) -> Any:
        return Redis(connection_pool=self.connection_pool)


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
