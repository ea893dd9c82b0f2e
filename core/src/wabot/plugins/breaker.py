"""A circuit breaker: after repeated failures nobody is sent into a broken plugin, except one at a time, to see."""

from typing import Literal

FAILURES = 5
"""How many failures in a row open the breaker."""
OPEN_FOR = 30.0
"""Seconds until it is tried again; doubled each time that fails."""
OPEN_MOST = 300.0

Change = Literal["opened", "closed"] | None


class Breaker:
    """One plugin on one bot. Time is given in seconds by the caller; nothing here waits."""

    def __init__(self) -> None:
        self.failures = 0
        self.open = False
        self._wait = OPEN_FOR
        self._retry_at = 0.0

    def admits(self, now: float) -> bool:
        """Whether a call may go in. Half open, one may, and the next only when that has had its time."""
        if not self.open:
            return True
        if now < self._retry_at:
            return False
        self._retry_at = now + self._wait
        return True

    def succeeded(self) -> Change:
        """A call came back well."""
        was_open = self.open
        self.failures, self.open, self._wait = 0, False, OPEN_FOR
        return "closed" if was_open else None

    def failed(self, now: float) -> Change:
        """A call failed. Only the change from closed to open is told."""
        self.failures += 1
        if self.open:
            self._wait = min(self._wait * 2, OPEN_MOST)
            self._retry_at = now + self._wait
            return None
        if self.failures < FAILURES:
            return None
        self.open, self._retry_at = True, now + self._wait
        return "opened"
