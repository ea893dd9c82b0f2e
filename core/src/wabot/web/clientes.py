"""`/api/clientes/`: the people who write to a chatbot, and those a business adds itself."""

from datetime import datetime
from typing import Annotated

import asyncpg
import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wabot import consent
from wabot.db.engine import DB
from wabot.db.tables import Cliente, Conversa
from wabot.phone import canonical, international
from wabot.text import clean
from wabot.web.rest import Access, Created, Invalid, Listing, Page

Id = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class ClienteOut(msgspec.Struct):
    """A cliente as the API shows them."""

    id: int
    chatbot: int
    nome: str
    telefone: str
    bsuid: str | None
    email: str
    ativo: bool
    aceita_marketing: bool
    observacoes: str
    criado_em: datetime
    atualizado_em: datetime
    ultima_interacao: datetime | None = None


class ClienteIn(msgspec.Struct, forbid_unknown_fields=True):
    """A new cliente: with a phone, a BSUID, or both."""

    chatbot: Id
    nome: Annotated[str, Meta(max_length=200)] = ""
    telefone: Annotated[str, Meta(max_length=40)] = ""
    bsuid: Annotated[str, Meta(max_length=150)] | None = None
    email: Annotated[str, Meta(max_length=254)] = ""
    ativo: bool = True
    aceita_marketing: bool = False
    observacoes: Annotated[str, Meta(max_length=4000)] = ""


class ClienteController(Controller):
    path = "/clientes"
    tags = ("clientes",)

    @get()
    async def list(
        self, access: NamedDependency[Access], listing: NamedDependency[Listing]
    ) -> Page[ClienteOut]:
        """Clientes, newest first. `busca` looks at nome, telefone and email."""
        page = await listing.page(
            Cliente,
            access,
            _shown,
            where=[Cliente.mesclado_em.is_null()],  # whoever was merged goes on as somebody else
            search=[Cliente.nome, Cliente.telefone, Cliente.email],
            orders={"id": Cliente.id, "nome": Cliente.nome, "criado_em": Cliente.criado_em},
        )
        await _add_last_interaction(page.items)
        return page

    @post()
    async def create(self, access: NamedDependency[Access], data: JSONBody[ClienteIn]) -> Created[ClienteOut]:
        """Add a cliente. The phone is kept as written and compared without its formatting or ninth digit."""
        if not access.sees(data.chatbot) or not await DB.fetchval(
            "SELECT true FROM chatbot WHERE id = $1", data.chatbot
        ):
            raise Invalid(chatbot="Este chatbot não existe.")
        cliente = _new(data)
        try:
            async with DB.transaction():
                await cliente.save()
                if data.aceita_marketing:
                    await consent.told([cliente.id], accepts=True, how="cadastro")
                    await cliente.refresh()
        except asyncpg.UniqueViolationError:
            raise Invalid(telefone="Este chatbot já tem um cliente com este telefone ou BSUID.") from None
        return Created(_shown(cliente), f"/api/clientes/{cliente.id}/")

    @get("/{cliente_id:int}")
    async def read(self, access: NamedDependency[Access], cliente_id: FromPath[int]) -> ClienteOut:
        cliente = (
            await Cliente.objects().where(Cliente.id == cliente_id).first() if cliente_id < 2**63 else None
        )
        if cliente is None or not access.sees(cliente.chatbot):
            raise NotFoundException(detail="Cliente não encontrado.")
        shown = _shown(cliente)
        await _add_last_interaction([shown])
        return shown


def _new(data: ClienteIn) -> Cliente:
    telefone = international(data.telefone)
    if data.telefone and not 8 <= len(telefone) <= 15:
        raise Invalid(telefone="Informe o número com código do país e DDD, por exemplo +55 11 90000-0001.")
    if not telefone and not data.bsuid:
        raise Invalid(telefone="Informe o telefone ou o BSUID.")
    return Cliente(
        chatbot=data.chatbot,
        nome=clean(data.nome),
        telefone=clean(data.telefone),
        wa_id=telefone or None,
        phone_key=canonical(telefone) or None,
        bsuid=clean(data.bsuid or "") or None,
        email=clean(data.email),
        ativo=data.ativo,
        aceita_marketing=data.aceita_marketing,
        observacoes=clean(data.observacoes),
    )


def _shown(cliente: Cliente) -> ClienteOut:
    return ClienteOut(
        **{
            name: getattr(cliente, name)
            for name in ClienteOut.__struct_fields__
            if name != "ultima_interacao"
        }
    )


async def _add_last_interaction(shown: "list[ClienteOut]") -> None:
    """When each last wrote: it stands in the conversa, which every message changes anyway."""
    rows = await Conversa.select(Conversa.cliente, Conversa.last_inbound_at).where(
        Conversa.cliente.is_in([cliente.id for cliente in shown] or [0])
    )
    last = {row["cliente"]: row["last_inbound_at"] for row in rows}
    for cliente in shown:
        cliente.ultima_interacao = last.get(cliente.id)
