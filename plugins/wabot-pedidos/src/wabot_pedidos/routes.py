"""`/api/pedidos/…`: the catalogue and the orders. Mounted by the core, behind its tokens."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

import asyncpg
import msgspec
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import UNSET, Meta, UnsetType

from wabot import DB, Access, Created, Invalid, Listing, Page, clean
from wabot_pedidos.cardapio import Cardapio
from wabot_pedidos.carrinho import Item
from wabot_pedidos.pedidos import Pedidos, SemEstoque
from wabot_pedidos.tables import Categoria, ItemPedido, Pedido, Produto

Id = Annotated[int, Meta(ge=1, le=2**31 - 1)]
BigId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Nome = Annotated[str, Meta(min_length=1, max_length=100)]
Texto = Annotated[str, Meta(max_length=1000)]
Centavos = Annotated[int, Meta(ge=0, le=100_000_000, description="centavos")]
Estoque = Annotated[int, Meta(ge=0, le=1_000_000)] | None
Status = Literal["rascunho", "confirmado", "em_preparo", "saiu_para_entrega", "entregue", "cancelado"]

NEXT: dict[str, set[str]] = {
    "rascunho": {"confirmado", "cancelado"},
    "confirmado": {"em_preparo", "saiu_para_entrega", "entregue", "cancelado"},
    "em_preparo": {"saiu_para_entrega", "entregue", "cancelado"},
    "saiu_para_entrega": {"entregue", "cancelado"},
    "entregue": set(),
    "cancelado": set(),
}
"""Where an order may go from where it is."""


class CategoriaOut(msgspec.Struct):
    id: int
    chatbot: int
    nome: str
    descricao: str
    ordem: int
    ativo: bool


class CategoriaIn(msgspec.Struct, forbid_unknown_fields=True):
    chatbot: Id
    nome: Nome
    descricao: Texto = ""
    ordem: Annotated[int, Meta(ge=0, le=10_000)] = 0
    ativo: bool = True


class CategoriaChange(msgspec.Struct, forbid_unknown_fields=True):
    nome: Nome | UnsetType = UNSET
    descricao: Texto | UnsetType = UNSET
    ordem: Annotated[int, Meta(ge=0, le=10_000)] | UnsetType = UNSET
    ativo: bool | UnsetType = UNSET


class ProdutoOut(msgspec.Struct):
    id: int
    chatbot: int
    categoria: int
    nome: str
    descricao: str
    preco: int
    disponivel: bool
    estoque: int | None
    imagem_url: str


class ProdutoIn(msgspec.Struct, forbid_unknown_fields=True):
    chatbot: Id
    categoria: BigId
    nome: Nome
    preco: Centavos
    descricao: Texto = ""
    disponivel: bool = True
    estoque: Estoque = None
    imagem_url: Annotated[str, Meta(max_length=2000, pattern=r"^(https?://\S+)?$")] = ""


class ProdutoChange(msgspec.Struct, forbid_unknown_fields=True):
    categoria: BigId | UnsetType = UNSET
    nome: Nome | UnsetType = UNSET
    preco: Centavos | UnsetType = UNSET
    descricao: Texto | UnsetType = UNSET
    disponivel: bool | UnsetType = UNSET
    estoque: Estoque | UnsetType = UNSET
    imagem_url: Annotated[str, Meta(max_length=2000, pattern=r"^(https?://\S+)?$")] | UnsetType = UNSET


class ItemOut(msgspec.Struct):
    produto: int
    nome: str
    preco: int
    quantidade: int
    subtotal: int


class PedidoOut(msgspec.Struct):
    id: int
    chatbot: int
    cliente: int
    numero: int
    status: str
    itens: list[ItemOut]
    total: int
    observacoes: str
    criado_em: datetime
    atualizado_em: datetime


class ItemIn(msgspec.Struct, forbid_unknown_fields=True):
    produto: BigId
    quantidade: Annotated[int, Meta(ge=1, le=9_999)]


class PedidoIn(msgspec.Struct, forbid_unknown_fields=True):
    """Prices and totals are the server's."""

    cliente: BigId
    itens: Annotated[list[ItemIn], Meta(min_length=1, max_length=200)]
    observacoes: Texto = ""


class PedidoChange(msgspec.Struct, forbid_unknown_fields=True):
    status: Status | UnsetType = UNSET
    observacoes: Texto | UnsetType = UNSET


