"""What comes in and what goes out of a conversation. Two families of values, so that no field means two things."""

from datetime import datetime
from typing import Literal

import msgspec

from wabot.contents import Contact, Content, File, Location, Media, Referral

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


class Inbound(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a customer, as a flow sees it."""

    wamid: str
    at: datetime
    kind: Kind
    text: str = ""
    """The words: of a text, a caption, or the title of what was tapped."""
    option: str = ""
    """The id of the tapped button or row."""
    content: Content | None = None
    """What came with the words or in their place: `match` it, or ask for `media`."""
    reply_to: str = ""
    """The message this one quotes, by its wamid."""
    forwarded: bool = False
    referral: Referral | None = None

    @property
    def media(self) -> Media | None:
        return self.content if isinstance(self.content, Media) else None

    @property
    def expects_answer(self) -> bool:
        return self.kind not in QUIET


class _Free(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    reply_to: str = ""
    """The wamid of a message to quote."""


class _Filed(_Free, frozen=True, kw_only=True):
    file: File | None = None
    """A file wabot keeps, in place of a link."""


class TextMessage(_Free, frozen=True, tag="text"):
    body: str


class ImageMessage(_Filed, frozen=True, tag="image"):
    """JPEG or PNG, 5 MB. Meta fetches a `link` itself."""

    link: str = ""
    caption: str = ""


class VideoMessage(_Filed, frozen=True, tag="video"):
    """MP4 or 3GP, 16 MB."""

    link: str = ""
    caption: str = ""


class AudioMessage(_Filed, frozen=True, tag="audio"):
    """AAC, AMR, MP3, M4A or OGG with Opus, 16 MB. A voice note has to be OGG with Opus, mono."""

    link: str = ""
    voice: bool = False


class DocumentMessage(_Filed, frozen=True, tag="document"):
    """Any file, 100 MB. The customer reads `filename`: without one, that of the file."""

    link: str = ""
    caption: str = ""
    filename: str = ""


class StickerMessage(_Filed, frozen=True, tag="sticker"):
    """WebP of 512 × 512: 100 KB, or 500 KB if it moves."""

    link: str = ""


FileMessage = ImageMessage | VideoMessage | AudioMessage | DocumentMessage | StickerMessage


class LocationMessage(_Free, frozen=True, tag="location"):
    place: Location


class ContactsMessage(_Free, frozen=True, tag="contacts"):
    cards: tuple[Contact, ...]


class ReactionMessage(msgspec.Struct, frozen=True, tag="reaction"):
    """An emoji on a message of the last 30 days; an empty one takes it away."""

    to: str
    emoji: str


class Button(msgspec.Struct, frozen=True):
    id: str
    title: str


class ButtonsMessage(_Free, frozen=True, tag="buttons"):
    body: str
    buttons: tuple[Button, ...]
    image: str = ""
    """A picture above the text, by link."""


class Row(msgspec.Struct, frozen=True):
    id: str
    title: str
    description: str = ""


class ListMessage(_Free, frozen=True, tag="list"):
    body: str
    button: str
    rows: tuple[Row, ...]


class TemplateMessage(msgspec.Struct, frozen=True, tag="template"):
    """A text Meta approved, with its placeholders filled: the only way to write to somebody who has not written."""

    name: str
    language: str = "pt_BR"
    parameters: tuple[str, ...] = ()


Outbound = (
    TextMessage
    | ImageMessage
    | VideoMessage
    | AudioMessage
    | DocumentMessage
    | StickerMessage
    | LocationMessage
    | ContactsMessage
    | ReactionMessage
    | ButtonsMessage
    | ListMessage
    | TemplateMessage
)
"""One WhatsApp message to a customer."""


def words_of(message: Outbound) -> str:
    """The words of a message that a person would read first."""
    match message:
        case TextMessage(words) | ButtonsMessage(words) | ListMessage(words):
            return words
        case ImageMessage(caption=words) | VideoMessage(caption=words):
            return words
        case DocumentMessage(caption=words, filename=name, file=file):
            return words or name or (file.filename if file else "")
        case LocationMessage(place):
            return "\n".join(filter(None, (place.name, place.address)))
        case ContactsMessage(cards):
            return "\n".join(card.name for card in cards)
        case ReactionMessage(emoji=emoji):
            return emoji
        case TemplateMessage(name, _, parameters):
            return " · ".join([name, *parameters])
        case AudioMessage() | StickerMessage():
            return ""
