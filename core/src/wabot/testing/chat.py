"""Talk to a flow in a test, in four verbs: `says`, `taps`, `sees`, `is_at`. No database, no network, no waiting."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from wabot.flow import Chatbot, Cliente, Event, Flow
from wabot.message import Button as ReplyButton
from wabot.message import ButtonsMessage, Inbound, Kind, ListMessage, Outbound, Row, words_of
from wabot.turn import BoundFlow, Scene, State, take_turn


def offers(message: Outbound) -> Sequence[ReplyButton | Row]:
    """What can be tapped on a message."""
    if isinstance(message, ButtonsMessage):
        return message.buttons
    return message.rows if isinstance(message, ListMessage) else ()


class Chat:
    """A customer and a bot with these flows. Speaking while a reply is unread fails: nothing is said unseen.

    `doubles` maps the plugin's own types to what `ctx.get` gives in their place. `now` may be set at any time.
    """

    def __init__(
        self,
        *flows: Flow[Any],
        nome: str = "Ana",
        config: Any = None,
        doubles: Mapping[type, Any] | None = None,
        state: State | None = None,
    ) -> None:
        self.flows = [BoundFlow(flow, config) for flow in flows]
        self.bot = Chatbot(1, "Loja")
        self.cliente = Cliente(1, nome)
        self.doubles = dict(doubles or {})
        self.now = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        self.state = state or State()
        self.happened: list[Event] = []
        self.opted_out = False
        self._transcript: list[str] = []
        self._unread: list[Outbound] = []
        self._received: list[Outbound] = []
        self._count = 0

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
        raise self._failure(f"no message offers {title!r}")

    async def sends(self, kind: Kind, caption: str = "") -> None:
        """Send something that is not text: a picture, a voice note, a location."""
        await self._send(kind, caption, shown=f"<{kind}> {caption}".rstrip())

    def sees(self, *words: str, options: Sequence[str] | None = None) -> None:
        """Read the next reply: it holds all the words, and offers exactly these options if any are given."""
        if not self._unread:
            raise self._failure(f"expected {words!r}, but the bot said nothing more")
        message = self._unread.pop(0)
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

    @property
    def last(self) -> Outbound:
        """The latest message received."""
        return self._received[-1]

    async def _send(self, kind: Kind, text: str, *, option: str = "", shown: str) -> None:
        if self._unread:
            raise self._failure(f"unread when the customer spoke: {words_of(self._unread[0])!r}")
        self._write(self.cliente.nome, shown)
        self._count += 1
        self.now += timedelta(seconds=10)
        message = Inbound(wamid=f"wamid.{self._count}", at=self.now, kind=kind, text=text, option=option)
        scene = Scene(self.bot, self.cliente, self.now, self.doubles)
        turn = await take_turn(self.flows, self.state, scene, message)
        self.state, self.opted_out = turn.state, self.opted_out or turn.opted_out
        self.happened += turn.events
        self._unread += turn.replies
        self._received += turn.replies
        for reply in turn.replies:
            self._write("bot", words_of(reply), [offer.title for offer in offers(reply)])

    def _write(self, who: str, words: str, options: Sequence[str] = ()) -> None:
        indent = " " * 10
        self._transcript.append(f"{who:>8}: " + words.replace("\n", f"\n{indent}"))
        self._transcript += [f"{indent}  ▢ {title}" for title in options]

    def _failure(self, why: str) -> AssertionError:
        at = f"          (at {self.state.etapa or 'no etapa'})"
        return AssertionError("\n".join([why, "", *self._transcript, at]))
