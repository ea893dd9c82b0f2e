"""How fast a number may send, worked out from what Meta has refused: no clock and no database of its own.

A number is not paced until Meta refuses a message for throughput. Then it goes at a rate, halved whenever Meta refuses
again, doubled whenever a while passes in peace, until it is as fast as the number may be: then the limit is gone.
"""

from collections.abc import Iterable

SLOWEST = 5.0
"""Messages a second. Below this a limit would do more harm than a refusal."""
SETTLES_IN = 2.0
"""Seconds in which messages that left before the rate changed are still refused: they say nothing of the new one."""
QUIET = 10.0
"""Seconds without a refusal after which the number may go faster."""
LONGEST_LEASE = 0.5
"""Seconds of a number's time that one process may take for itself."""
STALE = 1.0
"""Seconds after which an unused moment is lost: made up for later, it would be a burst."""


def slowed(rate: float | None, throughput: float) -> float:
    """Messages a second after a refusal; None: there was no limit until now."""
    return throughput if rate is None else max(rate / 2, SLOWEST)


def recovered(rate: float, throughput: float, quiet: float) -> float | None:
    """Messages a second after `quiet` seconds without a refusal; None once there need be no limit any more."""
    for _ in range(int(quiet // QUIET)):
        if rate >= throughput:
            return None
        rate = min(rate * 2, throughput)
    return rate


class Slots:
    """Moments at which one process may send a message of one number, taken from the shared pace a few at a time.

    The more of them are used, the more are taken: a process that sends much asks seldom, one that sends little
    takes nothing it does not need.
    """

    def __init__(self) -> None:
        self._moments: list[float] = []
        self._size = 1
        self._wasted = False

    def take(self, now: float) -> float | None:
        """The next moment, or None: a new lease is needed."""
        while self._moments:
            moment = self._moments.pop(0)
            if moment >= now - STALE:
                return moment
            self._wasted = True
        return None

    def wanted(self, rate: float) -> int:
        """How many to ask for."""
        self._size = 1 if self._wasted else self._size * 2
        self._size = max(1, min(self._size, int(rate * LONGEST_LEASE)))
        self._wasted = False
        return self._size

    def lease(self, moments: Iterable[float]) -> None:
        self._moments = list(moments)
