"""What a plugin is made of besides its flows: values that its hooks declare, and wabot runs. Nothing here does I/O."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

import msgspec
from msgspec import Meta

from wabot.flow import Chatbot, Context, Etapa, Files, Handover, Migration, NoFiles, Outcome, Words
from wabot.message import Inbound, TemplateMessage
from wabot.reach import NoReach, Reach

C = TypeVar("C", bound=msgspec.Struct)
T = TypeVar("T")

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

Papel = Literal["leitor", "operador", "dono"]
"""Look · serve clientes and pedidos · decide about plugins, credentials, people. Each includes those before it."""

Secret = Annotated[
    str, Meta(extra={"secret": True}, extra_json_schema={"format": "password", "writeOnly": True})
]
"""A text in a configuration that is stored encrypted and never shown again: a password, a key of another service."""

Reais = Annotated[int, Meta(extra={"money": True}, extra_json_schema={"format": "centavos"})]
"""Money in a configuration: integer centavos in the code and on the command line, `R$ 12,90` in the panel."""


class Horario(msgspec.Struct, frozen=True):
    """From when until when, in the bot's own time zone: `config.aberto.includes(now.time())`."""

    das: Annotated[time, Meta(title="Das")] = time(8)
    ate: Annotated[time, Meta(title="Até")] = time(18)

    def includes(self, at: time) -> bool:
        """Whether a time of day lies in it, the end not included. Until earlier than from: past midnight."""
        if self.das <= self.ate:
            return self.das <= at < self.ate
        return at >= self.das or at < self.ate


