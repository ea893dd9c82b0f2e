"""What a notice says: of people's marketing choices, of templates, of numbers and accounts (pure).

Values come as they are: every word of Meta's may be missing, of another type or new. What cannot be read is left out.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from wabot.message import Sender
from wabot.whatsapp.inbound import Contacts
from wabot.whatsapp.loose import ident, items, moment, obj, told_at, words

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


# -- numbers and accounts --------------------------------------------------------------------------------------


class Fact(msgspec.Struct, frozen=True):
    """Something Meta says of a number or an account. A later one of the same name takes its place."""

    name: str
    value: str
    detail: str = ""
    until: datetime | None = None
    number: str = ""
    """The only number it is about, as displayed or by its id; empty: all of the account."""


FLAGS = {"FLAGGED": "RED", "UNFLAGGED": "GREEN"}


def phone_quality(value: Value, at: datetime) -> list[Fact]:
    """`phone_number_quality_update`: what happened to one number, and the limit, which is the whole portfolio's."""
    event, number = ident(value.get("event")).upper(), ident(value.get("display_phone_number"))
    facts = limit(value, at)
    if event in FLAGS:
        facts.append(Fact("quality", FLAGS[event], number=number))
    if event == "THROUGHPUT_UPGRADE":
        facts.append(Fact("throughput", "HIGH", number=number))
    return facts


def number_object(value: Value, at: datetime) -> list[Fact]:
    """What the Graph API says of a number when it is asked: of a number's quality no webhook tells any more."""
    told = {
        "quality": value.get("quality_rating"),
        "limit": value.get("whatsapp_business_manager_messaging_limit"),
        "throughput": obj(value.get("throughput")).get("level"),
    }
    words_told = {name: ident(word).upper().removeprefix("TIER_") for name, word in told.items()}
    return [Fact(name, word) for name, word in words_told.items() if word]


def limit(value: Value, at: datetime) -> list[Fact]:
    """People a day to whom the business may write first, as a tier (`250`, `2K`, `UNLIMITED`)."""
    names = ("max_daily_conversations_per_business", "max_daily_conversation_per_phone", "current_limit")
    told = next(
        (tier for name in names if (tier := ident(value.get(name)).upper().removeprefix("TIER_"))), ""
    )
    if told.isdecimal() and int(told) >= 1000:
        told = f"{int(told) // 1000}K"
    return [Fact("limit", told)] if told and told != "NOT_SET" else []


def name_decision(value: Value, at: datetime) -> list[Fact]:
    """`phone_number_name_update`: whether the name customers see was approved."""
    decision = ident(value.get("decision")).upper()
    asked, why = words(value.get("requested_verified_name")), words(value.get("rejection_reason"))
    detail = " · ".join(part for part in (asked, why) if part not in ("", "NONE"))
    number = ident(value.get("display_phone_number"))
    return [Fact("name", decision, detail, number=number)] if decision else []


ACCOUNT_OK = "OK"
BANS = {"SCHEDULE_FOR_DISABLE": "DISABLE_SCHEDULED", "DISABLE": "DISABLED", "REINSTATE": ACCOUNT_OK}
ACCOUNT = {
    "ACCOUNT_DELETED": "DELETED",
    "ACCOUNT_OFFBOARDED": "DISCONNECTED",
    "ACCOUNT_RECONNECTED": ACCOUNT_OK,
    "PARTNER_REMOVED": "DISCONNECTED",
    "PARTNER_ADDED": ACCOUNT_OK,
    "PARTNER_APP_UNINSTALLED": "DISCONNECTED",
    "PARTNER_APP_INSTALLED": ACCOUNT_OK,
}
RESTRICTION = "restriction:"


def account(value: Value, at: datetime) -> list[Fact]:
    """`account_update`: bans, restrictions, violations and disconnections. Other events are news, not states."""
    event = ident(value.get("event")).upper()
    match event:
        case "DISABLED_UPDATE":
            ban = obj(value.get("ban_info"))
            state = BANS.get(ident(ban.get("waba_ban_state")).upper())
            return [Fact("account", state, words(ban.get("waba_ban_date")))] if state else []
        case "ACCOUNT_RESTRICTION":
            told = [obj(one) for one in items(value.get("restriction_info"))]
            return [
                Fact(
                    RESTRICTION + kind,
                    "ACTIVE",
                    words(one.get("remediation")),
                    told_at(one.get("expiration")),
                )
                for one in told
                if (kind := ident(one.get("restriction_type")).upper())
            ]
        case "ACCOUNT_VIOLATION":
            return [
                Fact(
                    "violation",
                    ident(obj(value.get("violation_info")).get("violation_type")).upper() or "OTHER",
                )
            ]
        case _ if event in ACCOUNT:
            why = ident(obj(value.get("disconnection_info")).get("reason"))
            return [Fact("account", ACCOUNT[event], why)]
    return []


def alert(value: Value, at: datetime) -> list[Fact]:
    """`account_alerts`, whose keys stood outside `alert_info` once. `entity_id` of a number is its id."""
    told = obj(value.get("alert_info")) or value
    kind = ident(told.get("alert_type")).upper()
    number = ident(value.get("entity_id")) if value.get("entity_type") == "PHONE_NUMBER" else ""
    severity = ident(told.get("alert_severity")).upper() or "INFORMATIONAL"
    return (
        [Fact(f"alert:{kind}", severity, words(told.get("alert_description")), number=number)] if kind else []
    )


def security(value: Value, at: datetime) -> list[Fact]:
    """`security`: somebody changed the two-step PIN of a number, or asked to."""
    event = ident(value.get("event")).upper()
    return [Fact("security", event, number=ident(value.get("display_phone_number")))] if event else []


def faults(value: Any, at: datetime) -> list[Fact]:
    """`value.errors[]`: a fault of the number itself, without any message."""
    told = [obj(one) for one in items(value)]
    return [
        Fact(
            f"error:{code}", code, words(obj(one.get("error_data")).get("details")) or words(one.get("title"))
        )
        for one in told
        if (code := ident(one.get("code")))
    ]