class CategoriaController(Controller):
    path = "/categorias"
    tags = ("pedidos",)

    @get()
    async def list(
        self, access: NamedDependency[Access], listing: NamedDependency[Listing]
    ) -> Page[CategoriaOut]:
        """Categorias. `busca` looks at the name."""
        orders = {"id": Categoria.id, "nome": Categoria.nome, "ordem": Categoria.ordem}
        return await listing.page(Categoria, access, _categoria, search=[Categoria.nome], orders=orders)

    @post()
    async def create(
        self, access: NamedDependency[Access], data: JSONBody[CategoriaIn]
    ) -> Created[CategoriaOut]:
        await _owned_chatbot(access, data.chatbot)
        categoria = Categoria(**_cleaned(data))
        await categoria.save()
        return Created(_categoria(categoria), f"/api/pedidos/categorias/{categoria.id}/")

    @get("/{id:int}")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> CategoriaOut:
        return _categoria(await _mine(Categoria, access, id, "Categoria não encontrada."))

    @put("/{id:int}")
    async def replace(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[CategoriaIn]
    ) -> CategoriaOut:
        categoria = await _mine(Categoria, access, id, "Categoria não encontrada.")
        return _categoria(await _changed(categoria, _same_chatbot(categoria, _cleaned(data))))

    @patch("/{id:int}")
    async def change(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[CategoriaChange]
    ) -> CategoriaOut:
        categoria = await _mine(Categoria, access, id, "Categoria não encontrada.")
        return _categoria(await _changed(categoria, _cleaned(data)))

    @delete("/{id:int}")
    async def delete(self, access: NamedDependency[Access], id: FromPath[int]) -> None:
        categoria = await _mine(Categoria, access, id, "Categoria não encontrada.")
        try:
            await categoria.remove()
        except asyncpg.ForeignKeyViolationError:
            raise _conflict(
                "A categoria tem produtos. Mova ou apague os produtos, ou desative-a (ativo: false)."
            ) from None


class ProdutoController(Controller):
    path = "/produtos"
    tags = ("pedidos",)

    @get()
    async def list(
        self,
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        categoria: FromQuery[int | None] = None,
    ) -> Page[ProdutoOut]:
        """Produtos. `busca` looks at name and description."""
        orders = {"id": Produto.id, "nome": Produto.nome, "preco": Produto.preco}
        where = [] if categoria is None else [Produto.categoria == _fitting(categoria)]
        search = [Produto.nome, Produto.descricao]
        return await listing.page(Produto, access, _produto, search=search, where=where, orders=orders)

    @post()
    async def create(self, access: NamedDependency[Access], data: JSONBody[ProdutoIn]) -> Created[ProdutoOut]:
        await _owned_chatbot(access, data.chatbot)
        await _categoria_of(data.chatbot, data.categoria)
        produto = Produto(**_cleaned(data))
        await produto.save()
        return Created(_produto(produto), f"/api/pedidos/produtos/{produto.id}/")

    @get("/{id:int}")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> ProdutoOut:
        return _produto(await _mine(Produto, access, id, "Produto não encontrado."))

    @put("/{id:int}")
    async def replace(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[ProdutoIn]
    ) -> ProdutoOut:
        produto = await _mine(Produto, access, id, "Produto não encontrado.")
        await _categoria_of(produto.chatbot, data.categoria)
        return _produto(await _changed(produto, _same_chatbot(produto, _cleaned(data))))

    @patch("/{id:int}")
    async def change(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[ProdutoChange]
    ) -> ProdutoOut:
        produto = await _mine(Produto, access, id, "Produto não encontrado.")
        if data.categoria is not UNSET:
            await _categoria_of(produto.chatbot, data.categoria)
        return _produto(await _changed(produto, _cleaned(data)))

    @delete("/{id:int}")
    async def delete(self, access: NamedDependency[Access], id: FromPath[int]) -> None:
        """Orders keep their lines: name and price stand in them."""
        await (await _mine(Produto, access, id, "Produto não encontrado.")).remove()


class PedidoController(Controller):
    path = "/pedidos"
    tags = ("pedidos",)

    @get()
    async def list(
        self,
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        status: FromQuery[Status | None] = None,
    ) -> Page[PedidoOut]:
        """Pedidos, newest first."""
        orders = {
            "id": Pedido.id,
            "numero": Pedido.numero,
            "total": Pedido.total,
            "criado_em": Pedido.criado_em,
        }
        where = [Pedido.status == status] if status else []
        page = await listing.page(Pedido, access, _pedido, where=where, orders=orders)
        await _add_itens(page.items)
        return page

    @post()
    async def create(self, access: NamedDependency[Access], data: JSONBody[PedidoIn]) -> Created[PedidoOut]:
        """Write down a confirmed order: today's prices, and the stock is taken."""
        chatbot = await DB.fetchval("SELECT chatbot FROM cliente WHERE id = $1", data.cliente)
        if chatbot is None or not access.sees(chatbot):
            raise Invalid(cliente="Este cliente não existe.")
        try:
            itens = await _priced(chatbot, data.itens)
            novo = await Pedidos().confirmar(chatbot, data.cliente, itens, clean(data.observacoes))
        except SemEstoque as falta:
            raise Invalid(
                itens=f"Sem estoque ou fora do cardápio: {', '.join(map(str, falta.produtos))}."
            ) from None
        return Created(await _whole(novo.id), f"/api/pedidos/pedidos/{novo.id}/")

    @get("/{id:int}")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> PedidoOut:
        pedido = await _mine(Pedido, access, id, "Pedido não encontrado.")
        return await _whole(pedido.id)

    @patch("/{id:int}")
    async def change(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[PedidoChange]
    ) -> PedidoOut:
        """Move an order on, or change its notes. A cancelled or delivered order stays so."""
        async with DB.transaction():
            await DB.execute("SELECT FROM pedidos.pedido WHERE id = $1 FOR UPDATE", _fitting(id))
            pedido = await _mine(Pedido, access, id, "Pedido não encontrado.")
            if data.status is not UNSET and data.status not in NEXT[pedido.status] | {pedido.status}:
                raise Invalid(status=f"Um pedido {pedido.status} não pode passar a {data.status}.")
            await _changed(pedido, _cleaned(data))
        return await _whole(pedido.id)


