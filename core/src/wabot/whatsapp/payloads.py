"""Reading Meta's webhooks: every entry, change, message and status of a body, each on its own.

Meta batches up to 1,000 updates into one body, of several accounts and numbers, and never sends a body again once
it was answered with 200. So nothing is dropped here: what is not understood is kept as it came, beside the rest.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from wabot.errors import WabotError
from wabot.message import Inbound, Sender
from wabot.whatsapp.inbound import Contacts, becomes_of, inbound_of, sender_of
from wabot.whatsapp.loose import (
    UNREADABLE,
    ident,
    items,
    mended,
    moment,
    number,
    obj,
    parsed,
    told_at,
    words,
)


class NotAPayload(WabotError):
    """The body is not JSON, or not an object with a list `entry`. Keep it whole."""


class Message(msgspec.Struct, frozen=True):
    """Something a person sent to one of our numbers."""

    phone_number_id: str
    sender: Sender
    inbound: Inbound
    raw: bytes
    """The message object as it came. May hold `\\u0000`, so PostgreSQL's jsonb refuses some: keep it as bytes."""
    becomes: Sender | None = None
    """The sender's ids from now on, if the message says that they changed."""


class Pricing(msgspec.Struct, frozen=True):
    """What Meta says a message costs; its words as given, since the list of them grows."""

    billable: bool | None = None
    model: str = ""
    type: str = ""
    category: str = ""
    subtype: str = ""


class Status(msgspec.Struct, frozen=True):
    """What became of a message of ours: `sent`, `delivered`, `read`, `played`, `failed`, or a word to come."""

    phone_number_id: str
    wamid: str
    status: str
    at: datetime
    recipient: str
    """As sent: a phone, else a BSUID; of a group its id."""
    callback: str
    """Our `biz_opaque_callback_data`, echoed on every status."""
    error_code: int | None
    error: str
    pricing: Pricing | None
    raw: bytes


class Notice(msgspec.Struct, frozen=True):
    """A change that is neither message nor status. `errors` is our name for `value.errors[]`, a fault of the number."""

    waba_id: str
    phone_number_id: str
    field: str
    raw: bytes
    """The change object; for `errors` the array alone."""
    at: datetime | None = None
    """Meta's own time, which only fields about an account carry."""


class Unread(msgspec.Struct, frozen=True):
    """An item that could not be read. `why` never quotes it."""

    waba_id: str
    phone_number_id: str
    why: str
    raw: bytes


class Payload(msgspec.Struct, frozen=True):
    """All that one body holds, in its order."""

    messages: list[Message] = []
    statuses: list[Status] = []
    notices: list[Notice] = []
    unread: list[Unread] = []


class _Body(msgspec.Struct):
    entry: list[Raw]


class _Entry(msgspec.Struct):
    changes: list[Raw]
    id: Any = None
    time: Any = None


class _Change(msgspec.Struct):
    field: str
    value: Raw = Raw(b"null")


class _Value(msgspec.Struct):
    """Everything raw: one part of a wrong type must not take the others with it."""

    metadata: Raw = Raw(b"null")
    contacts: Raw = Raw(b"null")
    messages: Raw = Raw(b"null")
    statuses: Raw = Raw(b"null")
    errors: Raw = Raw(b"null")


_BODY = msgspec.json.Decoder(_Body)
_ENTRY = msgspec.json.Decoder(_Entry)
_CHANGE = msgspec.json.Decoder(_Change)
_VALUE = msgspec.json.Decoder(_Value)
_ELEMENTS = msgspec.json.Decoder(list[Raw] | None)
_NOTHING = (b"null", b"[]")


def read(body: bytes, received: datetime | None = None) -> Payload:
    """Everything in a webhook body. `received` dates what carries no time of its own (else: now)."""
    found = Payload()
    for entry in _opened(body).entry:
        _read_entry(entry, received, found)
    return found


def read_message(raw: bytes, received: datetime | None = None) -> Inbound:
    """A kept `Message.raw` again, the same as when it came."""
    message = parsed(raw)
    if not isinstance(message, dict):
        raise NotAPayload("a kept message is not a JSON object")
    return inbound_of(message, received)


def account_named(raw: bytes) -> str:
    """The account a notice names inside: what partners are told (`PARTNER_REMOVED`…) comes under their own id."""
    return ident(obj(obj(obj(parsed(raw)).get("value")).get("waba_info")).get("waba_id"))


def _opened(body: bytes) -> _Body:
    """msgspec refuses some bodies that others take (a lone surrogate, say); those are mended and tried again."""
    try:
        body.decode()  # msgspec looks at UTF-8 only where it makes a str, and `raw` is promised to be text
        return _BODY.decode(body)
    except UNREADABLE:
        pass
    try:
        return _BODY.decode(mended(body))
    except msgspec.ValidationError:
        raise NotAPayload("JSON, but not an object with a list `entry`") from None
    except UNREADABLE:
        raise NotAPayload("not JSON") from None


