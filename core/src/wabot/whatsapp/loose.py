"""Values out of JSON whose types nobody promises: each helper takes anything and never raises."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import msgspec

from wabot.text import clean

UNREADABLE = (ValueError, RecursionError)
"""What decoders raise on bad bytes: msgspec's errors and UnicodeDecodeError are ValueErrors."""

IDENT_MOST = 512
"""Meta's ids are far shorter. A longer one would not fit into an index and would spoil a whole flush."""

_PLAIN_MOST = 100
_PLAIN_LARGEST = 2**53

_ANYTHING = msgspec.json.Decoder()


def parsed(raw: bytes | msgspec.Raw) -> Any:
    """The JSON value of `raw`, or None. What msgspec refuses (1e400, a raw line break), the library may take."""
    try:
        return _ANYTHING.decode(raw)
    except UNREADABLE:
        pass
    try:
        return json.loads(bytes(raw).decode("utf-8", "replace"), strict=False)
    except UNREADABLE:
        return None


def mended(body: bytes) -> bytes:
    """The same JSON in bytes that msgspec takes: UTF-8, with U+FFFD for every lone surrogate. May raise UNREADABLE."""
    value = json.loads(body.decode("utf-8", "replace"), strict=False, parse_constant=lambda _: None)
    return clean(json.dumps(value, ensure_ascii=False)).encode()


def obj(value: Any) -> dict[str, Any]:
    """An object; anything else reads as an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """An array; anything else reads as an empty one."""
    return value if isinstance(value, list) else []


def words(value: Any) -> str:
    """A text that a database and a screen can hold; anything else reads as none."""
    return clean(value) if isinstance(value, str) else ""


def ident(value: Any) -> str:
    """An id as text. Some of Meta's own examples have integers; an empty one counts as absent."""
    if isinstance(value, str):
        known = clean(value).strip()
    else:
        known = str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
    return known if len(known) <= IDENT_MOST else ""


def number(value: Any) -> int | None:
    """An integer that fits into four bytes, written as one or as text."""
    if isinstance(value, bool):
        return None
    try:
        known = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return known if abs(known) < 2**31 else None


def plain(value: Any, depth: int = 6) -> Any:
    """JSON of a customer's, cut to what a database and a screen can hold: 100 keys or items, each text
    cleaned; no number that another decoder would choke on."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [plain(item, depth - 1) for item in value[:_PLAIN_MOST]] if depth else []
    if isinstance(value, dict):
        entries = list(value.items())[: _PLAIN_MOST if depth else 0]
        return {clean(key): plain(item, depth - 1) for key, item in entries}
    if isinstance(value, float | int) and (not math.isfinite(value) or abs(value) > _PLAIN_LARGEST):
        return None
    return value


def told_at(value: Any) -> datetime | None:
    """Unix seconds (Meta sends text, sometimes an int); None for anything else."""
    try:
        seconds = int(value)
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def moment(value: Any, received: datetime | None) -> datetime:
    """Unix seconds, else when it was received, else now."""
    return told_at(value) or received or datetime.now(UTC)
