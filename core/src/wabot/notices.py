"""Notices: what Meta tells beside messages and statuses, acted on one by one after the commit that stored them.

Each is applied in a transaction of its own, in the order of Meta's time. What is told late changes nothing that was
told since, so that neither order nor repetition matters. A field nobody here knows is kept and left alone.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from wabot import consent, identity, mailings, numbers, templates
from wabot.db.engine import DB
from wabot.errors import Away, reason_of
from wabot.logs import places
from wabot.whatsapp import changes, facts
from wabot.whatsapp.facts import Fact
from wabot.whatsapp.loose import ident, obj, parsed

log = logging.getLogger(__name__)

RETRY_AFTER = (10, 300)
"""Seconds until a notice that failed is tried again; after the last one it is left alone, with its reason."""

DUE = "state = 'pendente' AND (retry_at IS NULL OR retry_at <= now())"

# Meta's own time, which cannot lie after the arrival: what is dated in the future would outweigh all that follows.
TAKE = f"""
SELECT id, chatbot, field, raw, tries, least(at, received_at) AS at FROM notice
WHERE {DUE} ORDER BY coalesce(at, received_at), id LIMIT 1 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - a constant
SETTLE = "UPDATE notice SET state = $2, done_at = now(), error = '' WHERE id = $1"
FAILED = """
UPDATE notice SET tries = tries + 1, error = $2, retry_at = now() + make_interval(secs => $3),
    state = CASE WHEN $3 IS NULL THEN 'ignorada' ELSE 'pendente' END, done_at = CASE WHEN $3 IS NULL THEN now() END
WHERE id = $1
"""


class Notice(msgspec.Struct, frozen=True):
    """One notice to one chatbot."""

    id: int
    chatbot: int
    at: datetime
    value: Any


Handler = Callable[[Notice], Awaitable[bool]]
"""Does what a notice asks for; whether there was anything to do."""


async def apply() -> None:
    """Act on the notices that wait. Raises what a lost database raises."""
    while await _one():
        pass


async def waiting() -> bool:
    """Whether any notice waits to be acted on: for the sweeper."""
    return bool(await DB.fetchval(f"SELECT EXISTS (SELECT FROM notice WHERE {DUE})"))  # noqa: S608 - a constant


async def _one() -> bool:
    """Act on the oldest one; False if none waits. One that fails is set back, and never in the way of the next."""
    row: Any = None
    try:
        async with DB.transaction():
            row = await DB.fetchrow(TAKE)
            if row is None:
                return False
            acted = await _act(row)
            await DB.execute(SETTLE, row["id"], "tratada" if acted else "ignorada")
    except Away:
        raise  # not the notice's fault
    except Exception as error:
        if row is None:
            raise
        await _failed(row, error)
    return True


async def _act(row: Any) -> bool:
    handler = HANDLERS.get(row["field"])
    if handler is None:
        return False
    change = parsed(row["raw"])
    value = change if row["field"] == "errors" else obj(obj(change).get("value"))
    return await handler(Notice(row["id"], row["chatbot"], row["at"], value))


async def _failed(row: Any, error: Exception) -> None:
    log.error("notice %s, try %s: %s", row["id"], row["tries"] + 1, places(error))
    wait = RETRY_AFTER[row["tries"]] if row["tries"] < len(RETRY_AFTER) else None
    await DB.execute(FAILED, row["id"], reason_of(error), wait)


# -- people ------------------------------------------------------------------------------------------------------


async def _preferences(notice: Notice) -> bool:
    """The legal record: who says stop in WhatsApp itself is not written to again, known to us or not."""
    told = changes.preferences(notice.value, notice.at)
    conversas = await identity.conversas_of(
        [identity.Sighting(notice.chatbot, choice.sender, choice.at) for choice in told]
    )
    for place, (choice, conversa) in enumerate(zip(told, conversas, strict=True)):
        if conversa is None:
            continue
        cliente: int = await DB.fetchval("SELECT cliente FROM conversa WHERE id = $1", conversa)
        await consent.record(
            cliente,
            accepts=choice.accepts,
            who="cliente",
            how=f"preferência no WhatsApp ({choice.value})",
            wording=choice.wording,
            source=f"notice:{notice.id}:{place}",
            at=choice.at,
        )
    return bool(told)


async def _user_ids(notice: Notice) -> bool:
    """People whose BSUID is another one now. The one place where notices tell identity."""
    told = changes.renamed(notice.value, notice.at)
    for person in told:
        await identity.user_id_changed(
            notice.chatbot, person.previous, person.current, person.wa_id, person.at
        )
    return bool(told)


# -- templates ---------------------------------------------------------------------------------------------------


async def _template_status(notice: Notice) -> bool:
    key, told = changes.key_of(notice.value), changes.template_status(notice.value, notice.at)
    if key is None or told is None:
        return False
    await templates.note_status(notice.chatbot, key, told, notice.at)
    if category := ident(notice.value.get("message_template_category")).upper():
        await templates.note_first_category(notice.chatbot, key, category)
    return True


async def _template_quality(notice: Notice) -> bool:
    key, quality = changes.key_of(notice.value), ident(notice.value.get("new_quality_score")).upper()
    if key is None or not quality:
        return False
    await templates.note_quality(notice.chatbot, key, quality, notice.at)
    return True


async def _template_category(notice: Notice) -> bool:
    """Done (`new_category`), announced (beside it `correct_category`), or only detected to be wrong (`category`)."""
    value = notice.value
    key, category = changes.key_of(value), ident(value.get("new_category") or value.get("category")).upper()
    if key is None or not category:
        return False
    coming = ident(value.get("correct_category")).upper()
    await templates.note_category(notice.chatbot, key, category, coming, notice.at)
    return True


async def _template_components(notice: Notice) -> bool:
    key, components = changes.key_of(notice.value), changes.components_of(notice.value)
    if key is None or not components:
        return False
    await templates.note_components(notice.chatbot, key, components, notice.at)
    return True


# -- numbers and accounts ----------------------------------------------------------------------------------------


def _noting(read: Callable[[Any, datetime], list[Fact]]) -> Handler:
    """A handler that keeps what `read` finds in the value."""

    async def note(notice: Notice) -> bool:
        told = read(notice.value, notice.at)
        mine = await numbers.note(notice.chatbot, told, notice.at)
        if mine and any((fact.name, fact.value) == ("quality", "RED") for fact in told):
            await mailings.brake(notice.chatbot, mailings.RED_SAID)
        return mine

    return note


HANDLERS: Mapping[str, Handler] = {
    "user_preferences": _preferences,
    "user_id_update": _user_ids,
    "message_template_status_update": _template_status,
    "message_template_quality_update": _template_quality,
    "template_category_update": _template_category,
    "template_correct_category_detection": _template_category,
    "message_template_components_update": _template_components,
    "phone_number_quality_update": _noting(facts.phone_quality),
    "business_capability_update": _noting(facts.limit),
    "phone_number_name_update": _noting(facts.name_decision),
    "account_update": _noting(facts.account),
    "account_alerts": _noting(facts.alert),
    "security": _noting(facts.security),
    "errors": _noting(facts.faults),
}
"""What is acted on, by Meta's field. All other fields are kept as they came."""
