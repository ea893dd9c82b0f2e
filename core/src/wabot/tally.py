"""What statuses change in the numbers, as events: one for an hour and a category, however many there were (pure)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from wabot.flow import Event
from wabot.whatsapp.statuses import DELIVERED, RANK, Progress


class Change(msgspec.Struct, frozen=True):
    """One message of ours, before and after."""

    chatbot: int
    written_at: datetime
    before: Progress
    after: Progress


def tally(changes: Iterable[Change]) -> Iterator[tuple[int, Event]]:
    """Of each chatbot, how many more messages (or fewer) count as sent, delivered, read, failed, charged.

    A message counts in the hour in which it was written, so that no rate is above one.
    """
    sums: dict[tuple[int, datetime, str], Counter[str]] = defaultdict(Counter)
    for change in changes:
        hour = change.written_at.replace(minute=0, second=0, microsecond=0)
        for progress, one in ((change.before, -1), (change.after, 1)):
            price = _price(progress)
            sums[change.chatbot, hour, price.get("category", "")].update(
                dict.fromkeys(_counts_as(progress, price), one)
            )
    for (chatbot, hour, category), counts in sums.items():
        if moved := {name: many for name, many in counts.items() if many}:
            yield chatbot, Event("envios.contados", {"hora": hour, "categoria": category} | moved)


def _counts_as(progress: Progress, price: dict[str, Any]) -> Iterator[str]:
    """Meta charges what it has delivered."""
    rank = RANK.get(progress.status, 0)
    if progress.failed:
        yield from ("enviadas", "falhas")
    if rank >= RANK["sent"]:
        yield "enviadas"
    if rank >= DELIVERED:
        yield "entregues"
        if price:
            yield "cobradas" if _is_charged(price) else "gratis"
    if rank > DELIVERED:
        yield "lidas"


def _is_charged(price: dict[str, Any]) -> bool:
    """Meta means to drop `billable`; `regular` is what it charges."""
    billable = price.get("billable")
    return price.get("type") == "regular" if billable is None else bool(billable)


def _price(progress: Progress) -> dict[str, Any]:
    price = msgspec.json.decode(progress.pricing) if progress.pricing else {}
    return price if isinstance(price, dict) else {}
