"""What Meta refuses in a message: required keys, limits, documented codes (Cloud API, November 2026)."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from wabot.testing.simulator.errors import GraphError
from wabot.text import size

MEDIA = ("image", "video", "audio", "document", "sticker")
_NUMBER = re.compile(r"\+?[0-9 ()-]{5,24}")
_BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
_WEB = re.compile(r"https?://\S+")


def check_message(body: Any) -> None:
    """Raises GraphError as Meta would for the body of `POST /{PHONE}/messages`."""
    if not isinstance(body, dict) or body.get("messaging_product") != "whatsapp":
        raise GraphError(100, "messaging_product must be whatsapp")
    _recipient(body)
    _words("biz_opaque_callback_data", body.get("biz_opaque_callback_data"), 512, needed=False)
    if "context" in body:
        _text("context.message_id", _object("context", body["context"]).get("message_id"))
    kind = body.get("type", "text")
    if not isinstance(kind, str) or kind not in _CHECKS:
        raise GraphError(131051, f"Message type {kind!r} is not supported")
    _required(kind, body.get(kind))
    _CHECKS[kind](body[kind])


def _recipient(body: dict[str, Any]) -> None:
    if to := body.get("to"):
        if not isinstance(to, str) or not _NUMBER.fullmatch(to):
            raise GraphError(131009, "to is not a phone number")
    elif not _BSUID.fullmatch(_text("recipient", body.get("recipient"))):
        raise GraphError(131009, "recipient is not a user id")


def _text_message(content: Any) -> None:
    _words("text.body", _object("text", content).get("body"), 4096)


def _media(kind: str) -> Callable[[Any], None]:
    def check(content: Any) -> None:
        content = _object(kind, content)
        if content.get("id"):
            _text(f"{kind}.id", content["id"])
        else:
            _link(f"{kind}.link", content.get("link"))
        if kind in ("audio", "sticker") and "caption" in content:
            raise GraphError(131009, f"{kind} takes no caption")
        _words(f"{kind}.caption", content.get("caption"), 1024, needed=False)

    return check


def _location(content: Any) -> None:
    content = _object("location", content)
    for key, most in (("latitude", 90), ("longitude", 180)):
        _required(f"location.{key}", content.get(key))
        try:
            within = abs(float(content[key])) <= most
        except (TypeError, ValueError):
            within = False
        if not within:
            raise GraphError(131009, f"location.{key} is not a {key}")


def _contacts(content: Any) -> None:
    for contact in _objects("contacts", content):
        name = _object("contacts.name", contact.get("name"))
        _words("contacts.name.formatted_name", name.get("formatted_name"), 1024)


def _reaction(content: Any) -> None:
    content = _object("reaction", content)
    _text("reaction.message_id", content.get("message_id"))
    if not isinstance(content.get("emoji"), str):
        raise GraphError(131008, "reaction.emoji is required")  # an empty one takes the reaction away


def _template(content: Any) -> None:
    content = _object("template", content)
    _words("template.name", content.get("name"), 512)
    _text("template.language.code", _object("template.language", content.get("language")).get("code"))
    if "components" in content:
        _objects("template.components", content["components"], least=0)


def _interactive(content: Any) -> None:
    content = _object("interactive", content)
    kind = content.get("type")
    if not isinstance(kind, str) or kind not in _ACTIONS:
        raise GraphError(131009, f"interactive.type {kind!r} is not supported")
    body = _object("interactive.body", content.get("body"))
    _words("interactive.body.text", body.get("text"), 4096 if kind == "list" else 1024)
    if "footer" in content:
        _words("interactive.footer.text", _object("interactive.footer", content["footer"]).get("text"), 60)
    if "header" in content:
        _header(kind, _object("interactive.header", content["header"]))
    _ACTIONS[kind](_object("interactive.action", content.get("action")))


def _header(kind: str, header: dict[str, Any]) -> None:
    form = header.get("type")
    if form == "text":
        _words("interactive.header.text", header.get("text"), 60)
    elif form in ("image", "video", "document") and kind != "list":
        _media(form)(header.get(form))
    else:
        raise GraphError(131009, f"interactive.header.type {form!r} is not supported here")


def _buttons(action: dict[str, Any]) -> None:
    buttons = _objects("action.buttons", action.get("buttons"), most=3)
    replies = [_object("button.reply", button.get("reply")) for button in buttons]
    for reply in replies:
        _words("button.reply.id", reply.get("id"), 256)
        _words("button.reply.title", reply.get("title"), 20)
    _unique("button titles", [reply["title"] for reply in replies])
    _unique("button ids", [reply["id"] for reply in replies])


def _list(action: dict[str, Any]) -> None:
    _words("action.button", action.get("button"), 20)
    sections = _objects("action.sections", action.get("sections"), most=10)
    for section in sections:
        _words("section.title", section.get("title"), 24, needed=len(sections) > 1)
    rows = [row for section in sections for row in _objects("section.rows", section.get("rows"))]
    if len(rows) > 10:
        raise GraphError(131009, "a list has at most 10 rows in all its sections")
    for row in rows:
        _words("row.id", row.get("id"), 200)
        _words("row.title", row.get("title"), 24)
        _words("row.description", row.get("description"), 72, needed=False)
    _unique("row ids", [row["id"] for row in rows])


def _cta_url(action: dict[str, Any]) -> None:
    parameters = _object("action.parameters", action.get("parameters"))
    _words("action.parameters.display_text", parameters.get("display_text"), 20)
    _link("action.parameters.url", parameters.get("url"))


def _named(name: str) -> Callable[[dict[str, Any]], None]:
    def check(action: dict[str, Any]) -> None:
        if action.get("name") != name:
            raise GraphError(131009, f"action.name must be {name}")

    return check


_ACTIONS: dict[str, Callable[[dict[str, Any]], None]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _cta_url,
    "location_request_message": _named("send_location"),
    "request_contact_info": _named("request_contact_info"),
}
_CHECKS: dict[str, Callable[[Any], None]] = {
    "text": _text_message,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "template": _template,
    "interactive": _interactive,
    **{kind: _media(kind) for kind in MEDIA},
}


def _required(name: str, value: Any) -> None:
    if value is None or value == "":
        raise GraphError(131008, f"{name} is required")


def _object(name: str, value: Any) -> dict[str, Any]:
    _required(name, value)
    if not isinstance(value, dict):
        raise GraphError(100, f"{name} must be an object")
    return value


def _objects(name: str, value: Any, *, least: int = 1, most: int = 1000) -> list[dict[str, Any]]:
    _required(name, value)
    if not isinstance(value, list):
        raise GraphError(100, f"{name} must be an array")
    if not least <= len(value) <= most:
        raise GraphError(131009, f"{name} has {least} to {most} items")
    return [_object(name, item) for item in value]


def _text(name: str, value: Any) -> str:
    _required(name, value)
    if not isinstance(value, str):
        raise GraphError(100, f"{name} must be a string")
    return value


def _words(name: str, value: Any, limit: int, *, needed: bool = True) -> None:
    if not needed and value in (None, ""):
        return
    words = _text(name, value)
    if needed and not words.strip():
        raise GraphError(131008, f"{name} is blank")
    if size(words) > limit:
        raise GraphError(131009, f"{name} is longer than {limit}")


def _link(name: str, value: Any) -> None:
    if not _WEB.fullmatch(_text(name, value)):
        raise GraphError(131009, f"{name} is not a web address")


def _unique(name: str, values: Sequence[str]) -> None:
    if len(set(values)) < len(values):
        raise GraphError(131009, f"{name} must be unique")
