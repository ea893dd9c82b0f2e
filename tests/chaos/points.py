"""Labelled points at which a process may be killed: between two awaits that matter.

A process started with WABOT_CHAOS_POINT=label:7 kills itself at the seventh time it comes by there.
"""

import functools
import importlib
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec

VARIABLE = "WABOT_CHAOS_POINT"
When = Literal["before", "after"]


class Point(msgspec.Struct, frozen=True):
    """Before or after a call of `where` (module:attribute)."""

    label: str
    when: When
    where: str
    process: Literal["web", "worker"]


POINTS = [
    Point("received, not stored", "before", "wabot.inbox:Inbox._store", "web"),
    Point("stored, not committed", "after", "wabot.inbox:_store_found", "web"),
    Point("known people's committed, the rest not stored", "after", "wabot.inbox:_store_known", "web"),
    Point("committed, not answered 200", "after", "wabot.inbox:Inbox._store", "web"),
    Point("heard, turn not begun", "before", "wabot.attend:Attendant.together", "worker"),
    Point("locked, turn not taken", "before", "wabot.attend:Attendant._take", "worker"),
    Point("turn written, not committed", "after", "wabot.attend:Attendant._write", "worker"),
    Point("turn committed", "after", "wabot.attend:Attendant.together", "worker"),
    Point("marked enviando, not posted", "before", "wabot.whatsapp.client:Graph.send", "worker"),
    Point("posted, not marked enviada", "after", "wabot.whatsapp.client:Graph.send", "worker"),
    Point("marked enviada", "after", "wabot.outbox:_mark_sent", "worker"),
    Point("statuses merged, not committed", "after", "wabot.receipts:_merge_all", "worker"),
]


def arm() -> None:
    """Lay the mine that the environment names, if it names one."""
    label, _, count = os.environ.get(VARIABLE, "").partition(":")
    for point in POINTS:
        if point.label == label:
            _lay(point, int(count))


def _lay(point: Point, count: int) -> None:
    module, _, path = point.where.partition(":")
    owner: Any = importlib.import_module(module)
    *holders, name = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    setattr(owner, name, _mined(getattr(owner, name), point.when, count))


def _mined(call: Callable[..., Awaitable[Any]], when: When, count: int) -> Callable[..., Awaitable[Any]]:
    left = count

    @functools.wraps(call)
    async def mined(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        if when == "before":
            left -= 1
            _die_if(left <= 0)
        result = await call(*args, **kwargs)
        if when == "after":
            left -= 1
            _die_if(left <= 0)
        return result

    return mined


def _die_if(due: bool) -> None:
    if due:
        os.kill(os.getpid(), signal.SIGKILL)
