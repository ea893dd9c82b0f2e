"""From the body of a message the bot sent to the bubble on the customer's screen."""

from typing import Any

from wabot.testing.simulator.chats import Bubble, Choice, Section, Sheet
from wabot.testing.simulator.templates import Template, filled

SEND_LOCATION = Choice("", "Enviar localização", kind="location")
SHARE_CONTACT = Choice("", "Compartilhar contato", kind="contact")


def bubble_of(wamid: str, body: dict[str, Any], template: Template | None = None) -> Bubble:
    """What the customer sees of a message that passed the checks."""
    kind = body.get("type", "text")
    content = body[kind]
    context = body.get("context") or {}
    reply_to = context.get("message_id", "")
    bubble = Bubble(id=wamid, sender="bot", type=kind, reply_to=reply_to, tick="delivered")
    match kind:
        case "text":
            bubble.text = content["body"]
        case "interactive":
            _interactive(bubble, content)
        case "template":
            _template(bubble, content, template)
        case "location":
            bubble.text = "\n".join(filter(None, (content.get("name"), content.get("address"))))
        case "contacts":
            bubble.text = "\n".join(_card(contact) for contact in content)
        case _:
            _media(bubble, kind, content)
    return bubble


def _media(bubble: Bubble, kind: str, content: dict[str, Any]) -> None:
    address = str(content.get("link") or f"/simulator/files/{content['id']}")
    bubble.text = content.get("caption") or ""
    if kind in ("image", "sticker"):
        bubble.image = address
    elif kind in ("video", "document"):
        bubble.file = address
    if kind == "document":
        bubble.header = content.get("filename") or "Documento"


def _interactive(bubble: Bubble, content: dict[str, Any]) -> None:
    kind, action = content["type"], content["action"]
    bubble.type = "list" if kind == "list" else "buttons"
    bubble.text = content["body"]["text"]
    bubble.footer = (content.get("footer") or {}).get("text", "")
    _header(bubble, content.get("header") or {})
    match kind:
        case "button":
            replies = [button["reply"] for button in action["buttons"]]
            bubble.buttons = [Choice(reply["id"], reply["title"]) for reply in replies]
        case "list":
            bubble.sheet = Sheet(action["button"], [_section(section) for section in action["sections"]])
        case "cta_url":
            link = action["parameters"]
            bubble.buttons = [Choice("", link["display_text"], kind="url", url=link["url"])]
        case "location_request_message":
            bubble.buttons = [SEND_LOCATION]
        case "request_contact_info":
            bubble.buttons = [SHARE_CONTACT]


def _header(bubble: Bubble, header: dict[str, Any]) -> None:
    kind = header.get("type", "")
    if kind == "text":
        bubble.header = header["text"]
    elif kind in header:
        media = Bubble(id="", sender="bot")
        _media(media, kind, header[kind])
        bubble.image, bubble.file, bubble.header = media.image, media.file, media.header


def _section(section: dict[str, Any]) -> Section:
    rows = [Choice(row["id"], row["title"], row.get("description") or "") for row in section["rows"]]
    return Section(section.get("title") or "", rows)


def _card(contact: dict[str, Any]) -> str:
    phones = [phone.get("phone", "") for phone in contact.get("phones") or []]
    return "\n".join([contact["name"]["formatted_name"], *phones])


def _template(bubble: Bubble, content: dict[str, Any], template: Template | None) -> None:
    components = content.get("components") or []
    bubble.text = f"[modelo {content['name']}]"
    for component in components:
        if component.get("type") == "header" and component.get("parameters"):
            _header(bubble, component["parameters"][0])
    if template:
        shown = filled(template, components)
        bubble.header = shown.header or bubble.header
        bubble.text, bubble.footer, bubble.buttons = shown.body, shown.footer, shown.buttons
