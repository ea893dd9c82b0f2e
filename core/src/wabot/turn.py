"""One turn of a conversation: state and message in, new state and replies out. No I/O of its own."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from inspect import isawaitable
from typing import Any

import msgspec

from wabot import texts
from wabot.errors import FlowFault
from wabot.flow import (
    Ask,
    Chatbot,
    Choose,
    Cliente,
    Context,
    End,
    Event,
    Flow,
    Go,
    Handover,
    Option,
    Outcome,
    Question,
)
from wabot.layout import page_shown, say, show
from wabot.message import Inbound, Outbound
from wabot.text import fold
from wabot.understand import Missed, Page, Picked, names_an_option, stamp_of, understand, word_of

GO_LIMIT = 10
"""How many `Go`s one turn follows before the flow is held to run in circles."""
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
    """A flow as switched on for one bot."""

    flow: Flow[Any]
    config: Any = None


class Scene(msgspec.Struct, frozen=True):
    """Who talks to whom, and when."""

    bot: Chatbot
    cliente: Cliente
    now: datetime
    doubles: Mapping[type, Any] = {}


class Turn(msgspec.Struct, frozen=True):
    """What a turn did: the shell stores and sends it."""

    state: State
    replies: tuple[Outbound, ...] = ()
    events: tuple[Event, ...] = ()
    opted_out: bool = False


async def take_turn(flows: Sequence[BoundFlow], state: State, scene: Scene, message: Inbound) -> Turn:
    """Answer one message. The first of `flows` is the one a greeting starts.

    Raises FlowFault when a flow breaks its contract, and whatever the plugin's own code raises.
    """
    if not message.expects_answer:
        return Turn(state)
    taker = _Taker({bound.flow.id: bound for bound in flows}, state, scene, message)
    if state.person:
        return await taker.with_person()
    if state.flow in taker.flows:
        return await taker.running()
    return await taker.idle()


@dataclass(slots=True)
class _Taker:
    flows: dict[str, BoundFlow]
    state: State
    scene: Scene
    message: Inbound
    before: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    misses: int = 0

    # -- where the conversa stands -----------------------------------------------------------------------

    async def with_person(self) -> Turn:
        return await self.menu() if word_of(self.message) == "menu" else Turn(self.state)

    async def idle(self) -> Turn:
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
        context = self.restore(bound)
        if context is None:
            self.before.append(texts.ATUALIZAMOS)
            return await self.start(bound)
        outcome = await _settle(bound.flow.etapas[self.state.etapa](context))
        if not isinstance(outcome, Choose | Ask):  # the world moved on while the customer was typing
            return await self.follow(bound, context, self.state.etapa, outcome)
        return await self.answer(bound, context, outcome)

    # -- what the customer may want ----------------------------------------------------------------------

    async def answer(self, bound: BoundFlow, context: Context[Any], question: Question) -> Turn:
        word = None if names_an_option(question, self.message) else word_of(self.message)
        if word:
            return await self.act(word)
        place = f"{bound.flow.id}.{self.state.etapa}"
        match understand(question, self.message, place, self.state.shown):
            case Picked(value):
                outcome = await _settle(question.then(value))
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
        context = self.context(bound, bound.flow.data())
        first = bound.flow.etapas[bound.flow.first]
        return await self.follow(bound, context, bound.flow.first, Go(first))

    async def follow(self, bound: BoundFlow, context: Context[Any], etapa: str, outcome: Outcome) -> Turn:
        """Go from etapa to etapa until somebody has to speak."""
        for _ in range(GO_LIMIT):
            match outcome:
                case Go(to, words):
                    self.before.append(words)
                    etapa = bound.flow.code_of(to)
                    outcome = await _settle(bound.flow.etapas[etapa](context))
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

    def hand_over(self, words: str) -> Turn:
        self.events.append(Event("conversa.atendente"))
        return self.close(State(person=True), words or texts.ATENDENTE)

    def close(self, state: State, words: str) -> Turn:
        return Turn(state, say([*self.before, words]), tuple(self.events))

    def context(self, bound: BoundFlow, data: Any) -> Context[Any]:
        scene = self.scene
        return Context(
            scene.bot, scene.cliente, data, self.message, scene.now, bound.config, dict(scene.doubles)
        )

    def restore(self, bound: BoundFlow) -> Context[Any] | None:
        """The flow's own state, if this version of the flow can still read it."""
        if self.state.version != bound.flow.version or self.state.etapa not in bound.flow.etapas:
            return None
        try:
            return self.context(bound, msgspec.json.decode(self.state.data, type=bound.flow.data))
        except msgspec.ValidationError:
            return None


async def _settle(outcome: Outcome | Awaitable[Outcome]) -> Outcome:
    return await outcome if isawaitable(outcome) else outcome
