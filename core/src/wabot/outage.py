"""What may be away for a while, told in one line when it goes and in one when it is back, not a thousand times."""

import logging
import time
from collections.abc import Callable

QUIET = 3.0
"""Seconds without trouble after which it is over: what comes and goes is one trouble."""


class Outage:
    """The trouble with one thing. `why`: what it is, in words; empty when there is none."""

    def __init__(
        self,
        what: str,
        log: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
        quiet: float = QUIET,
    ) -> None:
        self._what, self._log, self._clock, self._quiet = what, log, clock, quiet
        self._told: set[str] = set()
        self._last = 0.0
        self.why = ""

    def met(self, why: str) -> None:
        """Each kind of trouble is told once, until all of it is over."""
        self.why, self._last = why, self._clock()
        if why not in self._told:
            self._told.add(why)
            self._log.warning("%s: %s", self._what, why)

    def over(self) -> None:
        """It worked. To be called at every success: it costs nothing when there was no trouble."""
        if self._told and self._clock() - self._last >= self._quiet:
            self._told.clear()
            self.why = ""
            self._log.warning("%s: back", self._what)