def _named(what: str, name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{what} {name!r}: use small letters, digits and _, at most 40, a letter first")


@dataclass(frozen=True, slots=True)
class Versioned(Generic[C]):
    """A configuration whose shape has changed since the first release.

    `migrations[1]` turns what version 1 stored (a dict) into what version 2 stores, and so on.
    """

    shape: type[C]
    version: int = 1
    migrations: Mapping[int, Migration] = field(default_factory=dict)


class Bound(msgspec.Struct, Generic[T], frozen=True):
    """Something a plugin declares, with the configuration that one bot has for the plugin."""

    plugin: str
    value: T
    config: Any = None


@dataclass(frozen=True, slots=True)
class Override:
    """One etapa of another plugin's flow, replaced or wrapped, for the bots that switch this plugin on.

    `etapa` names it: `pedidos.confirmar_pedido`. `replace` is an etapa of the same data; `wrap` receives the
    context and the original, and returns what the original gave or something else. Either may
    `Go` to the flow's other etapas by code: `Go("adicionar_mais")`.
    Raises ValueError unless exactly one of the two is given.
    """

    etapa: str
    replace: Etapa[Any] | None = None
    wrap: Callable[[Context[Any], Etapa[Any]], Awaitable[Outcome]] | None = None

    def __post_init__(self) -> None:
        flow, _, etapa = self.etapa.partition(".")
        if not (NAME.fullmatch(flow) and etapa.isidentifier()):
            raise ValueError(f"override {self.etapa!r}: write flow.etapa, such as pedidos.confirmar_pedido")
        if (self.replace is None) == (self.wrap is None):
            raise ValueError(f"override of {self.etapa}: give either replace or wrap")


@dataclass(frozen=True, slots=True)
class Say:
    """A filter's answer: this is said, and the flows never see the message. Where the conversa stands is kept."""

    text: Words


Filtered = Inbound | Say | Handover | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Looks at every message before the flows do: opening hours, a blocked word, a transcription.

    `look` returns None (go on), another Inbound (go on with that), a Say or a Handover.
    A filter that fails is left out for that message: it must not silence the flow behind it.
    """

    name: str
    look: Callable[[Context[None]], Awaitable[Filtered]]

    def __post_init__(self) -> None:
        _named("filter", self.name)


@dataclass(frozen=True, slots=True)
class BotContext:
    """One bot, as work outside a conversation sees it: a job, a sink, a campaign."""

    bot: Chatbot
    now: datetime
    config: Any = None
    doubles: Mapping[type, Any] = field(default_factory=dict)
    files: Files = field(default_factory=NoFiles)
    arguments: Any = None
    """Of a job that takes some: an instance of its Struct, as somebody set it for this bot."""
    reach: Reach = field(default_factory=NoReach)

    async def say(self, cliente: int, words: str, *, quiet_since: datetime | None = None) -> bool:
        """For jobs: write to a cliente who asked nothing, in the job's transaction. Whether it goes.

        It does not where Meta takes no free words (24 hours after the cliente's own: then it takes a template, and a
        campaign), nor to one who is being answered, whom a person talks to, who is switched off, or, with
        `quiet_since`, who has written after that. Until the job ends their next message waits: say things last.
        """
        return await self.reach.say(cliente, words, quiet_since)

    async def event(self, name: str, /, *, cliente: int | None = None, **fields: Any) -> None:
        """For jobs: record something worth counting, in the job's transaction. `cliente` None: about nobody."""
        await self.reach.event(name, cliente, fields)

    def get(self, kind: type[T]) -> T:
        """The plugin's own `kind`, made without arguments, or what a test put in its place."""
        return cast(T, self.doubles[kind]) if kind in self.doubles else kind()


@dataclass(frozen=True, slots=True)
class PageContext(BotContext):
    """A page of a plugin, asked for by somebody in the panel."""

    person: str = ""
    """Their e-mail."""
    papel: Papel = "leitor"
    """What they may do on this bot; for a superuser, `dono`."""
    query: Mapping[str, str] = field(default_factory=dict)
    """What stands behind the `?` of the address. Anybody can write anything there."""


@dataclass(frozen=True, slots=True)
class Html:
    """A Jinja template in the plugin's folder `templates/`, with values. What is in the values is escaped."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planilha:
    """A CSV file for the browser to keep, in place of a page. No cell of it is run as a formula."""

    name: str
    """What it is called: `pedidos.csv`."""
    rows: Iterable[Iterable[Any]]
    """The heading first. Numbers and dates are written as Python writes them."""


@dataclass(frozen=True, slots=True)
class PluginPage:
    """A page in the panel of each bot that has the plugin on, at `/painel/<bot>/<plugin>/<path>/`.

    `show` gives what stands inside the panel's frame: an Html, or a text, which is escaped; or a Planilha, which is
    downloaded. It only reads: what it writes is undone. `papel` is the least that somebody must be to see it. An empty
    `path` is the plugin's first page.
    """

    title: str
    show: Callable[[PageContext], Awaitable[Html | Planilha | str]]
    path: str = ""
    icon: str = ""
    """One emoji, before the title in the navigation."""
    papel: Papel = "leitor"

    def __post_init__(self) -> None:
        if self.path:
            _named("page", self.path)


@dataclass(frozen=True, slots=True)
class AdminTable:
    """One of the plugin's Piccolo tables, as superusers find it in `/admin/`.

    They see all of it but the columns with `secret=True`. They change the columns named in `changes`, and nothing else;
    `adds` and `removes` say whether there may be new rows, and fewer. Every change is written into the audit trail.
    """

    table: type[Any]
    changes: tuple[str, ...] = ()
    adds: bool = False
    removes: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """Work at fixed times, for each bot that has the plugin on: `cron` is read in the bot's own time zone.

    `run` may return a sentence for whoever reads the result. It runs in one transaction. `missed` says what becomes of
    a time that passed more than an hour ago, all workers being off: `run` once, or `skip`. `arguments` is a frozen
    Struct whose fields have defaults; `ctx.arguments` is one. Times, `missed` and arguments are where a bot begins:
    people change them.
    """

    name: str
    run: Callable[[BotContext], Awaitable[str | None]]
    cron: str
    title: str = ""
    missed: Literal["run", "skip"] = "run"
    arguments: type[msgspec.Struct] | None = None

    def __post_init__(self) -> None:
        _named("job", self.name)
        if self.missed not in ("run", "skip"):
            raise ValueError(f"job {self.name}: missed is run or skip, not {self.missed!r}")


class Recorded(msgspec.Struct, frozen=True):
    """An event as it was stored with its turn."""

    id: int
    name: str
    fields: dict[str, Any]
    at: datetime
    conversa: int
    cliente: int


@dataclass(frozen=True, slots=True)
class Sink:
    """Reads what happened, in order and in batches, from its own checkpoint; a slow or broken one delays nobody.

    `take` runs in one transaction with the checkpoint: what it writes through `DB` counts each event exactly once.
    What it does elsewhere may be done again after a crash. `events` are names, or prefixes such as `pedido.*`.
    """

    name: str
    take: Callable[[BotContext, Sequence[Recorded]], Awaitable[None]]
    events: tuple[str, ...] = ("*",)

    def __post_init__(self) -> None:
        _named("sink", self.name)

    def wants(self, event: str) -> bool:
        return any(
            event.startswith(wanted[:-1]) if wanted.endswith("*") else event == wanted
            for wanted in self.events
        )


@dataclass(frozen=True, slots=True)
class Recipient:
    """One cliente of the bot, and the template that goes to them."""

    cliente: int
    template: TemplateMessage
    mailing: int | None = None
    """The Mailing (by its id) with which it is paused, resumed and withdrawn; None: it goes once it is written down."""


Audience = Awaitable[Sequence[Recipient]] | AsyncIterator[Sequence[Recipient]]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Writes to people who did not write first, with a template Meta approved.

    `audience` says to whom and what: a coroutine that returns all of it, or, for a great many, an async generator that
    yields lots. When it goes on after a lot, those are in the outbox. wabot sees to the rest: only clientes of the bot
    who accept marketing, each once a round (a day of the bot's calendar), behind every reply, and never again when an
    outcome is unknown.
    """

    name: str
    audience: Callable[[BotContext], Audience]
    cron: str = "0 10 * * *"
    title: str = ""

    def __post_init__(self) -> None:
        _named("campaign", self.name)


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the plugin's own tables hold about a person (LGPD): how to hand it over, and how to erase it.

    Both take the chatbot's and the cliente's id. `export` returns values that JSON can hold; `erase` returns how many
    rows it erased or made anonymous. Afterwards the cliente's own row goes: rows that stay must have let go of it.
    Each runs in the transaction of the whole, 30 seconds at most, also for bots that have the plugin off.
    """

    export: Callable[[int, int], Awaitable[Mapping[str, Any]]]
    erase: Callable[[int, int], Awaitable[int]]
