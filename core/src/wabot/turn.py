"""One turn of a conversation: state and message in, new state and replies out. No I/O of its own."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from inspect import isawaitable
from typing import Any

import msgspec

from wabot import texts
from wabot.errors import FlowFault, NewerState, PluginFailed
from wabot.flow import (
    Ask,
    Chatbot,
    Choose,
    Cliente,
    Context,
    End,
    Event,
    Files,
    Flow,
    Go,
    Handover,
    NoFiles,
    Option,
    Outcome,
    Question,
    Words,
)
from wabot.layout import MESSAGES_MOST, Said, page_shown, said, say, show
from wabot.message import Inbound, Outbound
from wabot.parts import Bound, Filter, Override, Say
from wabot.text import fold
from wabot.understand import Missed, Page, Picked, names_an_option, stamp_of, understand, word_of
from wabot.upgrade import Left, current, resume

GO_LIMIT = 10
"""How many `Go`s one turn follows before the flow is held to run in circles."""
EVENTS_MOST = 100
DATA_MOST = 256 * 1024
"""Bytes of a flow's data. It is read and written with every message."""
CALL_LIMIT = 5.0
"""Seconds one call into a plugin may take."""
NEWER_PATIENCE = timedelta(minutes=5)
"""How long a message waits for a process with the newer release that wrote its conversation's state."""
LATE_AFTER = timedelta(hours=24)
"""Meta delivers for seven days what it could not deliver at once. After 24 hours only a template may be the answer, and
the customer has long gone on."""
MISSES_BEFORE_PERSON = 2
MENU_PLACE = "wabot.menu"


class State(msgspec.Struct, frozen=True):
    """Where a conversa stands between two turns."""

    flow: str = ""
    etapa: str = ""
    version: int = 0
    data: bytes = b"{}"
    shown: tuple[str, ...] = ()
    misses: int = 0
    person: bool = False
    """A person has taken over; the bot is silent."""


class BoundFlow(msgspec.Struct, frozen=True):
    """A flow as switched on for one bot, and its etapas that other plugins change there."""

    flow: Flow[Any]
    config: Any = None
    plugin: str = ""
    overrides: Mapping[str, Bound[Override]] = {}


@dataclass(slots=True)
class Trail:
    """Which plugins a turn has called, and which it is in: who is to blame if it never comes back."""

    plugin: str = ""
    called: set[str] = field(default_factory=set)

    def enter(self, plugin: str) -> None:
        self.plugin = plugin
        self.called.add(plugin)


class Scene(msgspec.Struct, frozen=True):
    """Who talks to whom, and when."""

    bot: Chatbot
    cliente: Cliente
    now: datetime
    doubles: Mapping[type, Any] = {}
    filters: tuple[Bound[Filter], ...] = ()
    down: frozenset[str] = frozenset()
    """Plugins that must not be called now."""
    incomplete: bool = False
    """A plugin that is switched on for the bot cannot be used: a flow that is not here may come back."""
    trail: Trail = msgspec.field(default_factory=Trail)
    files: Files = msgspec.field(default_factory=NoFiles)


class Turn(msgspec.Struct, frozen=True):
    """What a turn did: the shell stores and sends it."""

    state: State
    replies: tuple[Outbound, ...] = ()
    events: tuple[Event, ...] = ()
    opted_out: bool = False
    flow: str = ""
    """The flow that speaks; empty: the engine."""
    path: tuple[str, ...] = ()
    """The etapas it came to, in order: `pedidos.inicio`."""


def is_late(message: Inbound, now: datetime) -> bool:
    """Whether it is too late to answer this message as if it had just been written."""
    return now - message.at > LATE_AFTER


async def take_turn(flows: Sequence[BoundFlow], state: State, scene: Scene, message: Inbound) -> Turn:
    """Answer one message. The first of `flows` is the one a greeting starts.

    Raises PluginFailed when a plugin's code raises, takes too long or breaks its contract, and NewerState.
    """
    if not message.expects_answer:
        return Turn(state)
    if is_late(message, scene.now):
        return _late(state, scene, message)
    taker = _Taker({bound.flow.id: bound for bound in flows}, state, scene, message)
    try:
        turn = await taker.turn()
        return _bounded(msgspec.structs.replace(turn, flow=taker.speaking, path=tuple(taker.path)))
    except _Down as down:
        return await taker.without_plugin(str(down))
    except (NewerState, PluginFailed):
        raise
    except Exception as error:
        raise PluginFailed(scene.trail.plugin, error) from error


