"""Talk to a flow in a test, in four verbs: `says`, `taps`, `sees`, `is_at`. No database, no network, no waiting."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from wabot.contents import Content
from wabot.errors import PluginFailed
from wabot.flow import Chatbot, Cliente, Event, Flow
from wabot.message import Button as ReplyButton
from wabot.message import ButtonsMessage, Inbound, Kind, ListMessage, Outbound, Row, words_of
from wabot.testing.files import MemoryFiles
from wabot.turn import BoundFlow, Scene, State, take_turn
from wabot.whatsapp.render import render


def offers(message: Outbound) -> Sequence[ReplyButton | Row]:
    """What can be tapped on a message."""
    if isinstance(message, ButtonsMessage):
        return message.buttons
    return message.rows if isinstance(message, ListMessage) else ()


def kind_of(message: Outbound) -> str:
    """`text`, `image`, `buttons`, …"""
    return str(type(message).__struct_config__.tag)


def shown_of(message: Outbound) -> str:
    """A message as the transcript shows it: what is not words by its kind."""
    kind = kind_of(message)
    mark = "" if kind in ("text", "buttons", "list", "template") else f"‹{kind}›"
    return " ".join(filter(None, (mark, words_of(message))))


STARTS = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
"""What time it is in every test, until the test says otherwise. A Tuesday."""
SHOP = Chatbot(1, "Loja")
EACH_MESSAGE = timedelta(seconds=10)


class Clock:
    """The time of a test: it stands still, but for the ten seconds that each message of a customer takes."""

    def __init__(self, now: datetime = STARTS) -> None:
        self.now = now

    def moves(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass."""
        self.now += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)

    def shows(self, moment: str) -> None:
        """Set the time, written as `2026-11-24 12:00`: in UTC, unless the text names another zone."""
        given = datetime.fromisoformat(moment)
        self.now = given if given.tzinfo else given.replace(tzinfo=UTC)


