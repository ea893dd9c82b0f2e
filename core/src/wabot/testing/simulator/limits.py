"""The limits that depend on what came before: the 24-hour window, the pair, the number."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from wabot.testing.simulator.chats import Phone
from wabot.testing.simulator.errors import GraphError
from wabot.testing.simulator.faults import Faults

WINDOW = timedelta(hours=24)
PAIR_BURST, PAIR_EVERY = 45, 6.0


class Bucket:
    """Tokens that come back at a steady rate."""

    def __init__(self, size: float, every: float, now: float) -> None:
        self.size, self.every = size, every
        self._tokens, self._at = size, now

    def take(self, now: float) -> bool:
        self._tokens = min(self.size, self._tokens + (now - self._at) / self.every)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Limits:
    """Refuses what Meta would refuse, as far as the faults say that it is to be refused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pairs: dict[str, Bucket] = {}
        self._numbers: dict[tuple[str, int], Bucket] = {}

    def check(self, faults: Faults, phone: Phone, *, template: bool) -> None:
        """Raises GraphError when this message may not be sent to this phone now."""
        if faults.window and not template and not _is_open(phone):
            raise GraphError(131047, "More than 24 hours have passed since the customer last wrote.")
        if faults.per_second and not self._number(phone.bot, faults.per_second).take(self._clock()):
            raise GraphError(130429, "Cloud API message throughput has been reached.")
        if faults.pair_limit and not self._pair(phone.id).take(self._clock()):
            raise GraphError(131056, "Too many messages to the same number in a short time.")

    def _number(self, bot: str, per_second: int) -> Bucket:
        fresh = Bucket(per_second, 1 / per_second, self._clock())
        return self._numbers.setdefault((bot, per_second), fresh)

    def _pair(self, phone: str) -> Bucket:
        return self._pairs.setdefault(phone, Bucket(PAIR_BURST, PAIR_EVERY, self._clock()))


def _is_open(phone: Phone) -> bool:
    wrote = phone.last_wrote
    return wrote is not None and datetime.now(UTC) - wrote < WINDOW