async def _priced(chatbot: int, wanted: Sequence[ItemIn]) -> list[Item]:
    """The lines at today's prices; the same product twice makes one line. Raises SemEstoque for what is not offered."""
    quantidades: dict[int, int] = defaultdict(int)
    for item in wanted:
        quantidades[item.produto] += item.quantidade
    cardapio = await Cardapio().por_id(chatbot, list(quantidades))
    if faltam := [produto for produto in quantidades if produto not in cardapio]:
        raise SemEstoque(faltam)
    return [Item(n, cardapio[n].nome, cardapio[n].preco, many) for n, many in quantidades.items()]


async def _mine(table: type[Any], access: Access, id: int, missing: str) -> Any:
    """The row, if there is one and the caller may see it. Somebody else's looks as if it did not exist."""
    row = await table.objects().where(table.id == _fitting(id)).first()
    if row is None or not access.sees(row.chatbot):
        raise NotFoundException(detail=missing)
    return row


def _fitting(id: int) -> int:
    """An id PostgreSQL can compare; anything larger exists nowhere."""
    return id if 0 <= id < 2**63 else 0


async def _owned_chatbot(access: Access, chatbot: int) -> None:
    if not access.sees(chatbot) or not await DB.fetchval("SELECT true FROM chatbot WHERE id = $1", chatbot):
        raise Invalid(chatbot="Este chatbot não existe.")


async def _categoria_of(chatbot: int, categoria: int) -> None:
    if not await Categoria.exists().where(Categoria.id == categoria, Categoria.chatbot == chatbot):
        raise Invalid(categoria="Esta categoria não existe neste chatbot.")


def _same_chatbot(row: Any, values: dict[str, Any]) -> dict[str, Any]:
    if values.pop("chatbot") != row.chatbot:
        raise Invalid(chatbot="O chatbot de um registro não muda.")
    return values


def _cleaned(data: msgspec.Struct) -> dict[str, Any]:
    """The given fields, their words without what cannot be stored."""
    given = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not UNSET}
    fields = {name: clean(value) if isinstance(value, str) else value for name, value in given.items()}
    if fields.get("nome") is not None and not fields["nome"].strip():
        raise Invalid(nome="Informe um nome.")
    return fields


async def _changed(row: Any, values: dict[str, Any]) -> Any:
    for name, value in values.items():
        setattr(row, name, value)
    await row.save()
    return row


def _conflict(detail: str) -> ClientException:
    return ClientException(detail=detail, status_code=409)


def _categoria(row: Categoria) -> CategoriaOut:
    return CategoriaOut(**{name: getattr(row, name) for name in CategoriaOut.__struct_fields__})


def _produto(row: Produto) -> ProdutoOut:
    return ProdutoOut(**{name: getattr(row, name) for name in ProdutoOut.__struct_fields__})


def _pedido(row: Pedido) -> PedidoOut:
    """Without its lines: those of a whole page are fetched together."""
    fields = {name: getattr(row, name) for name in PedidoOut.__struct_fields__ if name != "itens"}
    return PedidoOut(itens=[], **fields)


async def _whole(pedido: int) -> PedidoOut:
    row = await Pedido.objects().get(Pedido.id == pedido)
    if row is None:
        raise NotFoundException(detail="Pedido não encontrado.")
    shown = _pedido(row)
    await _add_itens([shown])
    return shown


async def _add_itens(pedidos: Sequence[PedidoOut]) -> None:
    by_id = {pedido.id: pedido for pedido in pedidos}
    rows = (
        await ItemPedido.objects().where(ItemPedido.pedido.is_in(list(by_id) or [0])).order_by(ItemPedido.id)
    )
    for row in rows:
        item = ItemOut(row.produto, row.nome, row.preco, row.quantidade, row.preco * row.quantidade)
        by_id[row.pedido].itens.append(item)
