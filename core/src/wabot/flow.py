"""The vocabulary of a conversation flow: what a plugin author writes with. Nothing here does I/O.

An etapa is called to ask, and called again to understand the answer, so a question is rebuilt every turn and
never stored. An etapa only reads; only its `then` writes.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar, cast

import msgspec

from wabot.contents import File, Media
from wabot.errors import FlowFault, NoFile
from wabot.message import Inbound, Kind, Outbound, TemplateMessage
from wabot.text import fold

D = TypeVar("D")
T = TypeVar("T")


class Chatbot(msgspec.Struct, frozen=True):
    """The bot that is talking, as a flow sees it."""

    id: int
    nome: str
    timezone: str = "America/Sao_Paulo"


class Cliente(msgspec.Struct, frozen=True):
    """The customer, as a flow sees them. `nome` may be empty: it is what the person calls themselves."""

    id: int
    nome: str = ""

    @property
    def primeiro_nome(self) -> str:
        return self.nome.split(maxsplit=1)[0] if self.nome.strip() else ""


class Files(Protocol):
    """The files of the bot that is talking. In a test they are in memory."""

    async def read(self, file: Media | File) -> bytes:
        """The bytes of what a customer sent, or of a kept file. Raises NoFileYet and NoFile."""

    async def keep(self, content: bytes | Path, *, filename: str = "", mime_type: str = "") -> File:
        """Keep a file, to send it. The same bytes are kept once. Raises ValueError for none, or more than 100 MB."""


class NoFiles:
    """Where there are none: outside a running wabot."""

    async def read(self, file: Media | File) -> bytes:
        raise NoFile("Aqui não há arquivos guardados.")

    async def keep(self, content: bytes | Path, *, filename: str = "", mime_type: str = "") -> File:
        raise NoFile("Aqui não se guardam arquivos.")


class Event(msgspec.Struct, frozen=True):
    """Something worth counting that happened in a turn; stored with it."""

    name: str
    fields: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to choose. `key` must stay the same for the same thing: people tap last week's buttons."""

    key: str
    title: str
    description: str = ""


class HasOption(Protocol):
    """A value of the plugin's own that knows how it is offered."""

    def option(self) -> Option: ...


Choice = TypeVar("Choice", bound="str | Option | HasOption")
Answer = TypeVar("Answer")


WORDS: tuple[Kind, ...] = ("text", "tap")
Words = str | Outbound | Sequence[str | Outbound]
"""What is said: words, a message of another kind (a document, a place), or several of both in their order."""


@dataclass(frozen=True, slots=True)
class Choose(Generic[Choice]):
    """A question with a closed set of answers: buttons, a list, or pages of a list, as fits.

    `then` receives the chosen element of `among` and returns what happens next.
    """

    text: str
    among: Sequence[Choice]
    then: Callable[[Choice], Outcome | Awaitable[Outcome]]
    button: str = "Ver opções"
    """What opens the list, where it becomes one (20 characters)."""


@dataclass(frozen=True, slots=True)
class Ask(Generic[Answer]):
    """A question answered in words. `check` turns them into a value or raises NotUnderstood with a hint."""

    text: str
    check: Callable[[str], Answer]
    then: Callable[[Answer], Outcome | Awaitable[Outcome]]
    image: str = ""
    """Link of a picture shown with the question."""
    kinds: tuple[Kind, ...] = WORDS
    """What counts as an answer: `("image", "document")` asks for a file, whose caption `check` gets. The file itself,
    a place or a cart is in `ctx.message`."""


@dataclass(frozen=True, slots=True)
class Go:
    """Go on at another etapa, named by its function. `say` is put before what that etapa asks.

    An override, which must not import the flow it changes, names the etapa by its code instead.
    """

    to: Etapa[Any] | str
    say: Words = ""


@dataclass(frozen=True, slots=True)
class End:
    """The conversation of this flow is over."""

    say: Words


@dataclass(frozen=True, slots=True)
class Handover:
    """A person takes over; the bot is silent until the customer says *menu*."""

    say: Words = ""


Question = Choose[Any] | Ask[Any]
Outcome = Choose[Any] | Ask[Any] | Go | End | Handover


