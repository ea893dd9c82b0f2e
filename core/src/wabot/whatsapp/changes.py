"""What a notice says of people and of templates (pure); of numbers and accounts: wabot.whatsapp.facts.

Values come as they are: every word of Meta's may be missing, of another type or new. What cannot be read is left out.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from wabot.message import Sender
from wabot.whatsapp.inbound import Contacts
from wabot.whatsapp.loose import ident, items, moment, obj, words

Value = dict[str, Any]


# -- people ----------------------------------------------------------------------------------------------------


class Preference(msgspec.Struct, frozen=True):
    """Somebody's choice about marketing, made in WhatsApp itself."""

    sender: Sender
    accepts: bool
    value: str
    """`stop`, `resume` or `signup`."""
    at: datetime
    wording: str


CHOICES = {"stop": False, "resume": True, "signup": True}


def preferences(value: Value, received: datetime) -> list[Preference]:
    """The marketing choices in `user_preferences[]`. Of other categories, or other words, none is made."""
    told = [one for one in items(value.get("user_preferences")) if isinstance(one, dict)]
    contacts = Contacts(value.get("contacts"), len(told))
    return [
        Preference(
            _person(one, contacts),
            CHOICES[choice],
            choice,
            moment(one.get("timestamp"), received),
            _said(one),
        )
        for one in told
        if one.get("category") == "marketing_messages" and (choice := words(one.get("value"))) in CHOICES
    ]


def _person(told: Value, contacts: Contacts) -> Sender:
    wa_id, bsuid = ident(told.get("wa_id")).removeprefix("+"), ident(told.get("user_id"))
    contact = contacts.of(wa_id, bsuid)
    name = words(obj(contact.get("profile")).get("name"))
    return Sender(
        wa_id or ident(contact.get("wa_id")), bsuid or ident(contact.get("user_id")), " ".join(name.split())
    )


def _said(told: Value) -> str:
    signup = ident(told.get("signup_id"))
    return " ".join(filter(None, [words(told.get("detail")), f"(signup_id {signup})" if signup else ""]))


class Renamed(msgspec.Struct, frozen=True):
    """Somebody has another BSUID now. Who it is, the previous one tells, or else the phone."""

    wa_id: str
    previous: str
    current: str
    at: datetime


def renamed(value: Value, received: datetime) -> list[Renamed]:
    """The changes in `user_id_update[]`, a field that Meta's documentation dropped in August 2026."""
    told = [obj(one) for one in items(value.get("user_id_update"))]
    found = [
        Renamed(
            ident(one.get("wa_id")),
            ident(obj(one.get("user_id")).get("previous")),
            ident(obj(one.get("user_id")).get("current")),
            moment(one.get("timestamp"), received),
        )
        for one in told
    ]
    return [one for one in found if one.current and (one.previous or one.wa_id)]


# -- templates -------------------------------------------------------------------------------------------------


class Key(msgspec.Struct, frozen=True):
    """What names a template within an account."""

    name: str
    language: str


def language_of(code: Any) -> str:
    """Messages say `pt_BR`; webhooks say that or `pt-BR`."""
    return ident(code).replace("-", "_")


def key_of(value: Value) -> Key | None:
    """Which template a notice is about."""
    key = Key(ident(value.get("message_template_name")), language_of(value.get("message_template_language")))
    return key if key.name and key.language else None


class TemplateStatus(msgspec.Struct, frozen=True):
    """What Meta thinks of a template: its word, why, and when that ends by itself."""

    status: str
    reason: str = ""
    until: datetime | None = None


SAME = {"REINSTATED": "APPROVED", "UNARCHIVED": "APPROVED"}
"""Events that bring a template into a state with another name."""
PAUSES = {"FIRST_PAUSE": timedelta(hours=3), "SECOND_PAUSE": timedelta(hours=6)}
"""How long Meta pauses a template of low quality. The third time it is disabled for good."""
PAUSE = PAUSES["FIRST_PAUSE"]


def template_status(value: Value, at: datetime) -> TemplateStatus | None:
    """What `message_template_status_update` says. A pause begins when Meta said so (`at`)."""
    event = ident(value.get("event")).upper()
    if not event:
        return None
    status = SAME.get(event, event)
    pause = PAUSES.get(ident(obj(value.get("other_info")).get("title")), PAUSE)
    return TemplateStatus(status, _reason(value), at + pause if status == "PAUSED" else None)


def _reason(value: Value) -> str:
    """The most telling of Meta's texts; `NONE` is none."""
    told = (
        obj(value.get("rejection_info")).get("reason"),
        obj(value.get("other_info")).get("description"),
        obj(value.get("disable_info")).get("disable_date"),
        value.get("reason"),
    )
    return next((text for text in map(words, told) if text not in ("", "NONE")), "")


def components_of(value: Value) -> list[Value]:
    """A template's parts in the shape in which Meta lists them, from `message_template_components_update`."""
    texts = {"HEADER": "title", "BODY": "element", "FOOTER": "footer"}
    parts: list[Value] = [
        {"type": kind, "text": text}
        for kind, name in texts.items()
        if (text := words(value.get(f"message_template_{name}")))
    ]
    prefix = "message_template_button_"
    buttons = [
        {key.removeprefix(prefix): words(told) for key, told in obj(button).items() if key.startswith(prefix)}
        for button in items(value.get("message_template_buttons"))
    ]
    return [*parts, {"type": "BUTTONS", "buttons": buttons}] if buttons else parts


def parameters_in(components: Sequence[Any]) -> int | None:
    """How many placeholders (`{{1}}`, `{{nome}}`) the body has; None if there is no body to count in."""
    bodies = [obj(part) for part in components if words(obj(part).get("type")).upper() == "BODY"]
    texts = [body["text"] for body in bodies if isinstance(body.get("text"), str)]
    return len(set(re.findall(r"\{\{\s*(\w+)\s*\}\}", texts[0]))) if texts else None
