"""`/api/agendamentos/`: scheduled work of the chatbots a token sees. Changed, and run now."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, patch, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from wabot import agenda
from wabot.agenda import (
    Agendamento,
    AgendamentoChange,
    Arguments,
    Cron,
    Enabled,
    Hindered,
    Hindrance,
    NoSuchAgendamento,
    WhenMissed,
    Zone,
)
from wabot.db.tables import Agendamento as Row
from wabot.process import Process
from wabot.web.rest import Access, Created, Listing, Page, sorted_by

ORDERS = {"id": Row.id, "titulo": Row.titulo, "next_run": Row.next_run, "last_run": Row.last_run}


class AgendamentoOut(msgspec.Struct, frozen=True):
    """Work at fixed times, when it runs next and how it went last."""

    id: Annotated[int, Meta(description="O id.")]
    chatbot: Annotated[int | None, Meta(description="O chatbot para o qual roda.")]
    plugin: Annotated[str, Meta(description="O plugin de que é; vazio: o próprio wabot.")]
    job: Annotated[str, Meta(description="O nome da tarefa no plugin.", examples=["verificacao_de_pedidos"])]
    titulo: Annotated[str, Meta(description="O que faz.")]
    cron: Cron
    timezone: Zone | None
    zone: Annotated[str, Meta(description="O fuso em que o cron é lido: o próprio, ou o do chatbot.")]
    enabled: Enabled
    missed: WhenMissed
    arguments: Arguments
    next_run: Annotated[
        datetime | None, Meta(description="UTC; nulo: desligado, ou a linha de cron não serve.")
    ]
    last_run: Annotated[datetime | None, Meta(description="UTC; nulo: ainda não rodou.")]
    last_ok: Annotated[bool | None, Meta(description="Se deu certo; nulo: não rodou, ou não terminou.")]
    last_result: Annotated[str | None, Meta(description="O que a última vez deu, em uma frase.")]
    asked_at: Annotated[datetime | None, Meta(description="UTC; desde quando alguém espera que rode já.")]
    hindrance: Annotated[Hindrance, Meta(description="O que está desligado e não o deixa rodar.")]


class AgendamentoIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that can change about it."""

    cron: Cron
    timezone: Zone | None = None
    enabled: Enabled = True
    missed: WhenMissed = "run"
    arguments: Arguments = {}


class AgendaController(Controller):
    path = "/agendamentos"
    tags = ("agendamentos",)

    @get(summary="Lista agendamentos; busca em título e tarefa", operation_class=sorted_by(ORDERS))
    async def list(
        self,
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        plugin: Annotated[
            str | None, QueryParameter(max_length=60, description="Só os deste plugin.")
        ] = None,
        enabled: Annotated[bool | None, QueryParameter(description="Só os ligados, ou só os outros.")] = None,
    ) -> Page[AgendamentoOut]:
        where = [] if plugin is None else [Row.plugin == plugin]
        where += [] if enabled is None else [Row.enabled == enabled]
        search = [Row.titulo, Row.job]
        page = await listing.page(Row, access, _id, search=search, where=where, orders=ORDERS)
        found = await agenda.these(page.items)
        items = [_out(found[number]) for number in page.items if number in found]
        return Page(items, page.limit, page.offset, page.total)

    @get("/{id:int}", summary="Mostra um agendamento e o que deu da última vez")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> AgendamentoOut:
        return _out(await _mine(access, id))

    @put("/{id:int}", summary="Substitui horário, fuso, argumentos e a chave de um agendamento")
    async def replace(
        self,
        process: NamedDependency[Process],
        access: NamedDependency[Access],
        id: FromPath[int],
        data: JSONBody[AgendamentoIn],
    ) -> AgendamentoOut:
        await _mine(access, id)
        change = AgendamentoChange(**msgspec.structs.asdict(data))
        return _out(await agenda.change(process.registry, id, change, whole=True))

    @patch(
        "/{id:int}", summary="Muda horário, fuso, argumentos ou a chave; a próxima vez é recalculada na hora"
    )
    async def change(
        self,
        process: NamedDependency[Process],
        access: NamedDependency[Access],
        id: FromPath[int],
        data: JSONBody[AgendamentoChange],
    ) -> AgendamentoOut:
        await _mine(access, id)
        return _out(await agenda.change(process.registry, id, data))

    @post("/{id:int}/rodar", summary="Roda já, em segundos; o resultado aparece no agendamento")
    async def run(self, access: NamedDependency[Access], id: FromPath[int]) -> Created[AgendamentoOut]:
        """Asked for again before a worker takes it, it is one run. With an Idempotency-Key it is one for 24 hours."""
        await _mine(access, id)
        try:
            return Created(_out(await agenda.ask(id)), f"/api/agendamentos/{id}/")
        except Hindered as error:
            raise ClientException(detail=str(error), status_code=409) from None


def _id(row: Row) -> int:
    return int(row.id)


def _out(agendamento: Agendamento) -> AgendamentoOut:
    return AgendamentoOut(**msgspec.structs.asdict(agendamento))


async def _mine(access: Access, id: int) -> Agendamento:
    """Somebody else's looks as if it did not exist."""
    try:
        found = await agenda.get(id)
    except NoSuchAgendamento:
        found = None
    if found is None or found.chatbot is None or not access.sees(found.chatbot):
        raise NotFoundException(detail="Agendamento não encontrado.")
    return found
