"""How far a message has come, told by statuses that arrive in any order, doubled, or not at all (pure)."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

RANK = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "played": 4}
"""Meta's statuses from first to last. `delivered` may be skipped; `failed` stands apart."""
DELIVERED = RANK["delivered"]


class Told(msgspec.Struct, frozen=True):
    """One status, as Meta told it."""

    status: str
    at: datetime
    error_code: int | None = None
    error: str = ""
    pricing: str | None = None


class Progress(msgspec.Struct, frozen=True):
    """What is known of one message of ours."""

    status: str = ""
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    error_code: int | None = None
    error: str = ""
    pricing: str | None = None

    @property
    def failed(self) -> bool:
        return self.status == "failed"


def merge(progress: Progress, news: Iterable[Told]) -> Progress:
    """The message after these statuses, whatever their order. It only goes forward, and each moment is the first one.

    A message that was delivered has not failed, whatever comes later; one that failed is not sent again by `sent`.
    """
    for told in sorted(news, key=lambda told: RANK.get(told.status, -1)):
        progress = _after(progress, told)
    return progress


def _after(progress: Progress, told: Told) -> Progress:
    rank = RANK.get(progress.status, 0)
    if told.status == "failed":
        if progress.failed or rank >= DELIVERED:
            return progress
        return msgspec.structs.replace(
            progress, status="failed", error_code=told.error_code, error=told.error
        )
    if told.status not in RANK:  # a word to come
        return progress
    further = RANK[told.status] > rank and (not progress.failed or RANK[told.status] >= DELIVERED)
    return msgspec.structs.replace(
        progress,
        status=told.status if further else progress.status,
        sent_at=_first(progress.sent_at, told.at),
        delivered_at=_first(progress.delivered_at, told.at if told.status == "delivered" else None),
        read_at=_first(progress.read_at, told.at if RANK[told.status] > DELIVERED else None),
        pricing=progress.pricing or told.pricing,
    )


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)
