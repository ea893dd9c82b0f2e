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
    CAPTION_LIMIT,
    LIST_BODY_LIMIT,
    LIST_BUTTON_LIMIT,
    ROW_DESCRIPTION_LIMIT,
    ROW_ID_LIMIT,
    ROW_TITLE_LIMIT,
    ROWS_MOST,
    TEXT_LIMIT,
    Button,
    ButtonsMessage,
    ImageMessage,
    ListMessage,
    Outbound,
    Row,
    TemplateMessage,
    TextMessage,
)
from wabot.text import size

CALLBACK_LIMIT = 512


def render(
    message: Outbound, *, to: str = "", recipient: str = "", callback: str = "", reply_to: str = ""
) -> dict[str, Any]:
    """The body of the request. `callback` comes back on every status of the message; keep personal data out of it."""
    body: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_addressed(to, recipient),
    }
    if reply_to:
        body["context"] = {"message_id": reply_to}
    if callback:
        body["biz_opaque_callback_data"] = _fitting("callback", callback, CALLBACK_LIMIT)
    return body | _content(message)


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


def _content(message: Outbound) -> dict[str, Any]:
    match message:
        case TextMessage():
            return {"type": "text", "text": {"body": _fitting("body", message.body, TEXT_LIMIT)}}
        case ImageMessage():
            return {"type": "image", "image": _image(message)}
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


def _image(message: ImageMessage) -> dict[str, str]:
    image = _linked(message.link)
    if message.caption:
        image["caption"] = _fitting("caption", message.caption, CAPTION_LIMIT)
    return image


def _linked(link: str) -> dict[str, str]:
    """Meta fetches the picture itself."""
    if not link.startswith(("https://", "http://")):
        raise ValueError("image link: not an http(s) URL")
    return {"link": link}


def _buttons(message: ButtonsMessage) -> dict[str, Any]:
    _counted("buttons", len(message.buttons), BUTTONS_MOST)
    _distinct("button titles", [button.title for button in message.buttons])
    _distinct("button ids", [button.id for button in message.buttons])
    header = {"header": {"type": "image", "image": _linked(message.image)}} if message.image else {}
    return {
        "type": "button",
        **header,
        "body": {"text": _fitting("body", message.body, BUTTONS_BODY_LIMIT)},
        "action": {"buttons": [_button(button) for button in message.buttons]},
    }


def _button(button: Button) -> dict[str, Any]:
    reply = {
        "id": _fitting("button id", button.id, BUTTON_ID_LIMIT),
        "title": _fitting("button title", button.title, BUTTON_TITLE_LIMIT),
    }
    return {"type": "reply", "reply": reply}


def _list(message: ListMessage) -> dict[str, Any]:
    """One section, which then needs no title."""
    _counted("rows", len(message.rows), ROWS_MOST)
    _distinct("row ids", [row.id for row in message.rows])
    return {
        "type": "list",
        "body": {"text": _fitting("body", message.body, LIST_BODY_LIMIT)},
        "action": {
            "button": _fitting("list button", message.button, LIST_BUTTON_LIMIT),
            "sections": [{"rows": [_row(row) for row in message.rows]}],
        },
    }


def _row(row: Row) -> dict[str, str]:
    shown = {
        "id": _fitting("row id", row.id, ROW_ID_LIMIT),
        "title": _fitting("row title", row.title, ROW_TITLE_LIMIT),
    }
    if row.description:
        shown["description"] = _fitting("row description", row.description, ROW_DESCRIPTION_LIMIT)
    return shown


def _fitting(name: str, words: str, limit: int) -> str:
    if not words.strip():
        raise ValueError(f"{name}: empty")
    if size(words) > limit:
        raise ValueError(f"{name}: {size(words)} characters, at most {limit} allowed")
    return words


def _counted(name: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise ValueError(f"{name}: {count}, from 1 to {most} allowed")


def _distinct(name: str, values: list[str]) -> None:
    if len(set(values)) < len(values):
        raise ValueError(f"{name}: two are the same")
