"""Our messages as the JSON of `POST /{PHONE_ID}/messages`.

The engine lays messages out within Meta's limits. One that breaks them is a fault of ours, found here before Meta
answers it with 131009; the error names the limit and never quotes the message.
"""

from typing import Any, assert_never

from wabot.message import (
    BUTTON_ID_LIMIT,
    BUTTON_TITLE_LIMIT,
    BUTTONS_BODY_LIMIT,
    BUTTONS_MOST,
    LIST_BODY_LIMIT,
    LIST_BUTTON_LIMIT,
    ROW_DESCRIPTION_LIMIT,
    ROW_ID_LIMIT,
    ROW_TITLE_LIMIT,
    ROWS_MOST,
    TEXT_LIMIT,
    AudioMessage,
    Button,
    ButtonsMessage,
    ContactsMessage,
    DocumentMessage,
    ImageMessage,
    ListMessage,
    LocationMessage,
    Outbound,
    ReactionMessage,
    Row,
    StickerMessage,
    TemplateMessage,
    TextMessage,
    VideoMessage,
)
from wabot.whatsapp.attached import card, filed, linked, location
from wabot.whatsapp.limits import counted, distinct, fitting

CALLBACK_LIMIT = 512
CONTACTS_MOST = 100


def render(
    message: Outbound, *, to: str = "", recipient: str = "", callback: str = "", media_id: str = ""
) -> dict[str, Any]:
    """The body of the request. `callback` comes back on every status of the message; keep personal data out of it.

    `media_id` is that of the message's file at Meta. Raises ValueError for a message that breaks a limit.
    """
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_addressed(to, recipient),
    }
    if quoted := getattr(message, "reply_to", ""):
        body["context"] = {"message_id": quoted}
    if callback:
        body["biz_opaque_callback_data"] = fitting("callback", callback, CALLBACK_LIMIT)
    return body | _content(message, media_id)


def render_read(wamid: str, typing: bool = False) -> dict[str, Any]:
    """Blue ticks, and "typing…" for 25 seconds or until the reply."""
    body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    return body | {"typing_indicator": {"type": "text"}} if typing else body


def _addressed(to: str, recipient: str) -> dict[str, str]:
    """Without the `+` Meta may put our own country code before a number. With both, `to` would win."""
    if to:
        return {"to": f"+{to.removeprefix('+')}"}
    if recipient:
        return {"recipient": recipient}
    raise ValueError("a message needs a phone (to) or a BSUID (recipient)")


def _content(message: Outbound, media_id: str) -> dict[str, Any]:
    match message:
        case TextMessage():
            return {"type": "text", "text": {"body": fitting("body", message.body, TEXT_LIMIT)}}
        case ImageMessage() | VideoMessage() | AudioMessage() | DocumentMessage() | StickerMessage():
            return filed(message, media_id)
        case LocationMessage(place):
            return {"type": "location", "location": location(place)}
        case ContactsMessage(cards):
            counted("contacts", len(cards), CONTACTS_MOST)
            return {"type": "contacts", "contacts": [card(one) for one in cards]}
        case ReactionMessage(target, emoji):
            if not target:
                raise ValueError("reaction: to which message?")
            return {"type": "reaction", "reaction": {"message_id": target, "emoji": emoji}}
        case ButtonsMessage():
            return {"type": "interactive", "interactive": _buttons(message)}
        case ListMessage():
            return {"type": "interactive", "interactive": _list(message)}
        case TemplateMessage():
            return {"type": "template", "template": _template(message)}
        case _:
            assert_never(message)


def _template(message: TemplateMessage) -> dict[str, Any]:
    """Placeholders of the body only; Meta refuses line breaks, tabs and runs of blanks in them (132018)."""
    template: dict[str, Any] = {"name": message.name, "language": {"code": message.language}}
    if message.parameters:
        filled = [{"type": "text", "text": " ".join(words.split())} for words in message.parameters]
        template["components"] = [{"type": "body", "parameters": filled}]
    return template


def _buttons(message: ButtonsMessage) -> dict[str, Any]:
    counted("buttons", len(message.buttons), BUTTONS_MOST)
    distinct("button titles", [button.title for button in message.buttons])
    distinct("button ids", [button.id for button in message.buttons])
    header = {"header": {"type": "image", "image": linked(message.image)}} if message.image else {}
    return {
        "type": "button",
        **header,
        "body": {"text": fitting("body", message.body, BUTTONS_BODY_LIMIT)},
        "action": {"buttons": [_button(button) for button in message.buttons]},
    }


def _button(button: Button) -> dict[str, Any]:
    reply = {
        "id": fitting("button id", button.id, BUTTON_ID_LIMIT),
        "title": fitting("button title", button.title, BUTTON_TITLE_LIMIT),
    }
    return {"type": "reply", "reply": reply}


def _list(message: ListMessage) -> dict[str, Any]:
    """One section, which then needs no title."""
    counted("rows", len(message.rows), ROWS_MOST)
    distinct("row ids", [row.id for row in message.rows])
    return {
        "type": "list",
        "body": {"text": fitting("body", message.body, LIST_BODY_LIMIT)},
        "action": {
            "button": fitting("list button", message.button, LIST_BUTTON_LIMIT),
            "sections": [{"rows": [_row(row) for row in message.rows]}],
        },
    }


def _row(row: Row) -> dict[str, str]:
    shown = {
        "id": fitting("row id", row.id, ROW_ID_LIMIT),
        "title": fitting("row title", row.title, ROW_TITLE_LIMIT),
    }
    if row.description:
        shown["description"] = fitting("row description", row.description, ROW_DESCRIPTION_LIMIT)
    return shown
