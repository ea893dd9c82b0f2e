"""What Meta refuses, and how it says so: required keys, limits, documented codes (Cloud API, November 2026)."""

from collections.abc import Sequence
from typing import Any

from wabot.text import size

MEDIA = ("image", "video", "audio", "document", "sticker")
INTERACTIVE = ("button", "list", "cta_url", "location_request_message", "request_contact_info")
KNOWN = ("text", "interactive", "location", "contacts", "reaction", "template", *MEDIA)


class GraphError(Exception):
    """A refusal in Meta's shape."""

    def __init__(self, code: int, details: str, status: int = 400) -> None:
        super().__init__(details)
        self.code, self.details, self.status = code, details, status

    def body(self) -> dict[str, Any]:
        return {
            "error": {
                "message": f"(#{self.code}) {self.details}",
                "type": "OAuthException",
                "code": self.code,
                "error_data": {"messaging_product": "whatsapp", "details": self.details},
                "fbtrace_id": "simulado",
            }
        }


def check_message(body: Any) -> None:
    """Raises GraphError as Meta would for the body of `POST /{PHONE}/messages`."""
    if not isinstance(body, dict) or body.get("messaging_product") != "whatsapp":
        raise GraphError(100, "messaging_product must be whatsapp")
    if not (body.get("to") or body.get("recipient")):
        raise GraphError(131008, "to or recipient is required")
    if size(str(body.get("biz_opaque_callback_data", ""))) > 512:
        raise GraphError(131009, "biz_opaque_callback_data is longer than 512")
    _content(body.get("type", "text"), body)


def _content(kind: Any, body: dict[str, Any]) -> None:
    if kind not in KNOWN:
        raise GraphError(131051, f"unsupported type {kind}")
    content = body.get(kind)
    if kind == "contacts" and isinstance(content, list):
        return
    if not isinstance(content, dict):
        raise GraphError(131008, f"{kind} is required")
    match kind:
        case "text":
            _words("text.body", content.get("body"), 4096)
        case "interactive":
            _interactive(content)
        case "template":
            _required("template.name", content.get("name"))
            _required("template.language.code", (content.get("language") or {}).get("code"))
        case "reaction":
            _required("reaction.message_id", content.get("message_id"))
        case "location":
            _required("location.latitude", content.get("latitude"))
        case _:
            _media(kind, content)


def _media(kind: str, content: dict[str, Any]) -> None:
    if not (content.get("id") or str(content.get("link", "")).startswith(("http://", "https://"))):
        raise GraphError(131008, f"{kind}.id or {kind}.link is required")
    if content.get("caption") is not None:
        if kind in ("audio", "sticker"):
            raise GraphError(131009, f"{kind} takes no caption")
        _words(f"{kind}.caption", content["caption"], 1024, needed=False)


def _interactive(content: dict[str, Any]) -> None:
    kind = content.get("type")
    if kind not in INTERACTIVE:
        raise GraphError(131009, "interactive.type is not known")
    _words("interactive.body.text", (content.get("body") or {}).get("text"), 4096 if kind == "list" else 1024)
    _words("interactive.footer.text", (content.get("footer") or {}).get("text"), 60, needed=False)
    header = content.get("header") or {}
    if header and kind == "list" and header.get("type") != "text":
        raise GraphError(131009, "the header of a list is text")
    _words("interactive.header.text", header.get("text"), 60, needed=False)
    action = content.get("action")
    if not isinstance(action, dict):
        raise GraphError(131008, "interactive.action is required")
    if kind == "button":
        _buttons(action.get("buttons"))
    elif kind == "list":
        _list(action)


def _buttons(buttons: Any) -> None:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise GraphError(131009, "a message has 1 to 3 buttons")
    replies = [button.get("reply") or {} for button in buttons if isinstance(button, dict)]
    for reply in replies:
        _words("button.reply.id", reply.get("id"), 256)
        _words("button.reply.title", reply.get("title"), 20)
    _unique("button titles", [reply["title"] for reply in replies])
    _unique("button ids", [reply["id"] for reply in replies])


def _list(action: dict[str, Any]) -> None:
    _words("action.button", action.get("button"), 20)
    sections = action.get("sections")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise GraphError(131009, "a list has 1 to 10 sections")
    rows = [row for section in sections for row in section.get("rows") or []]
    if not 1 <= len(rows) <= 10:
        raise GraphError(131009, "a list has 1 to 10 rows in all")
    for section in sections:
        _words("section.title", section.get("title"), 24, needed=len(sections) > 1)
    for row in rows:
        _words("row.id", row.get("id"), 200)
        _words("row.title", row.get("title"), 24)
        _words("row.description", row.get("description"), 72, needed=False)
    _unique("row ids", [row["id"] for row in rows])


def _required(name: str, value: Any) -> None:
    if not value:
        raise GraphError(131008, f"{name} is required")


def _words(name: str, value: Any, limit: int, *, needed: bool = True) -> None:
    if value is None or value == "":
        if needed:
            raise GraphError(131008, f"{name} is required")
        return
    if not isinstance(value, str):
        raise GraphError(100, f"{name} must be a string")
    if size(value) > limit:
        raise GraphError(131009, f"{name} is longer than {limit}")


def _unique(name: str, values: Sequence[str]) -> None:
    if len(set(values)) < len(values):
        raise GraphError(131009, f"{name} must be unique")
