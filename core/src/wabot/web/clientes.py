"""`/api/clientes/`: the people who write to a chatbot, and those a business adds itself."""

from datetime import date, datetime, time
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, UnsetType
from piccolo.columns.combination import WhereRaw

from wabot import clientes
from wabot.db.engine import DB
from wabot.db.tables import Cliente, Conversa
from wabot.process import Process
from wabot.web.rest import Access, Created, Invalid, Listing, Page, sorted_by

Id = Annotated[int, Meta(ge=1, le=2**31 - 1, description="O chatbot de quem é.", examples=[1])]
Nome = Annotated[str, Meta(max_length=200, description="Como a pessoa se chama.", examples=["Ana Souza"])]
Telefone = Annotated[
    str,
    Meta(
        max_length=40,
        description="Com código do país e DDD, com ou sem formatação. De 8 a 15 algarismos; vazio: só BSUID.",
        examples=["+55 31 98000-0001"],
    ),
]
Bsuid = Annotated[str, Meta(max_length=150, description="O id da pessoa no WhatsApp desta empresa.")]
Email = Annotated[str, Meta(max_length=254, description="Vazio: não se sabe.", examples=["ana@example.com"])]
Ativo = Annotated[bool, Meta(description="Falso: nenhuma campanha escreve a esta pessoa.")]
Aceita = Annotated[bool, Meta(description="A pessoa aceitou receber divulgação.")]
Observacoes = Annotated[str, Meta(max_length=4000, description="O que a empresa anotou.")]
Criado = Annotated[datetime, Meta(description="UTC.")]

NOT_WRITTEN_SINCE = (
    "cliente.id IN (SELECT cliente FROM conversa WHERE coalesce(last_inbound_at, '-infinity') < {})"
)


ORDERS = {"id": Cliente.id, "nome": Cliente.nome, "criado_em": Cliente.criado_em}


class ClienteOut(msgspec.Struct):
    """A cliente as the API shows them."""

    id: Annotated[int, Meta(description="O id do cliente.")]
    chatbot: Annotated[int, Meta(description="O chatbot de quem é.")]
    nome: Annotated[str, Meta(description="Como a pessoa se chama.")]
    telefone: Annotated[str, Meta(description="Como foi escrito.")]
    bsuid: Annotated[str, Meta(description="O id da pessoa no WhatsApp desta empresa.")] | None
    email: Annotated[str, Meta(description="Vazio: não se sabe.")]
    ativo: Ativo
    aceita_marketing: Aceita
    observacoes: Annotated[str, Meta(description="O que a empresa anotou.")]
    criado_em: Criado
    atualizado_em: Criado
    ultima_interacao: (
        Annotated[datetime, Meta(description="Quando escreveu pela última vez. UTC.")] | None
    ) = None


class ClienteIn(msgspec.Struct, forbid_unknown_fields=True):
    """A new cliente: with a phone, a BSUID, or both."""

    chatbot: Id
    nome: Nome = ""
    telefone: Telefone = ""
    bsuid: Bsuid | None = None
    email: Email = ""
    ativo: Ativo = True
    aceita_marketing: Aceita = False
    observacoes: Observacoes = ""


class ClienteChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes."""

    nome: Nome | UnsetType = UNSET
    telefone: Telefone | UnsetType = UNSET
    bsuid: Bsuid | UnsetType | None = UNSET
    email: Email | UnsetType = UNSET
    ativo: Ativo | UnsetType = UNSET
    aceita_marketing: Aceita | UnsetType = UNSET
    observacoes: Observacoes | UnsetType = UNSET


class Filters(msgspec.Struct, frozen=True):
    """Which clientes a list or an export is about."""

    where: tuple[Any, ...] = ()


async def provide_filters(
    process: NamedDependency[Process],
    ativo: Annotated[bool | None, QueryParameter(description="Só os ativos, ou só os outros.")] = None,
    aceita_marketing: Annotated[
        bool | None, QueryParameter(description="Só quem aceita divulgação, ou não.")
    ] = None,
    inativo_desde: Annotated[
        date | None, QueryParameter(description="Só quem já era cliente e não escreve desde este dia.")
    ] = None,
) -> Filters:
    where: list[Any] = []
    if ativo is not None:
        where.append(Cliente.ativo == ativo)
    if aceita_marketing is not None:
        where.append(Cliente.aceita_marketing == aceita_marketing)
    if inativo_desde is not None:
        since = datetime.combine(inativo_desde, time(), ZoneInfo(process.settings.timezone))
        where += [Cliente.criado_em < since, WhereRaw(NOT_WRITTEN_SINCE, since)]
    return Filters(tuple(where))


class ClienteController(Controller):
    path = "/clientes"
    tags = ("clientes",)
    dependencies = {"filters": provide_filters}  # noqa: RUF012 - as Litestar wants it

    @get(
        summary="Lista clientes, os mais novos primeiro; busca em nome, telefone e email",
        operation_class=sorted_by(ORDERS),
    )
    async def list(
        self,
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        filters: NamedDependency[Filters],
    ) -> Page[ClienteOut]:
        page = await listing.page(
            Cliente,
            access,
            shown,
            search="words",
            where=[
                Cliente.mesclado_em.is_null(),
                *filters.where,
            ],  # whoever was merged goes on as somebody else
            orders=ORDERS,
        )
        await add_last_interaction(page.items)
        return page

    @post(summary="Cria um cliente")
    async def create(self, access: NamedDependency[Access], data: JSONBody[ClienteIn]) -> Created[ClienteOut]:
        """The phone is kept as written and compared without its formatting or ninth digit."""
        await check_chatbot(access, data.chatbot)
        cliente = await clientes.add(data.chatbot, _given(data), how="cadastro pela API")
        return Created(shown(cliente), f"/api/clientes/{cliente.id}/")

    @get("/{id:int}", summary="Mostra um cliente")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> ClienteOut:
        return await _whole(await _mine(access, id))

    @put("/{id:int}", summary="Substitui um cliente; o que falta volta ao padrão")
    async def replace(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[ClienteIn]
    ) -> ClienteOut:
        cliente = await _mine(access, id)
        if data.chatbot != cliente.chatbot:
            raise Invalid(chatbot="O chatbot de um cliente não muda.")
        return await _changed(cliente, data)

    @patch("/{id:int}", summary="Muda campos de um cliente")
    async def change(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[ClienteChange]
    ) -> ClienteOut:
        return await _changed(await _mine(access, id), data)

    @delete("/{id:int}", summary="Apaga um cliente que não tem conversas nem pedidos")
    async def delete(self, access: NamedDependency[Access], id: FromPath[int]) -> None:
        try:
            await clientes.remove(await _mine(access, id))
        except clientes.HasHistory as error:
            raise ClientException(detail=str(error), status_code=409) from None


async def check_chatbot(access: Access, chatbot: int) -> None:
    """Raises Invalid unless there is such a chatbot and the caller may see it."""
    if not access.sees(chatbot) or not await DB.fetchval("SELECT true FROM chatbot WHERE id = $1", chatbot):
        raise Invalid(chatbot="Este chatbot não existe.")


async def _mine(access: Access, id: int) -> Cliente:
    """The cliente. Somebody else's looks as if it did not exist."""
    cliente = await Cliente.objects().where(Cliente.id == id).first() if 0 < id < 2**63 else None
    if cliente is None or not access.sees(cliente.chatbot):
        raise NotFoundException(detail="Cliente não encontrado.")
    return cliente


async def _changed(cliente: Cliente, data: ClienteIn | ClienteChange) -> ClienteOut:
    try:
        return await _whole(await clientes.change(cliente, _given(data), how="mudança pela API"))
    except clientes.Merged as error:
        raise ClientException(detail=str(error), status_code=409) from None


def _given(data: ClienteIn | ClienteChange) -> dict[str, Any]:
    fields = msgspec.structs.asdict(data)
    fields.pop("chatbot", None)
    return fields


def shown(cliente: Cliente) -> ClienteOut:
    return ClienteOut(
        **{
            name: getattr(cliente, name)
            for name in ClienteOut.__struct_fields__
            if name != "ultima_interacao"
        }
    )


async def _whole(cliente: Cliente) -> ClienteOut:
    whole = shown(cliente)
    await add_last_interaction([whole])
    return whole


async def add_last_interaction(shown: "list[ClienteOut]") -> None:
    """When each last wrote: it stands in the conversa, which every message changes anyway."""
    rows = await Conversa.select(Conversa.cliente, Conversa.last_inbound_at).where(
        Conversa.cliente.is_in([cliente.id for cliente in shown] or [0])
    )
    last = {row["cliente"]: row["last_inbound_at"] for row in rows}
    for cliente in shown:
        cliente.ultima_interacao = last.get(cliente.id)
