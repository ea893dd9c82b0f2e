"""What a message may hold besides words. All of it comes from outside: lengths are bounded, nothing is trusted."""

from typing import Any

import msgspec


class Media(msgspec.Struct, frozen=True):
    """A file at Meta: `id` lives 7 days, `url` (if given) 5 minutes and needs the access token.

    wabot fetches it at once; `await ctx.files.read(media)` gives its bytes.
    """

    id: str
    mime_type: str = ""
    sha256: str = ""
    url: str = ""
    filename: str = ""
    """What the sender called it: a label to show, never a path and never a proof of what it is."""
    voice: bool = False
    """A voice note, spoken into the phone, rather than a sound file."""
    animated: bool = False
    """A sticker that moves."""


class File(msgspec.Struct, frozen=True):
    """A file that wabot keeps for one chatbot, named by what is in it: see `ctx.files.keep`."""

    sha256: str
    mime_type: str
    size: int
    """Bytes."""
    filename: str = ""


class Location(msgspec.Struct, frozen=True):
    """A place in degrees. `name` and `address` come only with a place that was chosen from a list."""

    latitude: float
    longitude: float
    name: str = ""
    address: str = ""


class Telephone(msgspec.Struct, frozen=True):
    """One number on a contact's card, as written there. `wa_id` if it is on WhatsApp."""

    number: str
    wa_id: str = ""
    type: str = ""


class Contact(msgspec.Struct, frozen=True):
    """A card: somebody's name and how to reach them."""

    name: str
    phones: tuple[Telephone, ...] = ()
    emails: tuple[str, ...] = ()
    company: str = ""
    requested: bool = False
    """The customer's own, sent because we asked for it."""


class Contacts(msgspec.Struct, frozen=True):
    cards: tuple[Contact, ...]


class OrderItem(msgspec.Struct, frozen=True):
    """A line of a cart. `product` is the catalogue's id; a quantity nobody can read is 0."""

    product: str
    quantity: int
    claimed_price: int | None = None
    """Centavos for one, as the phone says. Charge your own price, never this one."""
    currency: str = ""


class Order(msgspec.Struct, frozen=True):
    """A cart filled from the catalogue on WhatsApp."""

    catalog: str
    items: tuple[OrderItem, ...]


class Form(msgspec.Struct, frozen=True):
    """An answered form: `name` is `flow`, `address_message`, `payment_method` or `call_permission_reply`."""

    name: str
    answers: dict[str, Any] = {}
    """As typed on the phone: check each like any text of a customer's."""


class Reaction(msgspec.Struct, frozen=True):
    """An emoji on the message `to`; an empty one takes it back."""

    to: str
    emoji: str = ""


class Edit(msgspec.Struct, frozen=True):
    """The message `original` reads differently now: the new words are the message's text."""

    original: str


class Revoke(msgspec.Struct, frozen=True):
    """The message `original` was deleted for everybody."""

    original: str


Content = Media | Location | Contacts | Order | Form | Reaction | Edit | Revoke
"""What comes with a message, told apart by `match`."""


class Referral(msgspec.Struct, frozen=True):
    """The ad or post through which somebody came. Only the first message after the tap carries it."""

    source_url: str = ""
    source_id: str = ""
    source_type: str = ""
    """`ad` or `post`."""
    headline: str = ""
    body: str = ""
    media_url: str = ""
    ctwa_clid: str = ""
    """Meta's click id, for reporting conversions; missing for ads in Status."""
