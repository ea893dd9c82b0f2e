"""The customers' phones: who they are, and every bubble on their screens."""

import asyncio
import hashlib
import itertools
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from wabot.phone import canonical

log = logging.getLogger(__name__)

Tick = Literal["", "sent", "delivered", "read"]
TICKS: tuple[Tick, ...] = ("", "sent", "delivered", "read")
Listener = Callable[[dict[str, Any]], None]


class Choice(msgspec.Struct):
    """What can be tapped. A "reply" sends its title; "location" and "contact" send those; a "url" sends nothing."""

    id: str
    title: str
    description: str = ""
    kind: Literal["reply", "location", "contact", "url"] = "reply"
    url: str = ""


class Section(msgspec.Struct):
    title: str
    rows: list[Choice]


class Sheet(msgspec.Struct):
    """What a list message opens."""

    button: str
    sections: list[Section]


class Bubble(msgspec.Struct, kw_only=True):
    """One message as a phone shows it."""

    id: str
    sender: Literal["customer", "bot"] = msgspec.field(name="from")
    at: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    type: str = "text"
    text: str = ""
    image: str = ""
    file: str = ""
    header: str = ""
    footer: str = ""
    buttons: list[Choice] = []
    sheet: Sheet | None = msgspec.field(name="list", default=None)
    reply_to: str = ""
    reaction: str = ""
    tick: Tick = ""

    @property
    def choices(self) -> list[Choice]:
        rows = [row for section in (self.sheet.sections if self.sheet else []) for row in section.rows]
        return [choice for choice in self.buttons or rows if choice.kind != "url"]

    @property
    def options(self) -> list[str]:
        """The titles of what can be tapped."""
        return [choice.title for choice in self.choices]


class Phone(msgspec.Struct, kw_only=True):
    """One customer's phone and its chat with one bot."""

    id: str
    name: str
    number: str
    bot: str
    bubbles: list[Bubble] = []
    unread: int = 0
    hides_number: bool = False
    """A user with a username: the bot sees the BSUID and no number."""
    refuses: int = 0
    """The error code that every message to this phone fails with; 0: they arrive."""

    @property
    def bsuid(self) -> str:
        """A business-scoped user id, always the same for the same person and bot."""
        digest = hashlib.sha256(f"{self.bot}:{self.number}".encode()).hexdigest()
        return f"BR.{int(digest[:14], 16)}"

    @property
    def last_wrote(self) -> datetime | None:
        """When the customer last sent something: the 24-hour window opens there."""
        return next((bubble.at for bubble in reversed(self.bubbles) if bubble.sender == "customer"), None)

    def unread_bubbles(self) -> list[Bubble]:
        """The bot's messages since the one that was read last, oldest first."""
        theirs = (bubble for bubble in reversed(self.bubbles) if bubble.sender == "bot")
        return list(itertools.takewhile(lambda bubble: bubble.tick != "read", theirs))[::-1]

    def shown(self) -> dict[str, Any]:
        """As the chat list shows it."""
        last = self.bubbles[-1] if self.bubbles else None
        keys = ("id", "name", "number", "bot", "unread")
        return {key: getattr(self, key) for key in keys} | {"last": last}


class Chats:
    """All phones. Whoever listens hears of every change."""

    def __init__(self, store: Path | None = None) -> None:
        self.phones: dict[str, Phone] = {}
        self._addresses: dict[tuple[str, str], Phone] = {}
        self._bubbles: dict[str, tuple[Phone, Bubble]] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._numbers = itertools.count(1)
        self._store = store
        self._saving: asyncio.TimerHandle | None = None
        for phone in _kept(store):
            self._know(phone)

    def add(self, name: str, number: str, bot: str, *, hides_number: bool = False) -> Phone:
        """A new customer; with the number of an old one, that one."""
        number = number or self._free_number(bot)
        phone = self.find(bot, number)
        if phone is None:
            identity = f"{number}-{bot}" if number in self.phones else number
            phone = Phone(id=identity, name=name, number=number, bot=bot, hides_number=hides_number)
            self._know(phone)
        self.tell(phone, {"kind": "customer", "customer": phone.shown()})
        return phone

    def find(self, bot: str, to: str) -> Phone | None:
        """Whose phone a message to this number or BSUID reaches, with or without the ninth digit."""
        return self._addresses.get((bot, to)) or self._addresses.get((bot, canonical(to)))

    def bubble(self, wamid: str) -> tuple[Phone, Bubble] | None:
        """A message by its id, and the phone that shows it."""
        return self._bubbles.get(wamid)

    def put(self, phone: Phone, bubble: Bubble) -> None:
        phone.bubbles.append(bubble)
        phone.unread += bubble.sender == "bot"
        self._bubbles[bubble.id] = (phone, bubble)
        self.tell(phone, {"kind": "message", "customer": phone.id, "message": bubble})

    def tick(self, wamid: str, tick: Tick) -> None:
        """Forward only."""
        phone, bubble = self._bubbles[wamid]
        if TICKS.index(tick) > TICKS.index(bubble.tick):
            bubble.tick = tick
            self.tell(phone, {"kind": "tick", "customer": phone.id, "id": wamid, "tick": tick})

    def react(self, wamid: str, emoji: str) -> None:
        """An emoji on a message; an empty one takes it away."""
        phone, bubble = self._bubbles[wamid]
        bubble.reaction = emoji
        self.tell(phone, {"kind": "reaction", "customer": phone.id, "id": wamid, "emoji": emoji})

    def listen(self, listener: Listener, only: str = "") -> None:
        """Hear every change, or only those of one phone."""
        self._listeners.setdefault(only, []).append(listener)

    def unlisten(self, listener: Listener, only: str = "") -> None:
        self._listeners[only].remove(listener)

    def tell(self, phone: Phone | None, event: dict[str, Any]) -> None:
        for listener in (*self._listeners.get("", ()), *self._listeners.get(phone.id if phone else "-", ())):
            listener(event)
        if self._store and phone and self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(0.5, self.save)

    def save(self) -> None:
        """Write the chats down, whole or not at all."""
        if self._saving:
            self._saving.cancel()
            self._saving = None
        if self._store is None:
            return
        self._store.parent.mkdir(parents=True, exist_ok=True)
        draft = self._store.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(list(self.phones.values())))
        draft.replace(self._store)

    def _know(self, phone: Phone) -> None:
        self.phones[phone.id] = phone
        for address in (phone.number, canonical(phone.number), phone.bsuid):
            self._addresses[phone.bot, address] = phone
        self._bubbles |= {bubble.id: (phone, bubble) for bubble in phone.bubbles}

    def _free_number(self, bot: str) -> str:
        numbers = (f"55119{n:08d}" for n in self._numbers)
        return next(number for number in numbers if self.find(bot, number) is None)


def _kept(store: Path | None) -> list[Phone]:
    """The chats of the last time. What cannot be read is no reason not to start."""
    if store is None or not store.is_file():
        return []
    try:
        return msgspec.json.decode(store.read_bytes(), type=list[Phone])
    except msgspec.DecodeError:
        log.warning("the chats kept in %s cannot be read: starting without them", store.name)
        return []
