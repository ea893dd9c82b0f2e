"""`/api/pedidos/…`: the catalogue and the orders. Mounted by the core, behind its tokens."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

import asyncpg
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET

from wabot import DB, Access, Created, Invalid, Listing, Page, sorted_by
from wabot_pedidos.cardapio import Cardapio
from wabot_pedidos.carrinho import Item
from wabot_pedidos.pedidos import Pedidos, SemEstoque
from wabot_pedidos.rows import (
    changed,
    check_categoria,
    check_chatbot,
    check_same_chatbot,
    fitting,
    given,
    mine,
    shown_as,
    words,
)
from wabot_pedidos.shapes import (
    NEXT,
    CategoriaChange,
    CategoriaIn,
    CategoriaOut,
    ItemIn,
    ItemOut,
    PedidoChange,
    PedidoIn,
    PedidoOut,
    PedidoReplace,
    ProdutoChange,
    ProdutoIn,
    ProdutoOut,
    Status,
)
from wabot_pedidos.tables import Categoria, ItemPedido, Pedido, Produto

CATEGORIAS = {"id": Categoria.id, "nome": Categoria.nome, "ordem": Categoria.ordem}
PRODUTOS = {"id": Produto.id, "nome": Produto.nome, "preco": Produto.preco}
PEDIDOS = {column._meta.name: column for column in (Pedido.id, Pedido.numero, Pedido.total, Pedido.criado_em)}


class CategoriaController(Controller):
    path = "/categorias"
    tags = ("pedidos",)

    @get(summary="Lista categorias; busca no nome", operation_class=sorted_by(CATEGORIAS))
    async def list(
        self,
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        ativo: Annotated[bool | None, QueryParameter(description="Só as ativas, ou só as outras.")] = None,
    ) -> Page[CategoriaOut]:
        where = [] if ativo is None else [Categoria.ativo == ativo]
        search = [Categoria.nome]
        return await listing.page(
            Categoria, access, shown_as(CategoriaOut), search=search, where=where, orders=CATEGORIAS
        )

    @post(summary="Cria uma categoria")
    async def create(
        self, access: NamedDependency[Access], data: JSONBody[CategoriaIn]
    ) -> Created[CategoriaOut]:
        await check_chatbot(access, data.chatbot)
        categoria = Categoria(**given(data))
        await categoria.save()
        return Created(shown_as(CategoriaOut)(categoria), f"/api/pedidos/categorias/{categoria.id}/")

    @get("/{id:int}", summary="Mostra uma categoria")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> CategoriaOut:
        return shown_as(CategoriaOut)(await mine(Categoria, access, id))

    @put("/{id:int}", summary="Substitui uma categoria")
    async def replace(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[CategoriaIn]
    ) -> CategoriaOut:
        categoria = await mine(Categoria, access, id)
        check_same_chatbot(categoria, data.chatbot)
        return shown_as(CategoriaOut)(await changed(categoria, data))

    @patch("/{id:int}", summary="Muda campos de uma categoria")
    async def change(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[CategoriaChange]
    ) -> CategoriaOut:
        return shown_as(CategoriaOut)(await changed(await mine(Categoria, access, id), data))

    @delete("/{id:int}", summary="Apaga uma categoria")
    async def delete(self, access: NamedDependency[Access], id: FromPath[int]) -> None:
        categoria = await mine(Categoria, access, id)
        try:
            await categoria.remove()
        except asyncpg.ForeignKeyViolationError:
            detail = "A categoria tem produtos. Mova ou apague os produtos, ou desative-a (ativo: false)."
            raise ClientException(detail=detail, status_code=409) from None


class ProdutoController(Controller):
    path = "/produtos"
    tags = ("pedidos",)

    @get(summary="Lista produtos; busca em nome e descrição", operation_class=sorted_by(PRODUTOS))
    async def list(
        self,
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        categoria: Annotated[int | None, QueryParameter(description="Só os desta categoria.")] = None,
        disponivel: Annotated[bool | None, QueryParameter(description="Só os disponíveis, ou não.")] = None,
    ) -> Page[ProdutoOut]:
        where = [] if categoria is None else [Produto.categoria == fitting(categoria)]
        where += [] if disponivel is None else [Produto.disponivel == disponivel]
        search = [Produto.nome, Produto.descricao]
        return await listing.page(
            Produto, access, shown_as(ProdutoOut), search=search, where=where, orders=PRODUTOS
        )

    @post(summary="Cria um produto")
    async def create(self, access: NamedDependency[Access], data: JSONBody[ProdutoIn]) -> Created[ProdutoOut]:
        await check_chatbot(access, data.chatbot)
        await check_categoria(data.chatbot, data.categoria)
        produto = Produto(**given(data))
        await produto.save()
        return Created(shown_as(ProdutoOut)(produto), f"/api/pedidos/produtos/{produto.id}/")

    @get("/{id:int}", summary="Mostra um produto")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> ProdutoOut:
        return shown_as(ProdutoOut)(await mine(Produto, access, id))

    @put("/{id:int}", summary="Substitui um produto")
    async def replace(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[ProdutoIn]
    ) -> ProdutoOut:
        produto = await mine(Produto, access, id)
        check_same_chatbot(produto, data.chatbot)
        await check_categoria(produto.chatbot, data.categoria)
        return shown_as(ProdutoOut)(await changed(produto, data))

    @patch("/{id:int}", summary="Muda campos de um produto")
    async def change(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[ProdutoChange]
    ) -> ProdutoOut:
        produto = await mine(Produto, access, id)
        if data.categoria is not UNSET:
            await check_categoria(produto.chatbot, data.categoria)
        return shown_as(ProdutoOut)(await changed(produto, data))

    @delete("/{id:int}", summary="Apaga um produto")
    async def delete(self, access: NamedDependency[Access], id: FromPath[int]) -> None:
        """Orders keep their lines: name and price stand in them."""
        await (await mine(Produto, access, id)).remove()


class PedidoController(Controller):
    path = "/pedidos"
    tags = ("pedidos",)

    @get(
        summary="Lista pedidos, os mais novos primeiro; busca nas observações",
        operation_class=sorted_by(PEDIDOS),
    )
    async def list(
        self,
        access: NamedDependency[Access],
        listing: NamedDependency[Listing],
        status: Annotated[Status | None, QueryParameter(description="Só os que estão assim.")] = None,
        cliente: Annotated[int | None, QueryParameter(description="Só os deste cliente.")] = None,
        numero: Annotated[int | None, QueryParameter(description="Só o de número tal.")] = None,
    ) -> Page[PedidoOut]:
        where = [Pedido.status == status] if status else []
        where += [] if cliente is None else [Pedido.cliente == fitting(cliente)]
        where += [] if numero is None else [Pedido.numero == (numero if 0 < numero < 2**31 else 0)]
        search = [Pedido.observacoes]
        page = await listing.page(
            Pedido, access, shown_as(PedidoOut), search=search, where=where, orders=PEDIDOS
        )
        await _add_itens(page.items)
        return page

    @post(summary="Cria um pedido")
    async def create(self, access: NamedDependency[Access], data: JSONBody[PedidoIn]) -> Created[PedidoOut]:
        """Write down a confirmed order: today's prices, and the stock is taken."""
        chatbot = await DB.fetchval("SELECT chatbot FROM cliente WHERE id = $1", data.cliente)
        if chatbot is None or not access.sees(chatbot):
            raise Invalid(cliente="Este cliente não existe.")
        try:
            itens = await _priced(chatbot, data.itens)
            novo = await Pedidos().confirmar(chatbot, data.cliente, itens, words(data.observacoes))
        except SemEstoque as falta:
            produtos = ", ".join(map(str, falta.produtos))
            raise Invalid(itens=f"Sem estoque ou fora do cardápio: {produtos}.") from None
        pedido = await _whole(await mine(Pedido, access, novo.id))
        return Created(pedido, f"/api/pedidos/pedidos/{novo.id}/")

    @get("/{id:int}", summary="Mostra um pedido")
    async def read(self, access: NamedDependency[Access], id: FromPath[int]) -> PedidoOut:
        return await _whole(await mine(Pedido, access, id))

    @put("/{id:int}", summary="Muda status e observações de um pedido")
    async def replace(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[PedidoReplace]
    ) -> PedidoOut:
        """Move an order on and replace its notes. A cancelled or delivered order stays so."""
        return await _moved(access, id, data)

    @patch("/{id:int}", summary="Muda status ou observações de um pedido; cancelado devolve o estoque")
    async def change(
        self, access: NamedDependency[Access], id: FromPath[int], data: JSONBody[PedidoChange]
    ) -> PedidoOut:
        """Move an order on, or change its notes. Cancelling gives its stock back; then it stays so."""
        return await _moved(access, id, data)

    @delete("/{id:int}", summary="Apaga um pedido")
    async def delete(self, access: NamedDependency[Access], id: FromPath[int]) -> None:
        """Forget an order and its lines. Its number is not given again, and stock does not come back."""
        await (await mine(Pedido, access, id)).remove()


