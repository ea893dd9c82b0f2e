"""Message templates as Meta last described them, and which of them must not be used now.

Filled by notices, by a synchronisation, and by what a send was answered. A template nobody has told us about may be
used: Meta then decides.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from wabot import numbers
from wabot.db.directory import Bot
from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.message import TemplateMessage
from wabot.whatsapp.changes import PAUSE, Key, TemplateStatus, language_of, parameters_in
from wabot.whatsapp.client import Graph, NotSent, Unclear
from wabot.whatsapp.failures import FAILURES, failure_for
from wabot.whatsapp.loose import ident, items, obj, words

PAUSED, DISABLED, MISSING = 132015, 132016, 132001
"""Meta's codes for a template that is paused, disabled for good, or not there (in this language, or not approved)."""

WAITING = {"PAUSED": PAUSED, "PENDING": MISSING, "IN_APPEAL": MISSING, "MISSING": MISSING}
"""States that may pass, and the code a send would be answered with. `MISSING` is our word, all others are Meta's."""
OVER = {
    "DISABLED": DISABLED,
    "REJECTED": MISSING,
    "DELETED": MISSING,
    "PENDING_DELETION": MISSING,
    "ARCHIVED": MISSING,
}
"""States that pass only if somebody does something about the template."""
HELD = [*WAITING, *OVER]
MISSING_FOR = timedelta(minutes=10)
"""How long we believe that a template is missing: it may just have been approved, and nobody told us."""


def _told(about: str, *columns: str) -> str:
    """Keep what was told about a template. Each kind of news has its own clock: what is told late changes nothing."""
    clock = f"{about}_at"
    names = [*columns, clock]
    return f"""
INSERT INTO template AS known (chatbot, name, language, {", ".join(names)})
VALUES ($1, $2, $3, {", ".join(f"${place}" for place, _ in enumerate(names, 4))})
ON CONFLICT (chatbot, name, language) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in names)}
WHERE known.{clock} IS NULL OR known.{clock} <= excluded.{clock}
"""  # noqa: S608 - our own words


STATUS = _told("status", "status", "reason", "until")
QUALITY = _told("quality", "quality")
CATEGORY = _told("category", "category", "next_category")
COMPONENTS = _told("components", "components", "parameters")
FIRST_CATEGORY = """
UPDATE template SET category = $4 WHERE chatbot = $1 AND name = $2 AND language = $3 AND category = ''
"""

# A list says nothing of how long a pause lasts. What was told after it was asked for stays.
SYNC = """
INSERT INTO template AS known (chatbot, name, language, meta_id, category, status, reason, until, quality, components,
    parameters, status_at, quality_at, category_at, components_at)
SELECT $1, told.*, $2, $2, $2, $2
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[], $10::text[],
            $11::json[], $12::int[]) AS told
ON CONFLICT (chatbot, name, language) DO UPDATE SET meta_id = excluded.meta_id, category = excluded.category,
    next_category = CASE WHEN known.next_category <> excluded.category THEN known.next_category ELSE '' END,
    status = excluded.status, reason = excluded.reason,
    until = CASE WHEN known.status = excluded.status THEN known.until ELSE excluded.until END,
    quality = excluded.quality, components = excluded.components, parameters = excluded.parameters,
    status_at = excluded.status_at, quality_at = excluded.quality_at, category_at = excluded.category_at,
    components_at = excluded.components_at
WHERE known.status_at IS NULL OR known.status_at <= excluded.status_at
"""
GONE = """
UPDATE template SET status = 'DELETED', reason = '', until = NULL, status_at = $2
WHERE chatbot = $1 AND status <> 'DELETED' AND coalesce(status_at <= $2, true)
    AND (name, language) NOT IN (SELECT * FROM unnest($3::text[], $4::text[]))
"""

STANDING = "SELECT status, until FROM template WHERE chatbot = $1 AND name = $2 AND language = $3"

# Messages that wait for a template that may be used again.
WAKE = """
UPDATE outbox SET retry_at = now() FROM template
WHERE outbox.chatbot = $1 AND outbox.state = 'pendente' AND retry_at > now() AND error_code = ANY ($2)
    AND template.chatbot = $1 AND template.status <> ALL ($3)
    AND name = content ->> 'name' AND language = replace(content ->> 'language', '-', '_')
"""


class NotSynchronised(WabotError):
    """Meta did not give its list of templates. Nothing has changed."""


class Held(msgspec.Struct, frozen=True):
    """A template that must not be used now: why, in Meta's code, and for how many seconds (None: for good)."""

    code: int
    wait: float | None

    @property
    def why(self) -> str:
        return FAILURES[self.code].operator


class Template(msgspec.Struct, frozen=True):
    """A template as it is known here."""

    name: str
    language: str
    category: str
    status: str
    quality: str
    parameters: int | None
    until: datetime | None
    reason: str
    next_category: str
    status_at: datetime | None


