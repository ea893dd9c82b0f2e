"""The customers' phones: who they are, and every bubble on their screens."""

import asyncio
import hashlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

Tick = Literal["", "sent", "delivered", "read"]


class Choice(msgspec.Struct):
    id: str
    title: str
    description: str = ""


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
    header: str = ""
    footer: str = ""
    buttons: list[Choice] = []
    sheet: Sheet | None = msgspec.field(name="list", default=None)
    reply_to: str = ""
    tick: Tick = ""

    @property
    def options(self) -> list[str]:
        """The titles of what can be tapped."""
        return [choice.title for choice in self.choices]

    @property
    def choices(self) -> list[Choice]:
        return self.buttons or [
            row for section in (self.sheet.sections if self.sheet else []) for row in section.rows
        ]


class Phone(msgspec.Struct, kw_only=True):
    """One customer's phone and its chat with one bot."""

    id: str
    name: str
    number: str
    bot: str
    bubbles: list[Bubble] = []
    unread: int = 0

    @property
    def bsuid(self) -> str:
        """A business-scoped user id, always the same for the same person and bot."""
        digest = hashlib.sha256(f"{self.bot}:{self.number}".encode()).hexdigest()
        return f"BR.{int(digest[:14], 16)}"

    def shown(self) -> dict[str, Any]:
        """As the chat list shows it."""
        last = self.bubbles[-1] if self.bubbles else None
        return {
            "id": self.id,
            "name": self.name,
            "number": self.number,
            "bot": self.bot,
            "last": last,
            "unread": self.unread,
        }


class Chats:
    """All phones. Whoever listens hears of every change."""

    def __init__(self, store: Path | None = None) -> None:
        self.phones: dict[str, Phone] = {}
        self._store = store
        self._saving: asyncio.TimerHandle | None = None
        self._listeners: set[Callable[[dict[str, Any]], None]] = set()
        self._numbers = itertools.count(1)
        if store and store.is_file():
            phones = msgspec.json.decode(store.read_bytes(), type=list[Phone])
            self.phones = {phone.id: phone for phone in phones}

    def add(self, name: str, number: str, bot: str) -> Phone:
        """A new customer; with the number of an old one, that one."""
        number = number or self._free_number()
        identity = (
            number
            if not any(p.number == number and p.bot != bot for p in self.phones.values())
            else f"{number}-{bot}"
        )
        phone = self.phones.setdefault(identity, Phone(id=identity, name=name, number=number, bot=bot))
        self.tell({"kind": "customer", "customer": phone.shown()})
        return phone

    def find(self, bot: str, to: str) -> Phone | None:
        """Whose phone a message to this number or BSUID reaches."""
        number = to.removeprefix("+")
        return next((p for p in self.phones.values() if p.bot == bot and number in (p.number, p.bsuid)), None)

    def put(self, phone: Phone, bubble: Bubble) -> None:
        phone.bubbles.append(bubble)
        phone.unread += bubble.sender == "bot"
        self.tell({"kind": "message", "customer": phone.id, "message": bubble})

    def tick(self, phone: Phone, wamid: str, tick: Tick) -> None:
        """Forward only."""
        order = ("", "sent", "delivered", "read")
        for bubble in phone.bubbles:
            if bubble.id == wamid and order.index(tick) > order.index(bubble.tick):
                bubble.tick = tick
                self.tell({"kind": "tick", "customer": phone.id, "id": wamid, "tick": tick})

    def listen(self, listener: Callable[[dict[str, Any]], None]) -> None:
        self._listeners.add(listener)

    def unlisten(self, listener: Callable[[dict[str, Any]], None]) -> None:
        self._listeners.discard(listener)

    def tell(self, event: dict[str, Any]) -> None:
        for listener in list(self._listeners):
            listener(event)
        if self._store and self._saving is None:
            self._saving = asyncio.get_running_loop().call_later(0.5, self.save)

    def save(self) -> None:
        """Write the chats down, whole or not at all."""
        self._saving = None
        if self._store is None:
            return
        self._store.parent.mkdir(parents=True, exist_ok=True)
        draft = self._store.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(list(self.phones.values())))
        draft.replace(self._store)

    def _free_number(self) -> str:
        taken = {phone.number for phone in self.phones.values()}
        return next(n for n in (f"55119{n:08d}" for n in self._numbers) if n not in taken)