class _Place(msgspec.Struct, frozen=True):
    """Where in a body we are."""

    waba_id: str
    phone_number_id: str
    received: datetime | None
    found: Payload
    at: datetime | None = None

    def unread(self, why: str, raw: Raw) -> None:
        self.found.unread.append(Unread(self.waba_id, self.phone_number_id, why, bytes(raw)))

    def notice(self, field: str, raw: Raw) -> None:
        self.found.notices.append(Notice(self.waba_id, self.phone_number_id, field, bytes(raw), self.at))


def _read_entry(raw: Raw, received: datetime | None, found: Payload) -> None:
    try:
        entry = _ENTRY.decode(raw)
    except UNREADABLE:
        _Place("", "", received, found).unread("entry is not an object with a list of changes", raw)
        return
    place = _Place(ident(entry.id), "", received, found, told_at(entry.time))
    for change in entry.changes:
        _read_change(change, place)


def _read_change(raw: Raw, entry: _Place) -> None:
    try:
        change = _CHANGE.decode(raw)
    except UNREADABLE:
        entry.unread("change is not an object with a field", raw)
        return
    value = _value_of(change)
    place = _Place(entry.waba_id, _phone_number_id(value), entry.received, entry.found, entry.at)
    if change.field != "messages":
        place.notice(words(change.field), raw)
    elif value is None:
        place.unread("value is not an object", raw)
    else:
        _read_value(value, place, raw)


def _value_of(change: _Change) -> _Value | None:
    try:
        return _VALUE.decode(change.value)
    except UNREADABLE:
        return None


def _phone_number_id(value: _Value | None) -> str:
    """Meta's rule: route by this id only; the display number may be formatted or lack the ninth digit."""
    return ident(obj(parsed(value.metadata)).get("phone_number_id")) if value else ""


def _read_value(value: _Value, place: _Place, raw: Raw) -> None:
    messages = _elements(value.messages, "messages", place)
    statuses = _elements(value.statuses, "statuses", place)
    if messages:
        contacts = Contacts(parsed(value.contacts), len(messages))
        for message in messages:
            _read_message(message, contacts, place)
    for status in statuses:
        _read_status(status, place)
    if bytes(value.errors) not in _NOTHING:
        place.notice("errors", value.errors)
    elif not messages and not statuses:
        place.notice("messages", raw)


def _elements(raw: Raw, name: str, place: _Place) -> list[Raw]:
    try:
        return _ELEMENTS.decode(raw) or []
    except UNREADABLE:
        place.unread(f"{name} is not a list", raw)
        return []


def _read_message(raw: Raw, contacts: Contacts, place: _Place) -> None:
    message = parsed(raw)
    why = _fault("message", message, place)
    sender = Sender() if why else sender_of(message, contacts)
    if not why and not (sender.wa_id or sender.bsuid or sender.parent_bsuid):
        why = "message without a sender"  # kept apart: two people without an id would look like one
    if why:
        place.unread(why, raw)
    else:
        inbound = inbound_of(message, place.received)
        read = Message(place.phone_number_id, sender, inbound, bytes(raw), becomes_of(message))
        place.found.messages.append(read)


def _read_status(raw: Raw, place: _Place) -> None:
    status = parsed(raw)
    why = _fault("status", status, place)
    if not why and not ident(status.get("status")):
        why = "status without a status"
    if why:
        place.unread(why, raw)
    else:
        place.found.statuses.append(_status_of(status, bytes(raw), place))


def _fault(name: str, item: Any, place: _Place) -> str:
    """Why an item cannot be given to anybody: empty if it can."""
    if not isinstance(item, dict):
        return f"{name} is not an object"
    if not ident(item.get("id")):
        return f"{name} without an id"
    return "" if place.phone_number_id else f"{name} without a phone_number_id"


def _status_of(status: dict[str, Any], raw: bytes, place: _Place) -> Status:
    error = next((obj(error) for error in items(status.get("errors")) if obj(error)), {})
    return Status(
        phone_number_id=place.phone_number_id,
        wamid=ident(status.get("id")),
        status=ident(status.get("status")),
        at=moment(status.get("timestamp"), place.received),
        recipient=ident(status.get("recipient_id")) or ident(status.get("recipient_user_id")),
        callback=words(status.get("biz_opaque_callback_data")),
        error_code=number(error.get("code")),
        error=_error_words(error),
        pricing=_pricing_of(status.get("pricing")),
        raw=raw,
    )


def _error_words(error: dict[str, Any]) -> str:
    """The most telling of Meta's texts; `error_data` may be a plain string."""
    data = error.get("error_data")
    told = (obj(data).get("details"), data, error.get("message"), error.get("title"))
    return next((text for text in map(words, told) if text), "")


def _pricing_of(pricing: Any) -> Pricing | None:
    if not isinstance(pricing, dict):
        return None
    billable = pricing.get("billable")
    return Pricing(
        billable=billable if isinstance(billable, bool) else None,
        model=words(pricing.get("pricing_model")),
        type=words(pricing.get("type")),
        category=words(pricing.get("category")),
        subtype=words(pricing.get("subtype")),
    )
