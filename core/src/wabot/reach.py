"""How work outside a conversation gets to people. Nothing here does I/O: `wabot.unasked` does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class Reach(Protocol):
    """Behind `BotContext.say` and `BotContext.event`. In a test it keeps what it is given."""

    async def say(self, cliente: int, words: str, quiet_since: datetime | None) -> bool:
        """Put words into the outbox; whether they may go."""

    async def event(self, name: str, cliente: int | None, fields: Mapping[str, Any]) -> None:
        """Record an event."""


class NoReach:
    """Where nobody is reached: in sinks, campaigns and pages."""

    async def say(self, cliente: int, words: str, quiet_since: datetime | None) -> bool:
        raise RuntimeError("only a job says something unasked")

    async def event(self, name: str, cliente: int | None, fields: Mapping[str, Any]) -> None:
        raise RuntimeError("only a turn or a job records an event")
