"""The simulated Meta itself: numbers, phones, what was sent; and the server that makes it reachable."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wabot.testing.simulator.chats import Bubble, Chats, Choice, Phone, Section, Sheet
from wabot.testing.simulator.customer import Customer
from wabot.testing.simulator.delivery import RETRY_AFTER, Bot, Courier, message_update, status_update
from wabot.testing.simulator.faults import Dice, Faults
from wabot.testing.simulator.media import Media, Store

TYPING_LASTS = 25.0
PHONE = "200000000000001"


class Sent(msgspec.Struct, frozen=True):
    """A message the Graph API accepted."""

    wamid: str
    bot: str
    to: str
    body: dict[str, Any]

    @property
    def callback(self) -> str:
        return str(self.body.get("biz_opaque_callback_data", ""))


class Simulator:
    """A stand-in for Meta. Numbers it has not heard of are registered when they first appear, unless `strict`.

    `store` keeps the chats in a file for the next time; `pictures` is a folder served under `/pictures`.
    """

    def __init__(
        self,
        *,
        app_secret: str,
        webhook_url: str = "",
        bots: Sequence[Bot] = (),
        faults: Faults | None = None,
        strict: bool = False,
        store: Path | None = None,
        pictures: Path | None = None,
        retry_after: Sequence[float] = RETRY_AFTER,
        seed: int = 1,
    ) -> None:
        self.app_secret, self.strict, self.pictures = app_secret, strict, pictures
        self.bots = {bot.phone_number_id: self._with_secret(bot) for bot in bots}
        self.dice = Dice(faults or Faults(), seed)
        self.chats = Chats(store)
        self.media = Store()
        self.templates: dict[str, list[dict[str, Any]]] = {}
        self.sent: list[Sent] = []
        self.reads: list[str] = []
        self.url = ""
        self._webhook_url, self._retry_after = webhook_url, retry_after
        self._courier: Courier | None = None
        self._serial = itertools.count(1)
        self._run = secrets.token_hex(4)
        self._callbacks: dict[str, str] = {}
        self._typing: dict[str, asyncio.TimerHandle] = {}

    # -- for tests ----------------------------------------------------------------------------------------

    @property
    def faults(self) -> Faults:
        return self.dice.faults

    @property
    def courier(self) -> Courier:
        if self._courier is None:
            raise RuntimeError("the simulator is not being served")
        return self._courier

    @property
    def webhook_url(self) -> str:
        return self._webhook_url

    @webhook_url.setter
    def webhook_url(self, url: str) -> None:
        self._webhook_url = url
        if self._courier:
            self._courier.url = url

    def customer(self, name: str, number: str = "", *, bot: str = PHONE) -> Customer:
        """A person with a phone, to be driven by a test."""
        self.bot(bot)
        return Customer(self, self.chats.add(name, number, bot))

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator["Simulator"]:
        """Reachable while inside. Raises PortTaken."""
        from wabot.testing.simulator.app import served

        self._courier = Courier(self.dice, self._retry_after)
        self._courier.url = self._webhook_url
        async with served(self, host, port) as self.url:
            try:
                yield self
            finally:
                await self._courier.close()
                self.chats.save()

    # -- what a customer's phone does ------------------------------------------------------------------------

    def write(self, phone: Phone, what: dict[str, Any]) -> tuple[Bubble, asyncio.Future[bool]]:
        """A customer sends something; the future tells whether the platform took it."""
        bubble, content = self._written(what)
        self.chats.put(phone, bubble)
        taken = self.courier.send(
            self.bots[phone.bot], message_update(self.bots[phone.bot], phone, bubble.id, content)
        )
        taken.add_done_callback(lambda done: self._on_taken(phone, bubble.id, done))
        return bubble, taken

    def read(self, phone: Phone) -> None:
        """The chat is on the customer's screen: the bot is told that its messages were read."""
        phone.unread = 0
        for bubble in phone.bubbles:
            if bubble.sender == "bot" and bubble.tick != "read":
                bubble.tick = "read"
                self._tell_status(phone, bubble.id, "read")

    # -- what the platform does --------------------------------------------------------------------------------

    def bot(self, phone_number_id: str) -> Bot | None:
        """The number, registered now if it is new."""
        if phone_number_id not in self.bots and not self.strict:
            self.bots[phone_number_id] = self._with_secret(Bot(phone_number_id))
        return self.bots.get(phone_number_id)

    def accept(self, bot: Bot, body: dict[str, Any]) -> Sent:
        """Take a checked message and put it on the customer's screen."""
        to = str(body.get("to") or body["recipient"]).removeprefix("+")
        phone = self.chats.find(bot.phone_number_id, to) or self.chats.add(
            f"Cliente {to[-4:]}", to, bot.phone_number_id
        )
        sent = Sent(self._wamid(), bot.phone_number_id, to, body)
        self.sent.append(sent)
        self._callbacks[sent.wamid] = sent.callback
        self._stop_typing(phone)
        self.chats.put(phone, self._bubble_of(sent))
        for status in ("sent", "delivered"):
            self._tell_status(phone, sent.wamid, status)
        return sent

    def mark_read(self, bot: Bot, wamid: str, *, typing: bool) -> None:
        """Blue ticks for what the customer wrote up to this message, and perhaps "digitando…"."""
        self.reads.append(wamid)
        for phone in self.chats.phones.values():
            mine = [bubble.id for bubble in phone.bubbles if bubble.sender == "customer"]
            if phone.bot != bot.phone_number_id or wamid not in mine:
                continue
            for earlier in mine[: mine.index(wamid) + 1]:
                self.chats.tick(phone, earlier, "read")
            if typing and phone.bubbles[-1].sender == "customer":
                self._start_typing(phone)

    def fail(self, wamid: str, code: int, title: str) -> None:
        """Tell the platform that a message it sent has failed after all."""
        sent = next(sent for sent in self.sent if sent.wamid == wamid)
        phone = self.chats.find(sent.bot, sent.to)
        if phone:
            self._tell_status(phone, wamid, "failed", [{"code": code, "title": title}])

    # -- small parts --------------------------------------------------------------------------------------------

    def _with_secret(self, bot: Bot) -> Bot:
        return bot if bot.app_secret else msgspec.structs.replace(bot, app_secret=self.app_secret)

    def _wamid(self) -> str:
        return f"wamid.{self._run}{next(self._serial):012d}"

    def _on_taken(self, phone: Phone, wamid: str, taken: asyncio.Future[bool]) -> None:
        if not taken.cancelled() and taken.result():
            self.chats.tick(phone, wamid, "delivered")

    def _tell_status(
        self, phone: Phone, wamid: str, status: str, errors: Sequence[dict[str, Any]] = ()
    ) -> None:
        if self.faults.statuses and self._webhook_url:
            bot = self.bots[phone.bot]
            self.courier.send(
                bot, status_update(bot, phone, wamid, status, self._callbacks.get(wamid, ""), errors)
            )

    def _start_typing(self, phone: Phone) -> None:
        self._stop_typing(phone, tell=False)
        self._typing[phone.id] = asyncio.get_running_loop().call_later(TYPING_LASTS, self._stop_typing, phone)
        self.chats.tell({"kind": "typing", "customer": phone.id, "on": True})

    def _stop_typing(self, phone: Phone, *, tell: bool = True) -> None:
        if (timer := self._typing.pop(phone.id, None)) and tell:
            self.chats.tell({"kind": "typing", "customer": phone.id, "on": False})
        if timer:
            timer.cancel()

    def _written(self, what: dict[str, Any]) -> tuple[Bubble, dict[str, Any]]:
        """What a customer writes: as a bubble, and as Meta's message object."""
        kind, words, reply_to = (
            what.get("type", "text"),
            str(what.get("text", "")),
            str(what.get("reply_to", "")),
        )
        bubble = Bubble(
            id=self._wamid(), sender="customer", type=kind, text=words, reply_to=reply_to, tick="sent"
        )
        context = {"context": {"id": reply_to}} if reply_to else {}
        match kind:
            case "text":
                return bubble, {"type": "text", "text": {"body": words}, **context}
            case "tap":
                return self._tapped(bubble, what, context)
            case "location":
                place = {"latitude": -23.5505, "longitude": -46.6333, "name": "Praça da Sé"}
                return bubble, {"type": "location", "location": place}
            case _:
                media = self.media.sample(kind)
                if kind == "image":
                    bubble.image = f"/simulator/files/{media.id}"
                return bubble, {"type": kind, kind: _media_object(media, words)}

    def _tapped(
        self, bubble: Bubble, what: dict[str, Any], context: dict[str, Any]
    ) -> tuple[Bubble, dict[str, Any]]:
        bubble.type, bubble.text = "text", str(what["title"])
        reply = {"id": str(what["option"]), "title": bubble.text}
        offered = next(
            (b for p in self.chats.phones.values() for b in p.bubbles if b.id == bubble.reply_to), None
        )
        kind = "list_reply" if offered and offered.sheet else "button_reply"
        return bubble, {"type": "interactive", "interactive": {"type": kind, kind: reply}, **context}

    def _bubble_of(self, sent: Sent) -> Bubble:
        body = sent.body
        kind = body.get("type", "text")
        content = body[kind]
        bubble = Bubble(
            id=sent.wamid, sender="bot", type=kind, reply_to=(body.get("context") or {}).get("message_id", "")
        )
        if kind == "text":
            bubble.text = content["body"]
        elif kind == "interactive":
            _fill_interactive(bubble, content)
        elif kind == "image":
            bubble.text, bubble.image = content.get("caption", ""), self._picture(content)
        elif kind == "template":
            bubble.type, bubble.text = "text", f"[modelo {content['name']}]"
        elif isinstance(content, dict):
            bubble.text = content.get("caption") or content.get("name") or ""
        return bubble

    def _picture(self, content: dict[str, Any]) -> str:
        return str(content.get("link") or f"/simulator/files/{content['id']}")


def _fill_interactive(bubble: Bubble, content: dict[str, Any]) -> None:
    bubble.text = content["body"]["text"]
    bubble.footer = (content.get("footer") or {}).get("text", "")
    header = content.get("header") or {}
    bubble.header = header.get("text", "")
    bubble.image = (header.get("image") or {}).get("link", "")
    action = content["action"]
    if content["type"] == "button":
        bubble.type = "buttons"
        bubble.buttons = [
            Choice(button["reply"]["id"], button["reply"]["title"]) for button in action["buttons"]
        ]
    elif content["type"] == "list":
        bubble.type = "list"
        bubble.sheet = Sheet(action["button"], [_section(section) for section in action["sections"]])


def _section(section: dict[str, Any]) -> Section:
    rows = [Choice(row["id"], row["title"], row.get("description", "")) for row in section["rows"]]
    return Section(section.get("title", ""), rows)


def _media_object(media: Media, caption: str) -> dict[str, Any]:
    found = {"id": media.id, "mime_type": media.mime_type, "sha256": media.sha256}
    if media.mime_type.startswith("audio"):
        return found | {"voice": True}
    return found | ({"caption": caption} if caption else {})
