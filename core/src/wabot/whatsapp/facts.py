"""What Meta says of a number or an account, notice by notice, as facts (pure).

Every word of Meta's may be missing, of another type or new. What cannot be read says nothing.
"""

from datetime import datetime
from typing import Any

import msgspec

from wabot.whatsapp.loose import ident, items, obj, told_at, words

Value = dict[str, Any]


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
