"""One element of `messages[]`: what was said, and by whom."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from wabot.contents import Content, Edit, Reaction, Revoke
from wabot.message import Inbound, Kind, Sender
from wabot.phone import canonical
from wabot.whatsapp.loose import ident, items, moment, obj, words
from wabot.whatsapp.typed import contacts_of, form_of, location_of, media_of, order_of, referral_of


class Read(NamedTuple):
    """What a message holds, whoever wrote it and whenever."""

    kind: Kind
    text: str = ""
    option: str = ""
    content: Content | None = None


UNKNOWN = Read("unknown")

Reader = Callable[[Any], Read]
"""Takes what stands under the name of the type, which may be anything or missing."""


def inbound_of(message: dict[str, Any], received: datetime | None) -> Inbound:
    """A message object as a flow sees it. Never raises: what is not understood has the kind `unknown`."""
    read = read_content(message)
    return Inbound(
        wamid=ident(message.get("id")),
        at=moment(message.get("timestamp"), received),
        kind="group" if ident(message.get("group_id")) else read.kind,
        text=read.text,
        option=read.option,
        content=read.content,
        **(_circumstances(message) if "context" in message or "referral" in message else {}),
    )


def _circumstances(message: dict[str, Any]) -> dict[str, Any]:
    """What it answers, and what brought the customer here. Most messages have neither."""
    context = obj(message.get("context"))
    return {
        "reply_to": ident(context.get("id")),
        "forwarded": True in (context.get("forwarded"), context.get("frequently_forwarded")),
        "referral": referral_of(obj(message.get("referral"))),
    }


def read_content(message: dict[str, Any]) -> Read:
    """Meta puts the content under the name of the type: `{"type": "text", "text": {…}}`."""
    kind = words(message.get("type"))
    reader = _READERS.get(kind)
    return reader(message.get(kind)) if reader else UNKNOWN


def _text(body: Any) -> Read:
    said = obj(body).get("body")
    return Read("text", words(said)) if isinstance(said, str) else UNKNOWN


def _quick_reply(body: Any) -> Read:
    """A template's button. Its payload is ours; its `context` may be missing, so nothing may rest on that."""
    return _tap(obj(body).get("payload"), obj(body).get("text"))


def _tap(option: Any, title: Any) -> Read:
    content = Read("tap", words(title), ident(option))
    return content if content.text or content.option else UNKNOWN


def _interactive(body: Any) -> Read:
    """Meta also sends `interactive` without any body (131000): nothing to read then."""
    kind = words(obj(body).get("type"))
    answer = obj(obj(body).get(kind))
    if kind in ("button_reply", "list_reply"):
        return _tap(answer.get("id"), answer.get("title"))
    if kind in ("nfm_reply", "payment_method", "call_permission_reply") and answer:
        return Read("form", words(answer.get("body")), content=form_of(kind, answer))
    return UNKNOWN


def _file(kind: Kind, body: Any) -> Read:
    file = obj(body)
    media = media_of(file)
    return Read(kind, words(file.get("caption")), content=media) if media else UNKNOWN


def _order(body: Any) -> Read:
    return Read("order", words(obj(body).get("text")), content=order_of(body)) if obj(body) else UNKNOWN


def _location(body: Any) -> Read:
    """A place nobody can read is still somebody who expects an answer."""
    return Read("location", content=location_of(body)) if obj(body) else UNKNOWN


def _contacts(body: Any) -> Read:
    return Read("contacts", content=contacts_of(body)) if obj(body) or items(body) else UNKNOWN


def _reaction(body: Any) -> Read:
    """Taking a reaction back comes as an empty `emoji`, or as none."""
    emoji = words(obj(body).get("emoji"))
    return Read("reaction", emoji, content=Reaction(ident(obj(body).get("message_id")), emoji))


def _edit(body: Any) -> Read:
    """The new words. An edit inside an edit would be nobody's message, and endless."""
    message = obj(obj(body).get("message"))
    text = "" if message.get("type") == "edit" else read_content(message).text
    return Read("edit", text, content=Edit(ident(obj(body).get("original_message_id"))))


def _revoke(body: Any) -> Read:
    return Read("revoke", content=Revoke(ident(obj(body).get("original_message_id"))))


def _system(body: Any) -> Read:
    return Read("system", words(obj(body).get("body")))