@dataclass(slots=True)
class Context(Generic[D]):
    """What an etapa may look at. `data` is the flow's own state: change it in `then`, and it is kept."""

    bot: Chatbot
    cliente: Cliente
    data: D
    message: Inbound
    now: datetime
    config: Any = None
    """The plugin's configuration for this bot: an instance of its `wabot_config` Struct."""
    doubles: dict[type, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    files: Files = field(default_factory=NoFiles)

    def get(self, kind: type[T]) -> T:
        """The plugin's own `kind`, made without arguments, or what a test put in its place."""
        return cast(T, self.doubles[kind]) if kind in self.doubles else kind()

    def event(self, name: str, **fields: Any) -> None:
        """Record that something happened, in the turn's transaction. Prefix it: `pedido.confirmado`."""
        self.events.append(Event(name, fields))


Etapa = Callable[[Context[D]], Awaitable["Outcome"]]
Migration = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns data as one version stored it into data as the next one reads it."""
Otherwise = Literal["restart", "hand_over"]


class Flow(Generic[D]):
    """One conversation: etapas, the data they share, and the words that start it.

    `version` counts the shapes of the data. Conversations that are under way when a new release is installed go on:
    `migrations[1]` turns the data of version 1 into that of version 2, `renamed` says where an etapa that does not
    exist any more goes on. Where there is no such path, `otherwise` decides: the flow starts again, or a person
    takes over; the customer is told.
    `reopen` is sent, once, in place of replies that could not go within 24 hours of the customer's last words: after
    that WhatsApp takes approved templates only. Without it such replies end as failed.
    Raises ValueError for an id, data type or keyword that cannot work, at import, where the author sees it.
    """

    def __init__(
        self,
        id: str,
        *,
        data: type[D],
        version: int = 1,
        title: str = "",
        keywords: Sequence[str] = (),
        migrations: Mapping[int, Migration] | None = None,
        renamed: Mapping[str, str] | None = None,
        otherwise: Otherwise = "restart",
        reopen: TemplateMessage | None = None,
    ) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", id):
            raise ValueError(f"flow id {id!r}: use small letters, digits and _, at most 40")
        self.id = id
        self.data = data
        self.version = version
        self.title = title or id.replace("_", " ").capitalize()
        self.keywords = frozenset(fold(word) for word in keywords)
        self.migrations = dict(migrations or {})
        self.renamed = dict(renamed or {})
        self.otherwise = otherwise
        self.reopen = reopen
        self.etapas: dict[str, Etapa[D]] = {}
        data()  # every field needs a default: a conversation starts from nothing
        if not isinstance(reopen, TemplateMessage | None):
            raise ValueError(f"flow {id}: reopen is a TemplateMessage, not {type(reopen).__name__}")
        if "" in self.keywords:
            raise ValueError(f"flow {id}: an empty keyword would start it with every message")

    def etapa(self, function: Etapa[D]) -> Etapa[D]:
        """Register an etapa; its code is the function's name. The first one registered begins the flow."""
        code = function.__name__
        if code in self.etapas:
            raise ValueError(f"flow {self.id}: two etapas named {code}")
        self.etapas[code] = function
        return function

    @property
    def first(self) -> str:
        if not self.etapas:
            raise FlowFault(f"{self.id}: a flow needs at least one etapa")
        return next(iter(self.etapas))

    def code_of(self, to: Etapa[Any] | str) -> str:
        """The code of an etapa of this flow. Raises FlowFault for a function or a code that is not one."""
        code = to if isinstance(to, str) else getattr(to, "__name__", "")
        if code not in self.etapas or not (isinstance(to, str) or self.etapas[code] is to):
            raise FlowFault(f"{self.id}: Go leads to {code or to!r}, which is not an etapa of this flow")
        return code


def option_of(choice: str | Option | HasOption) -> Option:
    """How an element of `among` is offered. A plain string is its own title and key."""
    if isinstance(choice, Option):
        return choice
    if isinstance(choice, str):
        return Option(fold(choice).replace(" ", "_"), choice)
    return choice.option()
