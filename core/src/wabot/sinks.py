"""Sinks: plugins that read the events, each from a checkpoint of its own, which moves in the same transaction."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from wabot.attempt import attempt
from wabot.db.engine import DB
from wabot.errors import Away, PluginFailed
from wabot.logs import places
from wabot.looper import Looper
from wabot.media.kept import ChatbotFiles
from wabot.parts import BotContext, Bound, Recorded, Sink
from wabot.plugins.guard import Guard, PluginDown
from wabot.plugins.runtime import BotRuntime, Runtimes

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0
MOST = 500
"""Events a sink is given at once."""
SINK_LIMIT = 30.0
"""Seconds a sink may take for them."""
BACK_OFF_MOST = 300.0

BEGIN = """
INSERT INTO sink_checkpoint (chatbot, plugin, sink, xid)
SELECT new.chatbot, new.plugin, new.sink, coalesce(binding.since, wabot_settled())
FROM unnest($1::int[], $2::text[], $3::text[]) AS new (chatbot, plugin, sink)
LEFT JOIN plugin_binding AS binding ON binding.chatbot = new.chatbot AND binding.plugin = new.plugin
ON CONFLICT DO NOTHING
"""

WAITING = """
WITH settled AS MATERIALIZED (SELECT wabot_settled() AS xid)
SELECT chatbot, plugin, sink FROM sink_checkpoint AS checkpoint, settled
WHERE (retry_at IS NULL OR retry_at <= now()) AND EXISTS (
    SELECT FROM event WHERE event.chatbot = checkpoint.chatbot
        AND (event.xid, event.id) > (checkpoint.xid, checkpoint.event) AND event.xid < settled.xid)
"""

LOCK = """
SELECT xid, event, tries FROM sink_checkpoint WHERE chatbot = $1 AND plugin = $2 AND sink = $3
    AND (retry_at IS NULL OR retry_at <= now()) FOR UPDATE SKIP LOCKED
"""

NEXT = """
WITH settled AS MATERIALIZED (SELECT wabot_settled() AS xid)
SELECT event.xid, event.id, name, fields, at, conversa, coalesce(conversa.cliente, 0) AS cliente
FROM event LEFT JOIN conversa ON conversa.id = event.conversa
WHERE event.chatbot = $1 AND (event.xid, event.id) > ($2::xid8, $3::bigint)
    AND event.xid < (SELECT xid FROM settled)
ORDER BY event.xid, event.id LIMIT $4
"""

MOVED = """
UPDATE sink_checkpoint SET xid = $4, event = $5, tries = 0, retry_at = NULL, error = ''
WHERE chatbot = $1 AND plugin = $2 AND sink = $3
"""

FAILED = """
UPDATE sink_checkpoint SET tries = tries + 1, error = $4,
    retry_at = now() + make_interval(secs => least(2 ^ least(tries, 16), $5))
WHERE chatbot = $1 AND plugin = $2 AND sink = $3
"""

Key = tuple[int, str, str]


class Reader(msgspec.Struct, frozen=True):
    """One sink of one bot."""

    runtime: BotRuntime
    bound: Bound[Sink]

    @property
    def key(self) -> Key:
        return (self.runtime.chatbot.id, self.bound.plugin, self.bound.value.name)


class Sinks:
    """Gives the events to the sinks of this process's bots."""

    def __init__(self, runtimes: Runtimes, guard: Guard) -> None:
        self._runtimes, self._guard = runtimes, guard
        self._begun: frozenset[Key] = frozenset()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._looper = Looper("sinks", self.look, LOOK_EVERY)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While inside, events are read as they come. What is not finished on leaving is undone, and read again."""
        async with self._looper.running():
            try:
                yield
            finally:
                lanes = list(self._lanes.values())
                for lane in lanes:
                    lane.cancel()
                await asyncio.gather(*lanes, return_exceptions=True)

    async def look(self) -> bool:
        """Set every plugin going that has something to read. Each has a lane: a slow one keeps no other waiting."""
        await self.begin()
        readers = self._readers()
        todo: dict[str, list[Reader]] = {}
        for row in await DB.fetch(WAITING):
            if reader := readers.get(tuple(row)):
                todo.setdefault(reader.bound.plugin, []).append(reader)
        for plugin, waiting in todo.items():
            if plugin not in self._lanes or self._lanes[plugin].done():
                self._lanes[plugin] = asyncio.create_task(self._work_off(waiting), name=f"sinks of {plugin}")
        return False

    async def begin(self) -> None:
        """Give sinks that are new here a checkpoint: where their plugin was switched on, or else now."""
        keys = self._readers().keys()
        if new := sorted(keys - self._begun):
            await DB.execute(BEGIN, *(list(column) for column in zip(*new, strict=True)))
        self._begun = frozenset(keys)

    async def read(self, reader: Reader) -> bool:
        """Give one sink its next batch; whether more waits. Raises what a lost database raises."""
        try:
            async with DB.transaction():
                return await self._read(reader)
        except PluginDown:
            return False
        except PluginFailed as error:
            await DB.execute(FAILED, *reader.key, f"{error}"[:500], BACK_OFF_MOST)
            return False

    async def _read(self, reader: Reader) -> bool:
        checkpoint = await DB.fetchrow(LOCK, *reader.key)
        if checkpoint is None:
            return False
        rows = await DB.fetch(NEXT, reader.key[0], checkpoint["xid"], checkpoint["event"], MOST)
        if wanted := [_recorded(row) for row in rows if reader.bound.value.wants(row["name"])]:
            await self._give(reader, wanted)
        if rows:
            await DB.execute(MOVED, *reader.key, rows[-1]["xid"], rows[-1]["id"])
        return len(rows) == MOST

    async def _give(self, reader: Reader, events: Sequence[Recorded]) -> None:
        bot, bound = reader.runtime.chatbot, reader.bound
        context = BotContext(bot, datetime.now(UTC), bound.config, files=ChatbotFiles(bot.id))

        async def take() -> None:
            await bound.value.take(context, events)

        await attempt(self._guard, bot.id, bound.plugin, bound.value.name, take, SINK_LIMIT)

    async def _work_off(self, readers: Sequence[Reader]) -> None:
        """A batch for each in turn, until none has more."""
        while readers:
            readers = [reader for reader in readers if await self._read_on(reader)]

    async def _read_on(self, reader: Reader) -> bool:
        try:
            return await self.read(reader)
        except Away:
            return False  # told where it was met
        except Exception as error:  # noqa: BLE001 - the other bots' sinks go on
            log.warning("sink %s.%s of chatbot %s: %s", *reader.key[1:], reader.key[0], places(error))
            return False

    def _readers(self) -> Mapping[Key, Reader]:
        return {reader.key: reader for runtime in self._runtimes.all for reader in _readers(runtime)}


def _readers(runtime: BotRuntime) -> Iterator[Reader]:
    for bound in runtime.sinks:
        yield Reader(runtime, bound)


def _recorded(row: Any) -> Recorded:
    return Recorded(
        row["id"],
        row["name"],
        msgspec.json.decode(row["fields"]),
        row["at"],
        row["conversa"],
        row["cliente"],
    )