async def _priced(chatbot: int, wanted: Sequence[ItemIn]) -> list[Item]:
    """The lines at today's prices; the same product twice makes one line. Raises SemEstoque for what is not offered."""
    quantidades: dict[int, int] = defaultdict(int)
    for item in wanted:
        quantidades[item.produto] += item.quantidade
    cardapio = await Cardapio().por_id(chatbot, list(quantidades))
    if faltam := [produto for produto in quantidades if produto not in cardapio]:
        raise SemEstoque(faltam)
    return [Item(n, cardapio[n].nome, cardapio[n].preco, many) for n, many in quantidades.items()]


async def _moved(access: Access, id: int, data: PedidoReplace | PedidoChange) -> PedidoOut:
    async with DB.transaction():
        await DB.execute("SELECT FROM pedidos.pedido WHERE id = $1 FOR UPDATE", fitting(id))
        pedido = await mine(Pedido, access, id)
        if data.status is not UNSET and data.status not in NEXT[pedido.status] | {pedido.status}:
            raise Invalid(status=f"Um pedido {pedido.status} não pode passar a {data.status}.")
        if data.status == "cancelado" != pedido.status:
            await Pedidos().devolver(pedido.chatbot, [pedido.id])
        await changed(pedido, data)
    return await _whole(pedido)


async def _whole(row: Pedido) -> PedidoOut:
    pedido = shown_as(PedidoOut)(row)
    await _add_itens([pedido])
    return pedido


async def _add_itens(pedidos: Sequence[PedidoOut]) -> None:
    """The lines of all these orders, in one query."""
    by_id = {pedido.id: pedido for pedido in pedidos}
    of_these = ItemPedido.pedido.is_in(list(by_id) or [0])
    for row in await ItemPedido.objects().where(of_these).order_by(ItemPedido.id):
        item = ItemOut(row.produto, row.nome, row.preco, row.quantidade, row.preco * row.quantidade)
        by_id[row.pedido].itens.append(item)
