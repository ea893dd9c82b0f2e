"""How the installation stands, for Prometheus: read from PostgreSQL and the queue when somebody asks."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import asyncpg
import msgspec
from prometheus_client.core import GaugeMetricFamily

from wabot.db.engine import DB
from wabot.queue import Queue

FRESH = 5.0
"""Seconds for which what was read is told again: however many ask, the database is asked once."""
WITHIN = 3.0
"""Seconds that reading may take; Prometheus gives up on a scrape after ten."""

# Each looks at a partial index of what waits. How old a reply is says nothing while it may not go, nor does a bulk
# message's age, or that of a file which Meta does not hand out yet.
WAITING = """
SELECT chatbot, kind, many, extract(epoch FROM now() - since)::float8 AS age FROM (
    SELECT chatbot, 'message' AS kind, count(*) AS many, min(received_at) AS since FROM inbox
    WHERE state = 'pendente' GROUP BY chatbot
    UNION ALL
    SELECT chatbot, 'reply', count(*), min(created_at) FILTER (WHERE retry_at IS NULL
        AND NOT EXISTS (SELECT FROM number_hold WHERE number_hold.chatbot = outbox.chatbot)) FROM outbox
    WHERE state IN ('pendente', 'enviando') AND NOT bulk GROUP BY chatbot
    UNION ALL
    SELECT chatbot, 'bulk', count(*), NULL FROM outbox
    WHERE bulk AND state IN ('pendente', 'enviando') GROUP BY chatbot
    UNION ALL
    SELECT chatbot, 'status', count(*), min(received_at) FROM receipt WHERE state = 'pendente' GROUP BY chatbot
    UNION ALL
    SELECT chatbot, 'notice', count(*), min(received_at) FROM notice WHERE state = 'pendente' GROUP BY chatbot
    UNION ALL
    SELECT chatbot, 'file', count(*), NULL FROM media WHERE state = 'pendente' GROUP BY chatbot
) AS waiting
"""
DEAD = """
SELECT chatbot, 'inbox' AS box, count(*) AS many FROM inbox WHERE state = 'morta' GROUP BY chatbot
UNION ALL
SELECT chatbot, 'outbox', count(*) FROM outbox WHERE state = 'falhou' GROUP BY chatbot
"""
OPEN = "SELECT chatbot, plugin, count(*) AS many FROM plugin_health WHERE NOT ok GROUP BY chatbot, plugin"
HELD = "SELECT chatbot, 1 AS many FROM number_hold"


class Stored(msgspec.Struct, frozen=True):
    """Rows of the statements above."""

    waiting: Iterable[Any] = ()
    dead: Iterable[Any] = ()
    open: Iterable[Any] = ()
    held: Iterable[Any] = ()


class Gauges:
    """Read by whoever asks first in a while; the others are told the same."""

    def __init__(self, queue: Queue, clock: Callable[[], float] = time.monotonic) -> None:
        self._queue, self._clock = queue, clock
        self._families: list[GaugeMetricFamily] = []
        self._until = float("-inf")
        self._asking: asyncio.Task[dict[str, int]] | None = None
        self._lock = asyncio.Lock()

    async def read(self) -> list[GaugeMetricFamily]:
        """Never raises: that PostgreSQL or Redis does not answer is one of the things told."""
        async with self._lock:
            if self._clock() >= self._until:
                stored, rings = await _stored(), await self._rings()
                self._families = families(
                    stored, rings or {}, queue=rings is not None and not self._queue.away
                )
                self._until = self._clock() + FRESH
            return self._families

    async def _rings(self) -> Mapping[str, int] | None:
        """None if the queue does not answer in time. It is heard out all the same: a call to Redis is not cancelled."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._queue.depth())
        await asyncio.wait({self._asking}, timeout=WITHIN)
        return self._asking.result() if self._asking.done() else None


async def _stored() -> Stored | None:
    """None if the database does not answer, or not in time."""
    try:
        async with asyncio.timeout(WITHIN):
            return Stored(*[await DB.fetch(statement) for statement in (WAITING, DEAD, OPEN, HELD)])
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return None


def families(stored: Stored | None, rings: Mapping[str, int], *, queue: bool) -> list[GaugeMetricFamily]:
    """What was read, as Prometheus knows it. Without a database, its gauges are there and empty."""
    found = stored or Stored()
    rung = [{"state": state, "many": many} for state, many in rings.items()]
    aged = [row for row in found.waiting if row["age"] is not None]
    return [
        GaugeMetricFamily("wabot_database_up", "Whether PostgreSQL answered.", stored is not None),
        GaugeMetricFamily("wabot_queue_up", "Whether the queue answered.", queue),
        _family("wabot_queue_rings", "Rings in Redis, not heard yet or in hand.", rung, "state"),
        _family("wabot_waiting", "Rows that wait.", found.waiting, "chatbot", "kind"),
        _family(
            "wabot_waiting_oldest_seconds", "Age of the oldest of them.", aged, "chatbot", "kind", value="age"
        ),
        _family("wabot_dead_letters", "Messages set aside, replies not taken.", found.dead, "chatbot", "box"),
        _family("wabot_breakers_open", "Open breakers of a plugin.", found.open, "chatbot", "plugin"),
        _family("wabot_number_held", "1: Meta takes nothing from this number.", found.held, "chatbot"),
    ]


def _family(
    name: str, about: str, rows: Iterable[Any], *labels: str, value: str = "many"
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=labels)
    for row in rows:
        family.add_metric(["" if row[label] is None else str(row[label]) for label in labels], row[value])
    return family
