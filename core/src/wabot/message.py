"""What comes in and what goes out of a conversation. Two families of values, so that no field means two things."""

from datetime import datetime
from typing import Literal

import msgspec

# Meta's limits (Cloud API, November 2026), in UTF-16 units where they count text.
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
BUTTONS_BODY_LIMIT = 1024
LIST_BODY_LIMIT = 4096
BUTTONS_MOST = 3
BUTTON_TITLE_LIMIT = 20
BUTTON_ID_LIMIT = 256
ROWS_MOST = 10
ROW_TITLE_LIMIT = 24
ROW_DESCRIPTION_LIMIT = 72
ROW_ID_LIMIT = 200
LIST_BUTTON_LIMIT = 20

Kind = Literal[
    "text",
    "tap",  # a reply button, a list row or a template's quick reply
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
    "order",
    "form",  # a WhatsApp Flow, an address or a payment choice: answered forms
    "reaction",
    "edit",
    "revoke",
    "system",
    "group",
    "unknown",  # Meta could not hand it over, or we do not know the type
]

QUIET: frozenset[Kind] = frozenset({"reaction", "edit", "revoke", "system", "group"})
"""Kinds nobody expects an answer to."""


class Sender(msgspec.Struct, frozen=True):
    """Who wrote. Either id may be missing (BSUID roll-out, 2026): identity is never the phone alone."""

    wa_id: str = ""
    bsuid: str = ""
    name: str = ""
    parent_bsuid: str = ""
    """The same person for several portfolios that are managed together."""


class Media(msgspec.Struct, frozen=True):
    """A file at Meta: `id` lives 7 days, `url` (if given) 5 minutes and needs the access token."""

    id: str
    mime_type: str = ""
    sha256: str = ""
    url: str = ""
    filename: str = ""


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a customer, as a flow sees it."""

    wamid: str
    at: datetime
    kind: Kind
    text: str = ""
    """The words: of a text, a caption, or the title of what was tapped."""
    option: str = ""
    """The id of the tapped button or row."""
    media: Media | None = None

    @property
    def expects_answer(self) -> bool:
        return self.kind not in QUIET


class TextMessage(msgspec.Struct, frozen=True, tag="text"):
    body: str


class ImageMessage(msgspec.Struct, frozen=True, tag="image"):
    link: str
    caption: str = ""


class Button(msgspec.Struct, frozen=True):
    id: str
    title: str


class ButtonsMessage(msgspec.Struct, frozen=True, tag="buttons"):
    body: str
    buttons: tuple[Button, ...]
    image: str = ""
    """A picture above the text, by link."""


class Row(msgspec.Struct, frozen=True):
    id: str
    title: str
    description: str = ""


class ListMessage(msgspec.Struct, frozen=True, tag="list"):
    body: str
    button: str
    rows: tuple[Row, ...]


class TemplateMessage(msgspec.Struct, frozen=True, tag="template"):
    """A text Meta approved, with its placeholders filled: the only way to write to somebody who has not written."""

    name: str
    language: str = "pt_BR"
    parameters: tuple[str, ...] = ()


Outbound = TextMessage | ImageMessage | ButtonsMessage | ListMessage | TemplateMessage
"""One WhatsApp message to a customer."""


def words_of(message: Outbound) -> str:
    """The words of a message that a person would read first."""
    match message:
        case ImageMessage(caption=words) | TextMessage(words) | ButtonsMessage(words) | ListMessage(words):
            return words
        case TemplateMessage(name, _, parameters):
            return " · ".join([name, *parameters])
