"""What Meta sent that names a person and leads to no conversa: statuses, notices, what nobody understood.

It is found by reading: window by window, so that no statement takes long and nobody waits. Of a text that names other
people too, only what is about this one is taken out.
"""

import re
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from wabot.db.engine import DB
from wabot.privacy.subject import Subject
from wabot.whatsapp.loose import parsed

WINDOW = 5000
"""Rows read in one statement."""

TABLES = {"recibos": "receipt", "avisos": "notice", "quarentena": "quarantine"}

END = "SELECT max(id) FROM (SELECT id FROM {table} WHERE id > $1 ORDER BY id LIMIT $2) AS beyond"

# What came for a number that no chatbot has is nobody's; whoever it names is erased from it all the same.
NAMING = """
SELECT id, raw FROM {table} WHERE id > $1 AND id <= $2 AND (chatbot = $3 OR chatbot IS NULL)
    AND EXISTS (SELECT FROM unnest($4::bytea[]) AS known WHERE position(known IN raw) > 0)
ORDER BY id
"""
GONE = "DELETE FROM {table} WHERE id = $1"
REST = "UPDATE {table} SET raw = $2, digest = $3 WHERE id = $1"

Places = Mapping[str, int]
"""Up to which row each table was read."""


class Found(msgspec.Struct, frozen=True):
    """A row that names the subject, taken apart."""

    id: int
    about_them: list[Any]
    rest: bytes | None
    """What is left without that; None: nothing."""


async def clear(subject: Subject, since: Places | None = None) -> tuple[dict[str, int], Places]:
    """Erase the person from what came after `since`. How many rows of each kind named them; how far was read."""
    counts, places = dict.fromkeys(TABLES, 0), dict(since or {})
    for kind, table in TABLES.items():
        async for window in _windows(table, subject, places):
            counts[kind] += len(window)
            for found in window:
                await _clear(table, found)
    return counts, places


async def found(kind: str, subject: Subject) -> AsyncIterator[Found]:
    """The rows of one kind that name the subject."""
    async for window in _windows(TABLES[kind], subject, {}):
        for one in window:
            yield one


async def _windows(table: str, subject: Subject, places: dict[str, int]) -> AsyncIterator[list[Found]]:
    names = pattern(subject.known_as)
    known = [name.encode() for name in subject.known_as]
    while end := await DB.fetchval(END.format(table=table), places.get(table, 0), WINDOW):
        rows = await DB.fetch(NAMING.format(table=table), places.get(table, 0), end, subject.chatbot, known)
        places[table] = end
        yield [Found(row["id"], *apart(row["raw"], names)) for row in rows if names.search(_text(row["raw"]))]


async def _clear(table: str, found: Found) -> None:
    """A status is about one person. What is cut down cannot be recognised any more by the digest of what it was."""
    if found.rest is None or table == "receipt":
        await DB.execute(GONE.format(table=table), found.id)
    else:
        await DB.execute(REST.format(table=table), found.id, found.rest, secrets.token_bytes(32))


def pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Any of these ids, and not as a part of a longer one."""
    either = "|".join(map(re.escape, sorted(names)))
    return re.compile(rf"(?<![0-9A-Za-z.])(?:{either})(?![0-9A-Za-z])" if either else r"(?!)")


def apart(raw: bytes, names: re.Pattern[str]) -> tuple[list[Any], bytes | None]:
    """The elements of its lists that name somebody, and the rest without them; the whole if it cannot be divided.

    >>> apart(b'{"people": [{"id": "ana", "age": 7}, {"id": "bia"}]}', pattern(["ana"]))
    ([{'id': 'ana', 'age': 7}], b'{"people":[{"id":"bia"}]}')
    """
    value, taken = parsed(raw), list[Any]()
    try:
        rest = _without(value, names, taken)
        if rest is None or not taken:
            return [_text(raw) if value is None else value], None
        return taken, msgspec.json.encode(rest)
    except (RecursionError, UnicodeEncodeError):  # nothing of ours: it was written to be unreadable
        return [_text(raw)], None


def _without(value: Any, names: re.Pattern[str], taken: list[Any]) -> Any:
    """None if the value itself names them. From a list those elements are taken that do."""
    if isinstance(value, list):
        return list(_others(value, names, taken))
    if not isinstance(value, dict):
        return None if names.search(str(value)) else value
    rest = {key: _without(inner, names, taken) for key, inner in value.items()}
    lost = any(rest[key] is None and inner is not None for key, inner in value.items())
    return None if lost or any(names.search(key) for key in rest) else rest


def _others(elements: list[Any], names: re.Pattern[str], taken: list[Any]) -> Iterator[Any]:
    for element in elements:
        inner = list[Any]()
        rest = _without(element, names, inner)
        if rest is None and element is not None:
            taken.append(element)
        else:
            taken += inner
            yield rest


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