async def note_status(chatbot: int, key: Key, told: TemplateStatus, at: datetime) -> None:
    """Keep a status. Messages that waited for the template go on when it may be used again."""
    await DB.execute(STATUS, chatbot, key.name, key.language, told.status, told.reason, told.until, at)
    if told.status not in HELD:
        await _wake(chatbot)


async def note_quality(chatbot: int, key: Key, quality: str, at: datetime) -> None:
    await DB.execute(QUALITY, chatbot, key.name, key.language, quality, at)


async def note_category(chatbot: int, key: Key, category: str, coming: str, at: datetime) -> None:
    """Keep a category; `coming` is the one Meta would rather see, or will set."""
    await DB.execute(CATEGORY, chatbot, key.name, key.language, category, coming, at)


async def note_first_category(chatbot: int, key: Key, category: str) -> None:
    """What a status mentions on the side: it must not undo the announcement of another category."""
    await DB.execute(FIRST_CATEGORY, chatbot, key.name, key.language, category)


async def note_components(chatbot: int, key: Key, components: Sequence[Any], at: datetime) -> None:
    encoded = msgspec.json.encode(components).decode()
    await DB.execute(COMPONENTS, chatbot, key.name, key.language, encoded, parameters_in(components), at)


async def held(chatbot: int, message: TemplateMessage) -> Held | None:
    """Whether a message must not go now, for its template is paused, in review, rejected or disabled."""
    row = await DB.fetchrow(STANDING, chatbot, message.name, language_of(message.language))
    if row is None:
        return None
    if code := OVER.get(row["status"]):
        return Held(code, None)
    now = datetime.now(UTC)
    until = row["until"] or now + MISSING_FOR
    code = WAITING.get(row["status"])
    return Held(code, (until - now).total_seconds()) if code and until > now else None


async def refused(chatbot: int, message: TemplateMessage, code: int | None) -> None:
    """A send was answered with this code: what it says of the template holds for all its other messages too."""
    now = datetime.now(UTC)
    told = {
        PAUSED: TemplateStatus("PAUSED", until=now + PAUSE),
        DISABLED: TemplateStatus("DISABLED"),
        MISSING: TemplateStatus("MISSING", until=now + MISSING_FOR),
    }.get(code or 0)
    if told:
        await note_status(chatbot, Key(message.name, language_of(message.language)), told, now)


async def known(chatbot: int) -> list[Template]:
    """The templates of a chatbot, by name."""
    rows = await DB.fetch("SELECT * FROM template WHERE chatbot = $1 ORDER BY name, language", chatbot)
    return [Template(**{name: row[name] for name in Template.__struct_fields__}) for row in rows]


class Synchronised(msgspec.Struct, frozen=True):
    """What Meta has: how many templates, and the quality of the number."""

    templates: int
    quality: str


async def sync(graph: Graph, bot: Bot) -> Synchronised:
    """Take over Meta's list of the templates of this bot's account, and what Meta says of its number.

    Raises NotSynchronised, with the sentence of what to mend; then no template has changed.
    """
    asked = datetime.now(UTC)
    try:
        quality = await numbers.refresh(graph, bot)
        listed = await graph.templates(bot.business_account_id, bot.access_token)
    except NotSent as refusal:
        why = failure_for(refusal.code, refusal.http_status).operator
        raise NotSynchronised(f"Os modelos não foram atualizados. {why}") from refusal
    except Unclear as doubt:
        raise NotSynchronised(
            "A Meta não respondeu; os modelos não foram atualizados. Tente de novo."
        ) from doubt
    rows = list({row[:2]: row for one in listed if (row := _row(one, asked))}.values())
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(10)]
    async with DB.transaction():
        await DB.execute(SYNC, bot.id, asked, *columns)
        await DB.execute(GONE, bot.id, asked, *columns[:2])
        await _wake(bot.id)
    return Synchronised(len(rows), quality)


def _row(listed: Any, asked: datetime) -> tuple[Any, ...] | None:
    """A template of Meta's list as SYNC takes it; None if it cannot be told apart."""
    told = obj(listed)
    name, language, status = (
        ident(told.get("name")),
        language_of(told.get("language")),
        ident(told.get("status")),
    )
    if not name or not language:
        return None
    components, reason = items(told.get("components")), words(told.get("rejected_reason"))
    return (
        name,
        language,
        ident(told.get("id")),
        ident(told.get("category")).upper(),
        status.upper(),
        "" if reason == "NONE" else reason,
        asked + PAUSE if status.upper() == "PAUSED" else None,
        ident(obj(told.get("quality_score")).get("score")).upper(),
        msgspec.json.encode(components).decode(),
        parameters_in(components),
    )


async def _wake(chatbot: int) -> None:
    await DB.execute(WAKE, chatbot, [PAUSED, MISSING], HELD)
