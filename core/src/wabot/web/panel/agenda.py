"""`/painel/{chatbot}/agendamentos/`: what runs when and how it went, with a switch, other times, and a run at once."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect, Template
from msgspec import Meta

from wabot import agenda
from wabot.agenda import WHY_NOT, Agendamento, AgendamentoChange, Hindered, NoSuchAgendamento
from wabot.chatbots import ChatbotOut
from wabot.due import in_words
from wabot.errors import WrongFields
from wabot.people import Person
from wabot.plugins.fields import DEEPEST, Field, fields_of
from wabot.process import Process
from wabot.web.panel import forms, navigation
from wabot.web.panel.forms import Typed, sent
from wabot.web.panel.frame import page
from wabot.web.panel.guards import needs
from wabot.web.panel.navigation import PanelPage

AnyRequest = Request[Person, Any, Any]
MISSED: Mapping[Any, Any] = {"run": "Rodar uma vez", "skip": "Pular"}
ARGUMENTS = "arguments."
DONE = {
    "ligado": "Ligado.",
    "desligado": "Desligado: não roda até alguém ligar de novo.",
    "salvo": "Salvo.",
    "pedido": "Vai rodar em alguns segundos. Recarregue a página para ver o resultado.",
    "impedido": "Não pode rodar agora: veja o motivo abaixo.",
}


class Times(msgspec.Struct):
    """What of an agendamento a form shows besides its arguments."""

    cron: Annotated[
        str,
        Meta(
            max_length=100,
            title="Quando",
            description="Minuto, hora, dia, mês e dia da semana. 0 10 * * * é todo dia às 10:00; "
            "0 2 * * 0, domingo às 02:00; 0 */6 * * *, a cada 6 horas.",
        ),
    ] = ""
    timezone: Annotated[
        str,
        Meta(max_length=60, title="Fuso horário", description="Como America/Sao_Paulo. Vazio: o do chatbot."),
    ] = ""
    missed: Annotated[
        Literal["Rodar uma vez", "Pular"],
        Meta(title="Horário perdido", description="Se o wabot estava parado há mais de uma hora."),
    ] = "Rodar uma vez"


TIMES = fields_of(Times)

navigation.add(PanelPage("agendamentos/", "Agenda"))


@get("/agendamentos/")
async def schedule(
    request: AnyRequest,
    chatbot: NamedDependency[ChatbotOut],
    feito: Annotated[str, QueryParameter(max_length=20)] = "",
) -> Template:
    """A card for each."""
    found = await agenda.of_chatbot(chatbot.id)
    return page(
        request, "agenda.html", found=found, why_not=WHY_NOT, in_words=in_words, done=DONE.get(feito, ""),
        may_run=request.user.may(chatbot.id, "operador"), may_change=request.user.may(chatbot.id, "dono"),
    )  # fmt: skip


@get("/agendamentos/{id:int}/", guards=[needs("dono")])
async def one(
    request: AnyRequest,
    process: NamedDependency[Process],
    chatbot: NamedDependency[ChatbotOut],
    id: FromPath[int],
) -> Template:
    """The form for its times and arguments."""
    agendamento = await _mine(chatbot, id)
    fields = _arguments(process, agendamento)
    times = {
        "cron": agendamento.cron,
        "timezone": agendamento.timezone or "",
        "missed": MISSED[agendamento.missed],
    }
    typed = forms.filled(TIMES, times) | forms.filled(fields, agendamento.arguments, ARGUMENTS)
    return _form(request, agendamento, fields, typed)


@post("/agendamentos/{id:int}/", guards=[needs("dono")], status_code=200)
async def save(
    request: AnyRequest,
    process: NamedDependency[Process],
    chatbot: NamedDependency[ChatbotOut],
    id: FromPath[int],
) -> Template | Redirect:
    """Keep the form; the next time is worked out anew."""
    agendamento = await _mine(chatbot, id)
    fields, typed = _arguments(process, agendamento), await sent(request)
    times, arguments = forms.read(TIMES, typed), forms.read(fields, typed, ARGUMENTS)
    errors = times.errors | arguments.errors
    if not errors:
        try:
            await agenda.change(process.registry, id, _change(times.values, arguments.values))
        except WrongFields as wrong:
            errors = wrong.fields
    if errors:
        return _form(request, agendamento, fields, typed, errors)
    return _back(chatbot, "salvo", id)


@post("/agendamentos/{id:int}/ligar/", guards=[needs("dono")])
async def switch_on(
    process: NamedDependency[Process], chatbot: NamedDependency[ChatbotOut], id: FromPath[int]
) -> Redirect:
    await _mine(chatbot, id)
    await agenda.change(process.registry, id, AgendamentoChange(enabled=True))
    return _back(chatbot, "ligado", id)


@post("/agendamentos/{id:int}/desligar/", guards=[needs("dono")])
async def switch_off(
    process: NamedDependency[Process], chatbot: NamedDependency[ChatbotOut], id: FromPath[int]
) -> Redirect:
    await _mine(chatbot, id)
    await agenda.change(process.registry, id, AgendamentoChange(enabled=False))
    return _back(chatbot, "desligado", id)


@post("/agendamentos/{id:int}/rodar/", guards=[needs("operador")])
async def run(chatbot: NamedDependency[ChatbotOut], id: FromPath[int]) -> Redirect:
    """However often somebody clicks before a worker takes it, it is one run."""
    await _mine(chatbot, id)
    try:
        await agenda.ask(id)
    except Hindered:
        return _back(chatbot, "impedido", id)
    return _back(chatbot, "pedido", id)


handlers = [schedule, one, save, switch_on, switch_off, run]


async def _mine(chatbot: ChatbotOut, id: int) -> Agendamento:
    """Raises NotFoundException for one that is not there, or another business's."""
    try:
        found = await agenda.get(id)
    except NoSuchAgendamento:
        raise NotFoundException from None
    if found.chatbot != chatbot.id:
        raise NotFoundException
    return found


def _arguments(process: Process, agendamento: Agendamento) -> tuple[Field, ...]:
    """Its arguments as fields; lists and groups as JSON, since there is no button here that adds a row."""
    shape = agenda.shape_of(process.registry, agendamento.plugin, agendamento.job)
    return fields_of(shape, DEEPEST) if shape else ()


def _change(times: Mapping[str, Any], arguments: dict[str, Any]) -> AgendamentoChange:
    missed = {shown: name for name, shown in MISSED.items()}
    known = {"missed": missed[times["missed"]]} if "missed" in times else {}
    if "timezone" in times:
        known["timezone"] = times["timezone"] or None
    return AgendamentoChange(cron=times.get("cron", msgspec.UNSET), arguments=arguments, **known)


def _form(
    request: AnyRequest,
    agendamento: Agendamento,
    fields: tuple[Field, ...],
    typed: Typed,
    errors: Mapping[str, str] | None = None,
) -> Template:
    errors = errors or {}
    return page(
        request, "agendamento.html", 400 if errors else 200, one=agendamento, times=TIMES, fields=fields,
        typed=typed, errors=errors, focus=next(iter(errors), ""), rows_of=forms.rows_of,
        title_of=lambda name: forms.title_of((*TIMES, *fields), name.removeprefix(ARGUMENTS)),
    )  # fmt: skip


def _back(chatbot: ChatbotOut, done: str, id: int) -> Redirect:
    return Redirect(f"/painel/{chatbot.id}/agendamentos/?feito={done}#agendamento-{id}", status_code=303)
