"""The simulated Meta itself: numbers, phones, what was sent; and the server that makes it reachable."""

import asyncio
import contextlib
import itertools
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from wabot.testing.simulator.chats import Bubble, Chats, Phone
from wabot.testing.simulator.checks import MEDIA
from wabot.testing.simulator.customer import Customer
from wabot.testing.simulator.delivery import RETRY_AFTER, Courier
from wabot.testing.simulator.errors import GraphError, no_such_object
from wabot.testing.simulator.faults import Dice, Faults
from wabot.testing.simulator.limits import Limits
from wabot.testing.simulator.media import Store
from wabot.testing.simulator.screen import bubble_of
from wabot.testing.simulator.templates import Template, Templates
from wabot.testing.simulator.updates import (
    Bot,
    failure_update,
    message_update,
    preference_update,
    status_update,
)
from wabot.testing.simulator.writing import Act, written

TYPING_LASTS = 25.0
PHONE = "200000000000001"


class Sent(msgspec.Struct, frozen=True):
    """A message the Graph API accepted."""

    wamid: str
    bot: str
    to: str
    body: dict[str, Any]
    category: str = "service"
    """What it is charged as."""

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
        self.templates = Templates(strict=strict)
        self.sent: list[Sent] = []
        self.reads: list[str] = []
        self.struck: list[tuple[str, bytes]] = []
        """The faults that struck, each with the body of the request it struck."""
        self.url = ""
        self._webhook_url, self._retry_after = webhook_url, retry_after
        self._courier: Courier | None = None
        self._limits = Limits()
        self._serial = itertools.count(1)
        self._run = secrets.token_hex(4)
        self._by_wamid: dict[str, Sent] = {}
        self._typing: dict[str, asyncio.TimerHandle] = {}
        for phone in self.chats.phones.values():
            self.bots.setdefault(phone.bot, self._with_secret(Bot(phone.bot)))

    # -- for tests ----------------------------------------------------------------------------------------

    @property
    def faults(self) -> Faults:
        return self.dice.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.dice.faults = faults
        self.chats.tell(None, {"kind": "faults", "faults": faults})

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

    @property
    def graph_url(self) -> str:
        """What a platform is given as the Graph API's address."""
        return self.url

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def customer(
        self, name: str, number: str = "", *, bot: str = PHONE, hides_number: bool = False
    ) -> Customer:
        """A person with a phone, to be driven by a test."""
        self.bot(bot)
        return Customer(self, self.chats.add(name, number, bot, hides_number=hides_number))

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator["Simulator"]:
        """Reachable while inside. Raises PortTaken."""
        from wabot.testing.simulator.app import served

        async with served(self, host, port) as self.url:
            self.media.url = self.url
            self._courier = Courier(self.dice, self._retry_after)
            self._courier.url = self._webhook_url
            try:
                yield self
            finally:
                await self._courier.close()
                self._courier = None
                for timer in self._typing.values():
                    timer.cancel()
                self.chats.save()

    # -- what a customer's phone does ------------------------------------------------------------------------

    def write(self, phone: Phone, act: Act) -> tuple[Bubble, asyncio.Future[bool]]:
        """A customer does something; the future tells whether the platform took it."""
        known = self.chats.bubble(act.reply_to)
        done = written(self._wamid(), act, phone, known[1] if known else None, self.media)
        wamid, bot = done.bubble.id, self.bots[phone.bot]
        if act.type == "reaction":
            if known:
                self.chats.react(act.reply_to, act.text)
        elif act.type in ("edit", "revoke"):
            if known:
                known[1].text = act.text if act.type == "edit" else "🚫 Mensagem apagada"
        else:
            self.chats.put(phone, done.bubble)
            if act.reply_to:
                done.content["context"] = {"from": bot.number, "id": act.reply_to}
        taken = self.courier.send(bot, message_update(bot, phone, wamid, done.content), phone.id)
        taken.add_done_callback(lambda told: self._on_taken(wamid, told))
        return done.bubble, taken

    def choose(self, phone: Phone, choice: str) -> asyncio.Future[bool]:
        """A customer stops or resumes marketing in WhatsApp itself; the future tells whether the platform took it."""
        bot = self.bots[phone.bot]
        return self.courier.send(bot, preference_update(bot, phone, choice), phone.id, "user_preferences")

    def read(self, phone: Phone) -> None:
        """The chat is on the customer's screen: the bot is told that its messages were read."""
        phone.unread = 0
        for bubble in phone.unread_bubbles():
            bubble.tick = "read"
            self._tell_status(phone, bubble.id, "read")

    # -- what the platform does --------------------------------------------------------------------------------

    def bot(self, phone_number_id: str) -> Bot | None:
        """The number, registered now if it is new."""
        if phone_number_id not in self.bots and not self.strict:
            self.bots[phone_number_id] = self._with_secret(Bot(phone_number_id))
        return self.bots.get(phone_number_id)

    def accept(self, bot: Bot, body: dict[str, Any]) -> tuple[Sent, Phone]:
        """Take a checked message and put it on the customer's screen. Raises GraphError."""
        phone = self._addressee(bot, body)
        template = self._template_of(bot, body)
        self._check_media(body)
        self._limits.check(self.faults, phone, template=body.get("type") == "template")
        category = str((template or {}).get("category", "service")).lower()
        to = str(body.get("to") or body["recipient"]).removeprefix("+")
        sent = Sent(self._wamid(), bot.phone_number_id, to, body, category)
        self.sent.append(sent)
        self._by_wamid[sent.wamid] = sent
        if phone.refuses:
            self.fail(sent.wamid, phone.refuses)
        else:
            self._arrive(phone, sent, template)
        return sent, phone

    def mark_read(self, bot: Bot, wamid: str, *, typing: bool) -> None:
        """Blue ticks for what the customer wrote up to this message, and perhaps "digitando…"."""
        self.reads.append(wamid)
        known = self.chats.bubble(wamid)
        if known is None or known[0].bot != bot.phone_number_id:
            raise GraphError(100, "message_id is not a message of this number")
        phone = known[0]
        for bubble in phone.bubbles:
            if bubble.sender == "customer":
                self.chats.tick(bubble.id, "read")
            if bubble.id == wamid:
                break
        if typing and phone.bubbles[-1].sender == "customer":
            self._start_typing(phone)

    def fail(self, wamid: str, code: int = 131026) -> None:
        """Tell the platform that a message it sent has failed after all."""
        sent = self._by_wamid[wamid]
        bot, phone = self.bots[sent.bot], self.chats.find(sent.bot, sent.to)
        update = failure_update(bot, sent.to, wamid, code, sent.callback)
        self.courier.send(bot, update, phone.id if phone else "")

    def notify(self, field: str, value: dict[str, Any], *, bot: str = PHONE) -> asyncio.Future[bool]:
        """Tell the platform something that is neither message nor status: `account_update`, `security`…

        The future tells whether it took it.
        """
        number = self.bot(bot)
        if number is None:
            raise no_such_object(bot)
        return self.courier.send(number, value, f"{number.waba} {field}", field)

    def template_becomes(
        self, name: str, event: str, *, language: str = "pt_BR", bot: str = PHONE, **more: Any
    ) -> asyncio.Future[bool]:
        """A template is PAUSED, APPROVED, DISABLED…: it is sent accordingly from now on, and the platform is told."""
        value = {"event": event, "message_template_name": name, "message_template_language": language}
        taken = self.notify("message_template_status_update", value | {"reason": "NONE"} | more, bot=bot)
        self.templates.change(self.bots[bot].waba, name, language, event)
        return taken

    # -- small parts --------------------------------------------------------------------------------------------

    def _with_secret(self, bot: Bot) -> Bot:
        return bot if bot.app_secret else msgspec.structs.replace(bot, app_secret=self.app_secret)

    def _wamid(self) -> str:
        return f"wamid.{self._run}{next(self._serial):012d}"

    def _addressee(self, bot: Bot, body: dict[str, Any]) -> Phone:
        """Whose phone this reaches. A number nobody used yet gets one; of a user id nobody knows the number."""
        if (to := body.get("to")) and to.lstrip("+") == bot.number:
            raise GraphError(131021)
        address = "".join(filter(str.isdecimal, to)) if to else body["recipient"]
        phone = self.chats.find(bot.phone_number_id, address)
        if phone is None and not to:
            raise GraphError(131026, "recipient is not a user id known to this account")
        return phone or self.chats.add(f"Cliente {address[-4:]}", address, bot.phone_number_id)

    def _template_of(self, bot: Bot, body: dict[str, Any]) -> Template | None:
        return self.templates.sent(bot.waba, body["template"]) if body.get("type") == "template" else None

    def _check_media(self, body: dict[str, Any]) -> None:
        kind = body.get("type")
        media = body[kind].get("id") if kind in MEDIA else None
        if media and str(media) not in self.media.files:
            raise GraphError(100, f"{kind}.id is not a media attachment of this account")

    def _arrive(self, phone: Phone, sent: Sent, template: Template | None) -> None:
        self._stop_typing(phone)
        if sent.body.get("type") == "reaction":
            reaction = sent.body["reaction"]
            if self.chats.bubble(reaction["message_id"]):
                self.chats.react(reaction["message_id"], reaction["emoji"])
            self._tell_status(phone, sent.wamid, "sent")
            return
        self.chats.put(phone, bubble_of(sent.wamid, sent.body, template))
        for status in ("sent", "delivered"):
            self._tell_status(phone, sent.wamid, status)

    def _on_taken(self, wamid: str, taken: asyncio.Future[bool]) -> None:
        if not taken.cancelled() and taken.result() and self.chats.bubble(wamid):
            self.chats.tick(wamid, "delivered")

    def _tell_status(self, phone: Phone, wamid: str, status: str) -> None:
        sent = self._by_wamid.get(wamid)
        if sent and self.faults.statuses and self._webhook_url:
            bot = self.bots[phone.bot]
            update = status_update(bot, phone, wamid, status, callback=sent.callback, category=sent.category)
            self.courier.send(bot, update, phone.id)

    def _start_typing(self, phone: Phone) -> None:
        self._stop_typing(phone, tell=False)
        self._typing[phone.id] = asyncio.get_running_loop().call_later(TYPING_LASTS, self._stop_typing, phone)
        self.chats.tell(phone, {"kind": "typing", "customer": phone.id, "on": True})

    def _stop_typing(self, phone: Phone, *, tell: bool = True) -> None:
        if timer := self._typing.pop(phone.id, None):
            timer.cancel()
            if tell:
                self.chats.tell(phone, {"kind": "typing", "customer": phone.id, "on": False})
