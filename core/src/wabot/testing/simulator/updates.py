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


def envelope(updates: Iterable[tuple[Bot, dict[str, Any]]]) -> bytes:
    """One body with all these updates, in Meta's own spelling: `\\u00e4` and `\\/`, which nobody may re-serialise."""
    entries: dict[str, list[dict[str, Any]]] = {}
    for bot, value in updates:
        entries.setdefault(bot.waba, []).append({"field": "messages", "value": value})
    entry = [{"id": waba, "changes": changes} for waba, changes in entries.items()]
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
