"""What a customer does on the phone: as a bubble, and as Meta's message object."""

from typing import Any, Literal

import msgspec

from wabot.testing.files import FILES, PLACE
from wabot.testing.simulator.chats import Bubble, Choice, Phone
from wabot.testing.simulator.media import Media, Store, sample_shown

_UNSUPPORTED = {
    "code": 131051,
    "title": "Message type unknown",
    "message": "Message type unknown",
    "error_data": {"details": "Message type is currently not supported."},
}
Kind = Literal[
    "text",
    "tap",
    "image",
    "audio",
    "video",
    "document",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "other",
    "edit",
    "revoke",
]


class Act(msgspec.Struct, kw_only=True):
    """One thing done on the phone. A tap names its `option` by id and title, and the message as `reply_to`."""

    type: Kind = "text"
    text: str = ""
    reply_to: str = ""
    option: str = ""
    title: str = ""
    file: bytes = b""
    """In place of the sample."""
    filename: str = ""


class Written(msgspec.Struct):
    """What becomes of it: what the phone shows and what the platform is told."""

    bubble: Bubble
    content: dict[str, Any]


def written(wamid: str, act: Act, phone: Phone, answered: Bubble | None, media: Store) -> Written:
    """An act of the customer; `answered` is the message it replies to."""
    bubble = Bubble(
        id=wamid, sender="customer", type=act.type, text=act.text, reply_to=act.reply_to, tick="sent"
    )
    match act.type:
        case "text":
            content: dict[str, Any] = {"type": "text", "text": {"body": act.text}}
        case "tap":
            content = _tapped(bubble, act, phone, answered)
        case "location":
            content = _located(bubble)
        case "contacts":
            content = _carded(bubble, phone, "other")
        case "reaction":
            content = {"type": "reaction", "reaction": {"message_id": act.reply_to, "emoji": act.text}}
        case "edit":
            message = {"type": "text", "text": {"body": act.text}}
            content = {"type": "edit", "edit": {"original_message_id": act.reply_to, "message": message}}
        case "revoke":
            content = {"type": "revoke", "revoke": {"original_message_id": act.reply_to}}
        case "other":
            content = {"type": "unsupported", "errors": [_UNSUPPORTED]}
        case _:
            content = _filed(bubble, act, media)
    return Written(bubble, content)


def _tapped(bubble: Bubble, act: Act, phone: Phone, answered: Bubble | None) -> dict[str, Any]:
    choices = answered.choices if answered else []
    choice = next((c for c in choices if (c.id, c.title) == (act.option, act.title)), None)
    choice = choice or Choice(act.option, act.title)
    if choice.kind == "location":
        return _located(bubble)
    if choice.kind == "contact":
        return _carded(bubble, phone, "contact_request")
    bubble.type, bubble.text = "text", choice.title
    if answered and answered.type == "template":
        return {"type": "button", "button": {"payload": choice.id, "text": choice.title}}
    kind = "list_reply" if answered and answered.sheet else "button_reply"
    reply = {"id": choice.id, "title": choice.title}
    if choice.description:
        reply["description"] = choice.description
    return {"type": "interactive", "interactive": {"type": kind, kind: reply}}


def _located(bubble: Bubble) -> dict[str, Any]:
    bubble.type, bubble.text = "location", f"{PLACE.name}\n{PLACE.address}"
    return {"type": "location", "location": msgspec.to_builtins(PLACE)}


def _carded(bubble: Bubble, phone: Phone, origin: str) -> dict[str, Any]:
    """The customer's own card. On request it tells the number even of somebody who hides it."""
    bubble.type, bubble.text = "contacts", f"{phone.name}\n+{phone.number}"
    name = {"formatted_name": phone.name, "first_name": phone.name.split()[0]}
    phones = [{"phone": f"+{phone.number}", "wa_id": phone.number, "type": "CELL"}]
    return {"type": "contacts", "contacts": [{"name": name, "phones": phones, "origin": origin}]}


def _filed(bubble: Bubble, act: Act, media: Store) -> dict[str, Any]:
    kind = bubble.type
    file = media.add(FILES[kind][0], act.file) if act.file else media.sample(kind)
    if kind in ("image", "sticker"):
        bubble.image = sample_shown(kind)
    elif kind in ("document", "video"):
        bubble.file = sample_shown(kind)
    if kind == "document":
        bubble.header = act.filename or FILES[kind][1]
    return {"type": kind, kind: _media_object(kind, file, bubble, media.address(file))}


def _media_object(kind: str, file: Media, bubble: Bubble, url: str) -> dict[str, Any]:
    about = {"id": file.id, "mime_type": file.mime_type, "sha256": file.sha256, "url": url}
    match kind:
        case "audio":
            return about | {"voice": True}
        case "sticker":
            return about | {"animated": False}
        case "document":
            about |= {"filename": bubble.header}
    return about | ({"caption": bubble.text} if bubble.text else {})
