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
    priced: str = ""
    """The status that told the price."""

    @property
    def failed(self) -> bool:
        return self.status == "failed"


def merge(progress: Progress, news: Iterable[Told]) -> Progress:
    """The message after these statuses. It only goes forward, and each moment is the first one.

    Neither their order nor how they are grouped or repeated makes a difference. A message that was delivered has not
    failed, whatever comes later; one that failed is not sent again by `sent`.
    """
    for told in news:
        progress = _after(progress, told)
    return progress


def _after(progress: Progress, told: Told) -> Progress:
    rank = RANK.get(progress.status, 0)
    if told.status == "failed":
        return progress if rank >= DELIVERED else _failed(progress, told)
    if told.status not in RANK:  # a word to come
        return progress
    further = RANK[told.status] > rank and (not progress.failed or RANK[told.status] >= DELIVERED)
    status = told.status if further else progress.status
    # what a try before this one was refused for is over
    reason = {} if status == "failed" else {"error_code": None, "error": ""}
    pricing, priced = _price(progress, told)
    return msgspec.structs.replace(
        progress,
        status=status,
        sent_at=_first(progress.sent_at, told.at),
        delivered_at=_first(progress.delivered_at, told.at if told.status == "delivered" else None),
        read_at=_first(progress.read_at, told.at if RANK[told.status] > DELIVERED else None),
        pricing=pricing,
        priced=priced,
        **reason,
    )


def _failed(progress: Progress, told: Told) -> Progress:
    """Of two reasons the one with the higher code: the low ones are Meta's words for "unknown"."""
    code, error = told.error_code, told.error
    if progress.failed:
        code, error = max(
            (progress.error_code, progress.error), (code, error), key=lambda why: (why[0] or 0, why[1])
        )
    return msgspec.structs.replace(progress, status="failed", error_code=code, error=error)


def _price(progress: Progress, told: Told) -> tuple[str | None, str]:
    """The price and who told it: the furthest status, since what is delivered is charged."""
    if told.pricing is None:
        return progress.pricing, progress.priced
    known, new = (progress.priced, progress.pricing or ""), (told.status, told.pricing)
    priced, pricing = max(known, new, key=lambda told: (RANK.get(told[0], -1), told[1]))
    return pricing, priced


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)
