"""A process's way to ring: taskiq's messages in a Redis stream, written without taskiq.

A web process only rings. taskiq would be 11 MB of it, with pydantic, and a tenth of what a lone message takes there.
A Redis that is away or empty is no error: PostgreSQL is the truth, what was to be rung is then lost, and told once.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from wabot.outage import Outage

log = logging.getLogger(__name__)

ATTEND = "wabot:attend"
DELIVER = "wabot:deliver"
RECEIPTS = "wabot:receipts"
NOTICES = "wabot:notices"
MEDIA = "wabot:media"
SWEEP = "wabot:sweep"
JOB = "wabot:job"

STREAM = "wabot"
STREAM_LENGTH = 100_000
"""Rings kept in Redis. Older ones are dropped: their rows are still waiting in PostgreSQL."""
ANSWER_WITHIN = 10.0
"""Seconds. Longer than a listener waits for a ring."""


class Ring(msgspec.Struct):
    """As taskiq's formatter and serializer, left as they are, write a message and read it."""

    task_id: str
    task_name: str
    args: list[Any]
    labels: dict[str, str] = {}
    labels_types: dict[str, int] = {}
    kwargs: dict[str, Any] = {}


class Rings:
    """The stream, through one client."""

    def __init__(self, url: str) -> None:
        self.url = url
        once_more = Retry(NoBackoff(), 1)  # a connection that has aged is opened anew; more patience is ours
        self.pool = BlockingConnectionPool.from_url(
            url, socket_connect_timeout=ANSWER_WITHIN, socket_timeout=ANSWER_WITHIN, retry=once_more
        )
        self.redis: Any = Redis(connection_pool=self.pool)
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
            self.well()

    def well(self) -> None:
        """Redis has answered."""
        self.away = False
        self._outage.over()

    async def open(self) -> None:
        """Make sure that what is rung is kept for the workers together, and see whether Redis answers."""
        with self.noticing(), contextlib.suppress(ResponseError):  # there already
            await self.redis.xgroup_create(STREAM, STREAM, id="0", mkstream=True)

    async def ring(self, task: str, *args: Any) -> None:
        """Ask a worker for this task."""
        await self.put(msgspec.json.encode(Ring(uuid4().hex, task, list(args))))

    async def put(self, ring: bytes) -> None:
        """Append a message of taskiq's."""
        with self.noticing():
            await self.redis.xadd(STREAM, {b"data": ring}, maxlen=STREAM_LENGTH, approximate=True)

    async def depth(self) -> dict[str, int]:
        """Rings nobody has heard yet (`waiting`, which Redis counts since 7.0), and those in hand (`heard`)."""
        groups = []
        with self.noticing(), contextlib.suppress(ResponseError):  # emptied: the workers make it anew
            groups = await self.redis.xinfo_groups(STREAM)
        told = {"heard": "pending", "waiting": "lag"}
        return {
            state: group[key] for group in groups for state, key in told.items() if group.get(key) is not None
        }

    async def close(self) -> None:
        with contextlib.suppress(RedisError, OSError):
            await self.pool.disconnect()


def _innermost(error: BaseException) -> str:
    """The type of what really happened: anyio and taskiq wrap it."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        elif error.__cause__ is not None:
            error = error.__cause__
        else:
            return type(error).__name__