class LeftBehind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A conversation under way, as a test keeps it in a file for the releases to come."""

    flow: str = ""
    """Empty: the only flow of the chat, or the first of them."""
    etapa: str
    version: int = 1
    data: dict[str, Any] = {}
    shown: tuple[str, ...] = ()
    """The keys of the options on the screen, which a number refers to."""
    offered: dict[str, str] = {}
    """What can still be tapped: titles with the ids they were sent with."""

    def state(self, flow: str) -> State:
        data = msgspec.json.encode(self.data)
        return State(self.flow or flow, self.etapa, self.version, data, self.shown)


class Chat:
    """A customer and a bot with these flows. Speaking while a reply is unread fails: nothing is said unseen.

    `doubles` maps the plugin's own types to what `ctx.get` gives in their place. `now` may be set at any time;
    chats that are given the same `clock` share it.
    """

    def __init__(
        self,
        *flows: Flow[Any],
        nome: str = "Ana",
        config: Any = None,
        doubles: Mapping[type, Any] | None = None,
        state: State | None = None,
        bot: Chatbot = SHOP,
        clock: Clock | None = None,
    ) -> None:
        self.flows = [BoundFlow(flow, config) for flow in flows]
        self.bot = bot
        self.cliente = Cliente(1, nome)
        self.doubles = dict(doubles or {})
        self.clock = clock or Clock()
        self.state = state or State()
        self.files = MemoryFiles()
        self.happened: list[Event] = []
        self.opted_out = False
        self._transcript: list[str] = []
        self._unread: list[Outbound] = []
        self._received: list[Outbound] = []
        self._offered_before: dict[str, str] = {}
        self._count = 0

    @property
    def now(self) -> datetime:
        """What time it is for the flow."""
        return self.clock.now

    @now.setter
    def now(self, moment: datetime) -> None:
        self.clock.now = moment

    @property
    def events(self) -> list[str]:
        """The names of everything that happened, in order."""
        return [event.name for event in self.happened]

    async def says(self, words: str) -> None:
        await self._send("text", words, shown=words)

    async def taps(self, title: str) -> None:
        """Tap an option of the latest message that offers one titled so; old menus stay tappable, as on a phone."""
        for message in reversed(self._received):
            for offer in offers(message):
                if offer.title == title:
                    return await self._send("tap", title, option=offer.id, shown=f"[{title}]")
        if option := self._offered_before.get(title):
            return await self._send("tap", title, option=option, shown=f"[{title}]")
        raise self._failure(f"no message offers {title!r}")

    async def sends(
        self,
        kind: Kind,
        caption: str = "",
        *,
        content: Content | bytes | None = None,
        filename: str = "",
    ) -> None:
        """Send something that is not text: a picture, a voice note, a location. `content` is the file's bytes, or the
        place, cart or form itself; without it a sample goes."""
        if isinstance(content, bytes | None):
            content = self.files.sent(kind, self.cliente.nome, content, filename)
        await self._send(kind, caption, content=content, shown=f"<{kind}> {caption}".rstrip())

    def sees(self, *words: str, options: Sequence[str] | None = None, kind: str = "") -> None:
        """Read the next reply: it holds all the words, offers exactly these options if any are given, and is of this
        kind: `text`, `image`, `document`, `location`… Fails for a message that WhatsApp would refuse.
        """
        if not self._unread:
            raise self._failure(f"expected {words!r}, but the bot said nothing more")
        message = self._unread.pop(0)
        try:
            render(message, to="5511900000001", media_id="1")
        except ValueError as refusal:
            raise self._failure(f"WhatsApp would refuse the message: {refusal}") from None
        if kind not in ("", kind_of(message)):
            raise self._failure(f"expected a message of kind {kind!r}, got {kind_of(message)!r}")
        for expected in words:
            if expected not in words_of(message):
                raise self._failure(f"expected {expected!r} in {words_of(message)!r}")
        titles = [offer.title for offer in offers(message)]
        if options is not None and titles != list(options):
            raise self._failure(f"expected the options {list(options)}, got {titles}")

    def sees_nothing(self) -> None:
        """The bot had nothing to say."""
        if self._unread:
            raise self._failure(f"expected silence, got {words_of(self._unread[0])!r}")

    def is_at(self, etapa: str | None) -> None:
        """The conversation stands at this etapa; None means that no flow is running."""
        if (self.state.etapa or None) != etapa:
            raise self._failure(f"expected to be at {etapa}, but is at {self.state.etapa or None}")

    def waits(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> None:
        """Time passes before the customer goes on."""
        self.clock.moves(days=days, hours=hours, minutes=minutes)

    def upgrade(self, from_state: Mapping[str, Any] | State) -> None:
        """Go on with a conversation that an earlier release left: what `left_behind` gave, or a State.

        The next message runs the flow's migrations and renames, as it would for a customer.
        """
        first = self.flows[0].flow.id if self.flows else ""
        if isinstance(from_state, State):
            self.state = msgspec.structs.replace(from_state, flow=from_state.flow or first)
            return
        left = msgspec.convert(from_state, LeftBehind)
        self.state = left.state(first)
        self._offered_before = left.offered

    def left_behind(self) -> dict[str, Any]:
        """Where the conversation stands, for a JSON file beside the tests: see `upgrade`."""
        state = self.state
        left = LeftBehind(
            flow=state.flow,
            etapa=state.etapa,
            version=state.version,
            data=msgspec.json.decode(state.data),
            shown=state.shown,
            offered=self._offered_before
            | {offer.title: offer.id for message in self._received for offer in offers(message)},
        )
        kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(left))
        return kept

    @property
    def last(self) -> Outbound:
        """The latest message received."""
        return self._received[-1]

    async def _send(
        self, kind: Kind, text: str, *, option: str = "", content: Content | None = None, shown: str
    ) -> None:
        if self._unread:
            raise self._failure(f"unread when the customer spoke: {words_of(self._unread[0])!r}")
        self._write(self.cliente.nome, shown)
        self._count += 1
        self.now += EACH_MESSAGE
        wamid = f"wamid.{self._count}"
        message = Inbound(wamid=wamid, at=self.now, kind=kind, text=text, option=option, content=content)
        scene = Scene(self.bot, self.cliente, self.now, self.doubles, files=self.files)
        try:
            turn = await take_turn(self.flows, self.state, scene, message)
        except PluginFailed as failed:  # an author wants to see what their own code raised
            raise failed.__cause__ or failed from None
        self.state, self.opted_out = turn.state, self.opted_out or turn.opted_out
        self.happened += turn.events
        self._unread += turn.replies
        self._received += turn.replies
        for reply in turn.replies:
            self._write("bot", shown_of(reply), [offer.title for offer in offers(reply)])

    def _write(self, who: str, words: str, options: Sequence[str] = ()) -> None:
        indent = " " * 10
        self._transcript.append(f"{who:>8}: " + words.replace("\n", f"\n{indent}"))
        self._transcript += [f"{indent}  ▢ {title}" for title in options]

    def _failure(self, why: str) -> AssertionError:
        at = f"          (at {self.state.etapa or 'no etapa'})"
        return AssertionError("\n".join([why, "", *self._transcript, at]))
