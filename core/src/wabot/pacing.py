"""The pace of a number, shared by all workers: a row says when its next message may go, and workers lease from it."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from wabot.db.engine import DB
from wabot.pace import QUIET, SETTLES_IN, Slots, recovered, slowed

PATIENCE = 3.0
"""Seconds a claimed message may wait for its moment. It counts as being sent meanwhile, and may be taken for lost."""
AHEAD = 2.0
"""Seconds ahead up to which moments are given out: with the longest lease, less than that patience."""
SOONEST = 0.5
LONGEST_DELAY = 60.0
"""Seconds, at least and at most, after which a message that was put off tries again."""

# The next moments, one after the other: unless those of the next seconds are taken, or the limit is gone.
LEASE = """
UPDATE number_pace SET next_at = greatest(next_at, now()) + make_interval(secs => $2 / rate)
WHERE chatbot = $1 AND rate IS NOT NULL AND coalesce(next_at <= now() + make_interval(secs => $3), true)
RETURNING rate, extract(epoch FROM next_at - now())::float8 - $2 / rate AS starts_in,
    extract(epoch FROM now() - changed_at)::float8 AS quiet
"""

LOCK = """
SELECT rate, throughput::float8, coalesce(extract(epoch FROM now() - changed_at), 0)::float8 AS since
FROM number_pace JOIN chatbot ON chatbot.id = chatbot WHERE chatbot = $1 FOR UPDATE OF number_pace
"""

# A number that has just been refused rests a second: that is how Meta counts.
CHANGE = """
UPDATE number_pace SET rate = $2, changed_at = now(),
    next_at = greatest(next_at, now() + make_interval(secs => $3)) WHERE chatbot = $1
"""


class _Number:
    """What one process knows of a number that is being paced."""

    def __init__(self) -> None:
        self.slots = Slots()
        self.lock = asyncio.Lock()
        self.later = 0.0
        """When the last of the messages that were put off will try again."""


class Pacing:
    """Moments for the replies of numbers that Meta has refused for throughput."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._numbers: dict[int, _Number] = defaultdict(_Number)

    async def put_off(self, chatbot: int, rate: float) -> float:
        """Wait for this message's moment; but if that is far, return at once after how many seconds to try again."""
        number = self._numbers[chatbot]
        try:
            async with asyncio.timeout(PATIENCE):
                if moment := await self._moment(chatbot, number, rate):
                    await asyncio.sleep(moment - self._clock())
                    return 0
        except TimeoutError:  # the database is slow; by now the message may soon be taken for lost
            pass
        return self._later(number, rate)

    async def refused(self, chatbot: int) -> None:
        """Meta has refused a message because the number is too fast."""
        async with DB.transaction():
            row = await DB.fetchrow(LOCK, chatbot)
            if row and (row["rate"] is None or row["since"] >= SETTLES_IN):
                await DB.execute(CHANGE, chatbot, slowed(row["rate"], row["throughput"]), 1)

    async def _moment(self, chatbot: int, number: _Number, rate: float) -> float | None:
        async with number.lock:
            return number.slots.take(self._clock()) or await self._lease(chatbot, number, rate)

    async def _lease(self, chatbot: int, number: _Number, rate: float) -> float | None:
        now = self._clock()
        row = await DB.fetchrow(LEASE, chatbot, (count := number.slots.wanted(rate)), AHEAD)
        if row is None:
            return None
        if row["quiet"] >= QUIET:
            await self._quiet(chatbot)
        number.slots.lease(now + row["starts_in"] + place / row["rate"] for place in range(count))
        return number.slots.take(now)

    async def _quiet(self, chatbot: int) -> None:
        async with DB.transaction():
            row: Any = await DB.fetchrow(LOCK, chatbot)
            if row["rate"] is not None and row["since"] >= QUIET:  # not yet done by another worker
                rate = recovered(row["rate"], row["throughput"], row["since"])
                await DB.execute(CHANGE, chatbot, rate, 0)

    def _later(self, number: _Number, rate: float) -> float:
        """One after the other as well, or all of them would come back together."""
        now = self._clock()
        number.later = max(number.later, now + SOONEST) + 1 / rate
        return min(number.later - now, LONGEST_DELAY)
