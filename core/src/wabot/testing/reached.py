"""Whom a job reached, in a test."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any


class Reached:
    """`ctx.reach` of a test: `said` and `events` have what the job said and recorded, oldest first."""

    def __init__(self) -> None:
        self.said: list[tuple[int, str]] = []
        """To which cliente, and what."""
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.closed: set[int] = set()
        """Clientes to whom nothing can be said."""

    async def say(self, cliente: int, words: str, quiet_since: datetime | None) -> bool:
        if cliente in self.closed:
            return False
        self.said.append((cliente, words))
        return True

    async def event(self, name: str, cliente: int | None, fields: Mapping[str, Any]) -> None:
        self.events.append((name, dict(fields)))