_READERS: Mapping[str, Reader] = {
    "text": _text,
    "button": _quick_reply,
    "interactive": _interactive,
    "image": partial(_file, "image"),
    "video": partial(_file, "video"),
    "audio": partial(_file, "audio"),
    "voice": partial(_file, "audio"),  # the name of voice notes before the Cloud API
    "document": partial(_file, "document"),
    "sticker": partial(_file, "sticker"),
    "location": _location,
    "contacts": _contacts,
    "order": _order,
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "system": _system,
}


class Contacts:
    """The `contacts[]` beside some messages: optional, and so is every key in it."""

    def __init__(self, contacts: Any, messages: int) -> None:
        people = [contact for contact in items(contacts) if isinstance(contact, dict)]
        self._by_id = {
            known: contact
            for contact in people
            for key in ("wa_id", "user_id")
            if (known := ident(contact.get(key)))
        }
        self._only = people[0] if len(people) == messages == 1 else {}

    def of(self, wa_id: str, bsuid: str) -> dict[str, Any]:
        """Whose message it is: by either id, or because there is one person and one message."""
        contact = self._by_id.get(bsuid) or self._by_id.get(wa_id)
        if contact is None and not _is_somebody_else(self._only, wa_id, bsuid):
            contact = self._only
        return contact or {}


def _is_somebody_else(contact: dict[str, Any], wa_id: str, bsuid: str) -> bool:
    """Taking ids over from a stranger's contact would hand one person's conversa to another."""
    phone, user = ident(contact.get("wa_id")), ident(contact.get("user_id"))
    return bool(
        (wa_id and phone and canonical(wa_id) != canonical(phone)) or (bsuid and user and bsuid != user)
    )


def sender_of(message: dict[str, Any], contacts: Contacts) -> Sender:
    """Who wrote: the ids of the message itself, completed by its contact; of a change of ids, the old ones."""
    if becomes_of(message):
        return _was(message)
    wa_id, bsuid = _ids(message)
    contact = contacts.of(wa_id, bsuid)
    phone, user = _sorted(ident(contact.get("wa_id")))
    name = words(obj(contact.get("profile")).get("name"))
    return Sender(
        wa_id=wa_id or phone,
        bsuid=bsuid or ident(contact.get("user_id")) or user,
        name=" ".join(name.split()),
        parent_bsuid=ident(message.get("from_parent_user_id")) or ident(contact.get("parent_user_id")),
    )


def becomes_of(message: dict[str, Any]) -> Sender | None:
    """The ids a person has from now on, if a `system` message says that they changed."""
    told = obj(message.get("system"))
    if message.get("type") != "system" or told.get("type") not in (
        "user_changed_number",
        "user_changed_user_id",
    ):
        return None
    wa_id, bsuid = _sorted(ident(told.get("wa_id")))
    new = Sender(
        wa_id=wa_id, bsuid=ident(told.get("user_id")) or bsuid, parent_bsuid=ident(told.get("parent_user_id"))
    )
    return None if new == Sender() else new


def _was(message: dict[str, Any]) -> Sender:
    """By what ids we know somebody whose ids change. `from_user_id` may be either the old or the new one: the last
    resort, like the new ids themselves."""
    told = obj(message.get("system"))
    wa_id, bsuid = _sorted(ident(message.get("from")))
    bsuid = ident(told.get("previous_user_id")) or bsuid
    parent = ident(told.get("previous_parent_user_id"))
    if wa_id or bsuid or parent:
        return Sender(wa_id=wa_id, bsuid=bsuid, parent_bsuid=parent)
    bsuid = ident(message.get("from_user_id")) or ident(told.get("user_id"))
    return Sender(wa_id="" if bsuid else ident(told.get("wa_id")), bsuid=bsuid)


def _ids(message: dict[str, Any]) -> tuple[str, str]:
    """`from` is absent for users who hide their phone; a `system` message may name them inside."""
    wa_id, bsuid = _sorted(ident(message.get("from")))
    bsuid = ident(message.get("from_user_id")) or bsuid
    if message.get("type") == "system":
        told = obj(message.get("system"))
        bsuid = bsuid or ident(told.get("previous_user_id")) or ident(told.get("user_id"))
        wa_id = wa_id or ("" if bsuid else ident(told.get("wa_id")))
    return wa_id, bsuid


def _sorted(known: str) -> tuple[str, str]:
    """A phone or a BSUID (`BR.1502…`): some gateways put either into `from`."""
    phone = known.removeprefix("+")
    return (phone, "") if phone.isascii() and phone.isdigit() else ("", known)
