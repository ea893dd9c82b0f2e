"""How long a chatbot's turns take lately: whether they may share a transaction, or would keep each other waiting.

Turns that share one are taken one after the other. That is the fastest way for those that only ask the database, and
the slowest for those that wait for something else. Where a machine is short of time everything takes long, so turns
are measured beside what the database takes to lock their rows.
"""

from collections import defaultdict

WEIGHT = 0.1
"""Of the newest figure in the average: one slow turn counts for some ten turns."""
QUICK = 0.05
"""Seconds that are no long time, whatever the database takes."""
LOCKS = 10
"""A turn that takes as long as so many locks waits for something else."""


class Tempo:
    """Seconds, given by the caller."""

    def __init__(self) -> None:
        self._lock = 0.0
        self._turns: dict[int, float] = defaultdict(float)

    def locked(self, seconds: float) -> None:
        """Rows were locked in this time."""
        self._lock += WEIGHT * (seconds - self._lock)

    def taken(self, chatbot: int, seconds: float) -> None:
        """A turn was taken in this time."""
        self._turns[chatbot] += WEIGHT * (seconds - self._turns[chatbot])

    def is_quick(self, chatbot: int) -> bool:
        """Whether the chatbot's turns are quick, as things stand."""
        return self._turns[chatbot] <= max(QUICK, LOCKS * self._lock)