class _Down(Exception):
    """The plugin that would have to answer must not be called now."""


def _late(state: State, scene: Scene, message: Inbound) -> Turn:
    """Nothing is said and nothing moves, but whoever wanted to be left alone is."""
    hours = (scene.now - message.at) // timedelta(hours=1)
    events = [Event("mensagem.atrasada", {"horas": hours})]
    if opted_out := word_of(message) == "sair":
        events.append(Event("cliente.saiu"))
    return Turn(state, events=tuple(events), opted_out=opted_out)


def _bounded(turn: Turn) -> Turn:
    """What would flood the customer or the database is a fault, whatever the plugin meant by it."""
    for what, size, most in (
        ("messages", len(turn.replies), MESSAGES_MOST),
        ("events", len(turn.events), EVENTS_MOST),
        ("bytes of data", len(turn.state.data), DATA_MOST),
    ):
        if size > most:
            raise FlowFault(f"{size} {what} in one turn; at most {most} are allowed")
    return turn


@dataclass(slots=True)
class _Taker:
    flows: dict[str, BoundFlow]
    state: State
    scene: Scene
    message: Inbound
    before: list[Said] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    misses: int = 0
    speaking: str = ""
    path: list[str] = field(default_factory=list)

    async def turn(self) -> Turn:
        if self.state.person:
            return await self.with_person()
        if answered := await self.filtered():
            return answered
        if self.state.flow in self.flows:
            return await self.running()
        return await self.idle()

    # -- calls into plugins -------------------------------------------------------------------------------

    async def settled(self, outcome: Outcome | Awaitable[Outcome]) -> Outcome:
        """What a plugin's code gives, in its time."""
        if not isawaitable(outcome):
            return outcome
        async with asyncio.timeout(CALL_LIMIT):
            return await outcome

    async def ask(self, bound: BoundFlow, etapa: str, context: Context[Any]) -> Outcome:
        """Call an etapa, or what another plugin put in its place or around it."""
        original, changed = bound.flow.etapas[etapa], bound.overrides.get(etapa)
        if changed is None:
            self.enter(bound.plugin)
            return await self.settled(original(context))
        self.enter(changed.plugin)
        theirs = replace(context, config=changed.config)
        if changed.value.replace:
            return await self.settled(changed.value.replace(theirs))

        async def inner(given: Context[Any]) -> Outcome:
            return await original(replace(given, config=bound.config))

        assert changed.value.wrap
        return await self.settled(changed.value.wrap(theirs, inner))

    def enter(self, plugin: str) -> None:
        """Raises _Down for a plugin that must not be called now."""
        if plugin in self.scene.down:
            raise _Down(plugin)
        self.scene.trail.enter(plugin)

    async def filtered(self) -> Turn | None:
        """The turn, if a filter answers in the flows' place."""
        for bound in self.scene.filters:
            if bound.plugin in self.scene.down:
                continue
            scene = self.scene
            context = self.context(bound.config, None)
            try:
                scene.trail.enter(bound.plugin)
                async with asyncio.timeout(CALL_LIMIT):
                    found = await bound.value.look(context)
                if not isinstance(found, Inbound | Say | Handover | None):
                    raise FlowFault(f"filter {bound.value.name} gave {type(found).__name__}")
            except Exception as error:
                raise PluginFailed(bound.plugin, error, skippable=True) from error
            self.events += context.events
            match found:
                case Inbound():
                    self.message = found
                case Say(words):
                    return self.close(self.state, words)
                case Handover(words):
                    return self.hand_over(words)
        return None

    # -- where the conversa stands -----------------------------------------------------------------------

    async def with_person(self) -> Turn:
        match word_of(self.message):
            case "menu":
                return await self.menu()
            case "sair":  # the person answers; that it was said counts
                return Turn(self.state, events=(Event("cliente.saiu"),), opted_out=True)
        return Turn(self.state)

    async def idle(self) -> Turn:
        if self.state.flow and self.scene.incomplete:
            raise _Down(self.state.flow)
        if word := word_of(self.message):
            return await self.act(word)
        if chosen := self.flow_named():
            return await self.start(chosen)
        if fold(self.message.text) in texts.THANKS:
            return self.close(State(), texts.POR_NADA)
        if stamp_of(self.message):
            self.before.append(texts.CONVERSA_ANTERIOR)
        elif self.state.etapa:  # its flow is not switched on any more
            self.before.append(texts.ATUALIZAMOS)
        return await self.menu()

    async def running(self) -> Turn:
        bound = self.flows[self.state.flow]
        found = resume(bound.flow, Left(self.state.etapa, self.state.version, self.state.data))
        if found.fate == "waits" and self.scene.now - self.message.at < NEWER_PATIENCE:
            raise NewerState(
                f"{bound.flow.id} {self.state.version}, and this process has {bound.flow.version}"
            )
        if found.data is None:
            return await self.without_path(bound)
        self.state = msgspec.structs.replace(self.state, etapa=found.etapa)
        self.message = _renamed(bound.flow, self.message)
        context = self.context(bound.config, found.data)
        outcome = await self.ask(bound, found.etapa, context)
        if not isinstance(outcome, Choose | Ask):  # the world moved on while the customer was typing
            return await self.follow(bound, context, found.etapa, outcome)
        return await self.answer(bound, context, outcome)

    async def without_path(self, bound: BoundFlow) -> Turn:
        """This release cannot go on with what an earlier one left: say so, and do what the flow wants then."""
        if bound.flow.otherwise == "hand_over":
            return self.hand_over(texts.ATUALIZAMOS_PESSOA)
        self.before.append(texts.ATUALIZAMOS)
        return await self.start(bound)

    async def without_plugin(self, plugin: str) -> Turn:
        """What can be said and done while the plugin that would have to answer must not be called."""
        word = word_of(self.message)
        if word and word != "menu":
            return await self.act(word)
        return Turn(self.state, say([texts.FORA_DO_AR]), (Event("plugin.fora_do_ar", {"plugin": plugin}),))

    # -- what the customer may want ----------------------------------------------------------------------

    async def answer(self, bound: BoundFlow, context: Context[Any], question: Question) -> Turn:
        word = None if names_an_option(question, self.message) else word_of(self.message)
        if word:
            return await self.act(word)
        place = f"{bound.flow.id}.{self.state.etapa}"
        match understand(question, self.message, place, self.state.shown):
            case Picked(value):
                outcome = await self.settled(question.then(value))
                return await self.follow(bound, context, self.state.etapa, outcome)
            case Page(number):
                return self.put(bound, context, self.state.etapa, question, number)
            case Missed(hint):
                return await self.missed(bound, context, question, hint)

    async def missed(self, bound: BoundFlow, context: Context[Any], question: Question, hint: str) -> Turn:
        if (other := self.flow_named()) and other.flow is not bound.flow:
            return await self.start(other)
        self.misses = self.state.misses + 1
        self.before.append(hint)
        if self.misses > MISSES_BEFORE_PERSON:
            self.before.append(texts.OFERECER_PESSOA)
        fields = {"flow": bound.flow.id, "etapa": self.state.etapa}
        self.events.append(Event("resposta.nao_entendida", fields))
        page = page_shown(question, self.state.shown)
        return self.put(bound, context, self.state.etapa, question, page)

    async def act(self, word: texts.Word) -> Turn:
        match word:
            case "menu":
                return await self.menu()
            case "cancelar":
                running = self.state.flow in self.flows
                return self.close(State(), texts.CANCELADO if running else texts.NADA_A_CANCELAR)
            case "sair":
                self.events.append(Event("cliente.saiu"))
                turn = self.close(State(), texts.SAIU)
                return msgspec.structs.replace(turn, opted_out=True)
            case "atendente":
                return self.hand_over("")

    async def menu(self) -> Turn:
        """Start the bot's flow; where there are several, ask which."""
        if not self.flows:
            if self.scene.incomplete:
                raise _Down
            return Turn(State(), events=tuple(self.events))
        if len(self.flows) == 1:
            return await self.start(next(iter(self.flows.values())))
        among = [Option(bound.flow.id, bound.flow.title) for bound in self.flows.values()]
        question = Choose(texts.QUAL_ASSUNTO, among=among, then=lambda _: End(""))
        shown = show(question, self.before, MENU_PLACE)
        return Turn(State(shown=shown.keys), shown.messages, tuple(self.events))

    def flow_named(self) -> BoundFlow | None:
        """The flow the message asks for: by keyword, or by what the menu offered."""
        if (stamp := stamp_of(self.message)) and stamp[0] == MENU_PLACE:
            return self.flows.get(stamp[1])
        words = fold(self.message.text)
        for bound in self.flows.values():
            if words in bound.flow.keywords or (not self.state.flow and words == fold(bound.flow.title)):
                return bound
        if words.isdecimal() and not self.state.flow and 1 <= int(words) <= len(self.state.shown):
            return self.flows.get(self.state.shown[int(words) - 1])
        return None

    # -- what happens next -------------------------------------------------------------------------------

    async def start(self, bound: BoundFlow) -> Turn:
        self.events.append(Event("conversa.iniciada", {"flow": bound.flow.id}))
        context = self.context(bound.config, bound.flow.data())
        first = bound.flow.etapas[bound.flow.first]
        return await self.follow(bound, context, bound.flow.first, Go(first))

    async def follow(self, bound: BoundFlow, context: Context[Any], etapa: str, outcome: Outcome) -> Turn:
        """Go from etapa to etapa until somebody has to speak."""
        self.speaking = bound.flow.id
        for _ in range(GO_LIMIT):
            match outcome:
                case Go(to, words):
                    self.before += said(words)
                    etapa = bound.flow.code_of(to)
                    self.path.append(f"{bound.flow.id}.{etapa}")
                    outcome = await self.ask(bound, etapa, context)
                case Choose() | Ask():
                    return self.put(bound, context, etapa, outcome)
                case End(words):
                    self.events += [*context.events, Event("conversa.encerrada", {"flow": bound.flow.id})]
                    return self.close(State(), words)
                case Handover(words):
                    self.events += context.events
                    return self.hand_over(words)
                case _:
                    raise FlowFault(
                        f"{bound.flow.id}.{etapa} gave {type(outcome).__name__}; "
                        "expected Choose, Ask, Go, End or Handover"
                    )
        raise FlowFault(f"{bound.flow.id}.{etapa}: more than {GO_LIMIT} Go in one turn")

    def put(
        self, bound: BoundFlow, context: Context[Any], etapa: str, question: Question, page: int = 0
    ) -> Turn:
        self.speaking = bound.flow.id
        shown = show(question, self.before, f"{bound.flow.id}.{etapa}", page)
        state = State(
            flow=bound.flow.id,
            etapa=etapa,
            version=bound.flow.version,
            data=msgspec.json.encode(context.data),
            shown=shown.keys,
            misses=self.misses,
        )
        return Turn(state, shown.messages, (*self.events, *context.events))

    def hand_over(self, words: Words) -> Turn:
        self.events.append(Event("conversa.atendente"))
        return self.close(State(person=True), words or texts.ATENDENTE)

    def close(self, state: State, words: Words) -> Turn:
        return Turn(state, say([*self.before, *said(words)]), tuple(self.events))

    def context(self, config: Any, data: Any) -> Context[Any]:
        scene = self.scene
        return Context(
            scene.bot,
            scene.cliente,
            data,
            self.message,
            scene.now,
            config,
            dict(scene.doubles),
            files=scene.files,
        )


def _renamed(flow: Flow[Any], message: Inbound) -> Inbound:
    """A tap on a button from before an etapa was renamed means the etapa by its new name."""
    place, colon, key = message.option.partition(":")
    etapa = place.removeprefix(f"{flow.id}.")
    if not colon or etapa == place or etapa not in flow.renamed:
        return message
    return msgspec.structs.replace(message, option=f"{flow.id}.{current(flow, etapa)}:{key}")
