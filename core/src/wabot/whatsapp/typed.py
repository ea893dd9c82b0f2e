"""What stands beside the words of a message, as values. Each reader takes anything and never raises."""

import math
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from wabot.contents import Contact, Contacts, Form, Location, Media, Order, OrderItem, Referral, Telephone
from wabot.whatsapp.loose import ident, items, number, obj, parsed, plain, words

MOST = 100
"""Cards of a message, lines of a cart, numbers of a card: Meta's own limits are far lower."""


def media_of(file: dict[str, Any]) -> Media | None:
    """A file at Meta. One it could not take in (131052, above 100 MB) comes without a body."""
    known = ident(file.get("id"))
    if not known:
        return None
    return Media(
        id=known,
        mime_type=words(file.get("mime_type")),
        sha256=words(file.get("sha256")),
        url=words(file.get("url")),
        filename=words(file.get("filename")),
        voice=file.get("voice") is True,
        animated=file.get("animated") is True,
    )


def location_of(place: dict[str, Any]) -> Location | None:
    latitude, longitude = _degrees(place.get("latitude"), 90), _degrees(place.get("longitude"), 180)
    if latitude is None or longitude is None:
        return None
    return Location(latitude, longitude, words(place.get("name")), words(place.get("address")))


def _degrees(value: Any, most: int) -> float | None:
    try:
        degrees = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return degrees if math.isfinite(degrees) and abs(degrees) <= most else None


def contacts_of(cards: Any) -> Contacts | None:
    found = tuple(_card(card) for card in _objects(cards))
    return Contacts(found) if found else None


def _card(card: dict[str, Any]) -> Contact:
    name = obj(card.get("name"))
    return Contact(
        name=words(name.get("formatted_name")) or words(name.get("first_name")),
        phones=tuple(
            Telephone(words(phone.get("phone")), ident(phone.get("wa_id")), words(phone.get("type")))
            for phone in _objects(card.get("phones"))
        ),
        emails=tuple(email for entry in _objects(card.get("emails")) if (email := words(entry.get("email")))),
        company=words(obj(card.get("org")).get("company")),
        requested=card.get("origin") == "contact_request",
    )


def order_of(order: dict[str, Any]) -> Order:
    lines = (_line(line) for line in _objects(order.get("product_items")))
    return Order(ident(order.get("catalog_id")), tuple(lines))


def _line(line: dict[str, Any]) -> OrderItem:
    """Numbers come as numbers or as text."""
    return OrderItem(
        product=ident(line.get("product_retailer_id")),
        quantity=max(number(line.get("quantity")) or 0, 0),
        claimed_price=_centavos(line.get("item_price")),
        currency=words(line.get("currency")),
    )


def _centavos(price: Any) -> int | None:
    """A decimal price as an integer, halves to even; None for what is no price."""
    if isinstance(price, bool) or len(text := str(price)) > 32:
        return None
    try:
        centavos = round(Decimal(text) * 100)
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return centavos if 0 <= centavos < 2**31 else None


def form_of(kind: str, answer: dict[str, Any]) -> Form:
    """A WhatsApp Flow or an address brings its answers as JSON inside a text; the other forms as plain keys."""
    if kind == "nfm_reply":
        told = answer.get("response_json")
        answers = parsed(told.encode("utf-8", "replace")) if isinstance(told, str) else told
        return Form(words(answer.get("name")) or "flow", obj(plain(answers)))
    return Form(kind, obj(plain(answer)))


def referral_of(referral: dict[str, Any]) -> Referral | None:
    if not referral:
        return None
    return Referral(
        source_url=words(referral.get("source_url")),
        source_id=ident(referral.get("source_id")),
        source_type=words(referral.get("source_type")),
        headline=words(referral.get("headline")),
        body=words(referral.get("body")),
        media_url=words(referral.get("image_url")) or words(referral.get("video_url")),
        ctwa_clid=words(referral.get("ctwa_clid")),
    )


def _objects(values: Any) -> Iterator[dict[str, Any]]:
    return (value for value in items(values)[:MOST] if isinstance(value, dict))
