"""Webhook bodies as Meta shapes them: the envelope, what customers write, what becomes of the bot's messages."""

import json
import time
from collections.abc import Iterable
from typing import Any

import msgspec

from wabot.testing.simulator.chats import Phone
from wabot.testing.simulator.errors import DETAILS_AT, title_of


class Bot(msgspec.Struct):
    """One business number, as the simulated Meta knows it."""

    phone_number_id: str
    name: str = "Loja"
    number: str = "5511900000000"
    waba: str = "300000000000001"
    app_secret: str = ""
    access_token: str = ""
    """Empty: any token will do."""
    quality: str = "GREEN"


def message_update(bot: Bot, phone: Phone, wamid: str, content: dict[str, Any]) -> dict[str, Any]:
    """The `value` of a webhook for something a customer wrote."""
    sender = {"from_user_id": phone.bsuid} | ({} if phone.hides_number else {"from": phone.number})
    message = {**sender, "id": wamid, "timestamp": _now(), **content}
    return _value(bot, contacts=[_contact(phone)], messages=[message])


def status_update(
    bot: Bot, phone: Phone, wamid: str, status: str, *, callback: str = "", category: str = "service"
) -> dict[str, Any]:
    """The `value` of a webhook for how far a message to a customer has come."""
    told = {"id": wamid, "status": status, "timestamp": _now(), "recipient_user_id": phone.bsuid}
    if not phone.hides_number:
        told["recipient_id"] = phone.number
    parts = _callback(callback)
    if status != "read":
        parts["pricing"] = _pricing(category)
    return _value(bot, contacts=[_contact(phone)], statuses=[told | parts])


def failure_update(bot: Bot, to: str, wamid: str, code: int, callback: str = "") -> dict[str, Any]:
    """The `value` of a webhook for a message that was accepted and did not arrive. It names no contact."""
    title = title_of(code)
    error = {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": title},
        "href": DETAILS_AT,
    }
    told = {"id": wamid, "status": "failed", "timestamp": _now(), "recipient_id": to, "errors": [error]}
    return _value(bot, statuses=[told | _callback(callback)])


def preference_update(bot: Bot, phone: Phone, choice: str) -> dict[str, Any]:
    """The `value` of a webhook for a choice about marketing: `stop`, `resume` or `signup`."""
    contact = _contact(phone)
    ids = {key: contact[key] for key in ("wa_id", "user_id") if key in contact}
    detail = f"User requested to {choice} marketing messages"
    told = {"detail": detail, "category": "marketing_messages", "value": choice, "timestamp": int(_now())}
    return _value(bot, contacts=[contact], user_preferences=[ids | told])


def envelope(updates: Iterable[tuple[Bot, str, dict[str, Any]]]) -> bytes:
    """One body with all these updates (number, field, value), in Meta's own spelling: `\\u00e4` and `\\/`, which nobody
    may re-serialise. What is about an account carries the time in its entry.
    """
    entries: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for bot, field, value in updates:
        of_account = "metadata" not in value
        entries.setdefault((bot.waba, of_account), []).append({"field": field, "value": value})
    entry = [
        {"id": waba, **({"time": int(_now())} if of_account else {}), "changes": changes}
        for (waba, of_account), changes in entries.items()
    ]
    body = {"object": "whatsapp_business_account", "entry": entry}
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()


def _value(bot: Bot, **parts: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": bot.number, "phone_number_id": bot.phone_number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **parts}


def _contact(phone: Phone) -> dict[str, Any]:
    number = {} if phone.hides_number else {"wa_id": phone.number}
    return {"profile": {"name": phone.name}, "user_id": phone.bsuid, **number}


def _pricing(category: str) -> dict[str, Any]:
    free = category == "service"
    kind = "free_customer_service" if free else "regular"
    return {"billable": not free, "pricing_model": "PMP", "type": kind, "category": category}


def _callback(callback: str) -> dict[str, Any]:
    return {"biz_opaque_callback_data": callback} if callback else {}


def _now() -> str:
    return str(int(time.time()))
