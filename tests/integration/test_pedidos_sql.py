"""Orders and the catalogue in a real PostgreSQL; and that the test doubles of wabot-pedidos behave the same."""

import asyncio

import asyncpg
import pytest
import pytest_asyncio

from wabot.db.engine import DB
from wabot_pedidos.cardapio import Cardapio, Categoria, Produto
from wabot_pedidos.carrinho import Item
from wabot_pedidos.pedidos import Confirmado, Pedidos, SemEstoque
from wabot_pedidos.testing import CardapioFixo, PedidosAnotados

MENU = {"Marmitas": {"Feijoada": 2990, "Arroz": 1990, "Moqueca": 3490}, "Bebidas": {"Suco": 790}}
ARROZ, FEIJOADA, MOQUECA, SUCO = 2, 1, 3, 4
LOJA, VIZINHA, ANA = 1, 2, 1

CHATBOT = """
INSERT INTO chatbot (id, nome, numero, phone_number_id, business_account_id, timezone)
VALUES ($1, 'Loja', '55', $2, '3', 'America/Sao_Paulo')
"""
CATEGORIA = "INSERT INTO pedidos.categoria (id, chatbot, nome, ordem, ativo) VALUES ($1, $2, $3, $4, $5)"
PRODUTO = """
INSERT INTO pedidos.produto (id, chatbot, categoria, nome, preco, descricao, disponivel, estoque, imagem_url)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""


async def write_down(loja: CardapioFixo) -> None:
    """The same catalogue in the database."""
    for categoria in loja.todas:
        ativa = categoria.nome not in loja.inativas
        await DB.execute(CATEGORIA, categoria.id, loja.bot, categoria.nome, categoria.id, ativa)
    for p in loja.prateleira:
        rest = (p.preco, p.descricao, p.disponivel, p.estoque, p.imagem_url)
        await DB.execute(PRODUTO, p.id, loja.bot, p.categoria, p.nome, *rest)


async def estoque(produto: int) -> int | None:
    return await DB.fetchval("SELECT estoque FROM pedidos.produto WHERE id = $1", produto)


async def written() -> list[int]:
    """How many rows the order tables hold."""
    return [
        await DB.fetchval(f"SELECT count(*) FROM pedidos.{table}")
        for table in ("pedido", "item", "numeracao")
    ]


def feijoadas(quantas: int) -> Item:
    return Item(FEIJOADA, "Feijoada", 2990, quantas)


@pytest.fixture
def loja():
    """Some of it cannot be had."""
    return CardapioFixo(MENU, bot=LOJA)


@pytest_asyncio.fixture
async def bots(database):
    """Two shops, and Ana, a customer of the first."""
    for bot in (LOJA, VIZINHA):
        await DB.execute(CHATBOT, bot, f"20{bot}")
    await DB.execute("INSERT INTO cliente (id, chatbot, nome) VALUES ($1, $2, 'Ana')", ANA, LOJA)


@pytest.fixture(params=["in memory", "in the database"])
def kept(request):
    return request.param


@pytest.fixture
def opened(kept, loja, request):
    """Opens the shop, in memory or in the database: gives its Cardapio and its Pedidos."""
    if kept == "in the database":
        request.getfixturevalue("bots")

    async def opened():
        if kept == "in memory":
            return loja, PedidosAnotados(loja)
        await write_down(loja)
        return Cardapio(), Pedidos()

    return opened


# -- the contract that the doubles and the database share ----------------------------------------------------


async def test_the_catalogue_is_in_the_shops_order_its_products_by_name(opened):
    cardapio, _ = await opened()
    assert list(await cardapio.categorias(LOJA)) == [Categoria(1, "Marmitas"), Categoria(2, "Bebidas")]
    assert [p.nome for p in await cardapio.produtos(LOJA, 1)] == ["Arroz", "Feijoada", "Moqueca"]
    assert [p.nome for p in await cardapio.produtos(LOJA, 2)] == ["Suco"]
    assert [p.nome for p in await cardapio.produtos(LOJA, 0)] == ["Arroz", "Feijoada", "Moqueca", "Suco"]
    assert list(await cardapio.produtos(LOJA, 99)) == []


async def test_a_product_is_told_whole(opened, loja):
    suco = loja["Suco"]
    suco.descricao, suco.estoque, suco.imagem_url = "500 ml", 7, "https://example.com/suco.jpg"
    cardapio, _ = await opened()
    whole = Produto(SUCO, "Suco", 790, "500 ml", 7, "https://example.com/suco.jpg")
    assert await cardapio.produto(LOJA, SUCO) == whole
    assert await cardapio.por_id(LOJA, [SUCO, SUCO, 99]) == {SUCO: whole}
    assert list(await cardapio.produtos(LOJA, 2)) == [whole]


async def test_only_what_can_be_had_is_offered(opened, loja):
    loja["Arroz"].disponivel = False
    loja["Moqueca"].estoque = 0
    loja["Feijoada"].estoque = 1
    cardapio, _ = await opened()
    assert [p.nome for p in await cardapio.produtos(LOJA, 0)] == ["Feijoada", "Suco"]
    assert list(await cardapio.por_id(LOJA, [ARROZ, FEIJOADA, MOQUECA])) == [FEIJOADA]
    assert await cardapio.produto(LOJA, ARROZ) is None


async def test_a_category_without_anything_to_order_is_not_offered(opened, loja):
    loja["Suco"].estoque = 0
    cardapio, _ = await opened()
    assert [c.nome for c in await cardapio.categorias(LOJA)] == ["Marmitas"]


async def test_what_stands_in_an_inactive_category_is_not_offered(opened, loja):
    loja.inativas.add("Bebidas")
    cardapio, _ = await opened()
    assert [c.nome for c in await cardapio.categorias(LOJA)] == ["Marmitas"]
    assert list(await cardapio.produtos(LOJA, 2)) == []
    assert await cardapio.produto(LOJA, SUCO) is None


async def test_another_shop_sees_nothing_of_it(opened):
    cardapio, _ = await opened()
    assert list(await cardapio.categorias(VIZINHA)) == []
    assert list(await cardapio.produtos(VIZINHA, 0)) == []
    assert list(await cardapio.produtos(VIZINHA, 1)) == []
    assert await cardapio.por_id(VIZINHA, [FEIJOADA]) == {}


async def test_orders_are_numbered_from_one_and_take_the_stock(opened, loja):
    loja["Feijoada"].estoque = 5
    cardapio, pedidos = await opened()
    first = await pedidos.confirmar(LOJA, ANA, [feijoadas(2), Item(SUCO, "Suco", 790, 9)])
    second = await pedidos.confirmar(LOJA, ANA, [feijoadas(3)])
    assert [(p.numero, p.total) for p in (first, second)] == [(1, 2 * 2990 + 9 * 790), (2, 3 * 2990)]
    assert await cardapio.produto(LOJA, FEIJOADA) is None
    uncounted = await cardapio.produto(LOJA, SUCO)
    assert uncounted is not None
    assert uncounted.estoque is None


@pytest.mark.parametrize("why", ["too many", "not available", "unknown", "another shop's"])
async def test_what_cannot_be_had_is_named_and_nothing_is_taken(opened, loja, why):
    loja["Feijoada"].estoque = 5
    loja["Arroz"].disponivel = False
    bot, missing = {
        "too many": (LOJA, feijoadas(6)),
        "not available": (LOJA, Item(ARROZ, "Arroz", 1990, 1)),
        "unknown": (LOJA, Item(99, "Nada", 1, 1)),
        "another shop's": (VIZINHA, feijoadas(1)),
    }[why]
    cardapio, pedidos = await opened()
    with pytest.raises(SemEstoque) as caught:
        await pedidos.confirmar(bot, ANA, [missing])
    assert caught.value.produtos == [missing.produto]
    feijoada = await cardapio.produto(LOJA, FEIJOADA)
    assert feijoada is not None
    assert feijoada.estoque == 5
    confirmado = await pedidos.confirmar(LOJA, ANA, [feijoadas(1)])
    assert confirmado.numero == 1  # no number was used up


# -- the database alone --------------------------------------------------------------------------------------


async def test_an_order_is_written_with_its_lines(bots, loja):
    await write_down(loja)
    lines = [feijoadas(2), Item(SUCO, "Suco de uva", 700, 1)]
    confirmado = await Pedidos().confirmar(LOJA, ANA, lines, "sem cebola")
    row = dict(await DB.fetchrow("SELECT * FROM pedidos.pedido"))
    assert confirmado == Confirmado(row["id"], 1, 6680)
    assert (row["chatbot"], row["cliente"], row["status"], row["total"], row["observacoes"]) == (
        *(LOJA, ANA, "confirmado"),
        *(6680, "sem cebola"),
    )
    written_lines = await DB.fetch(
        "SELECT produto, nome, preco, quantidade FROM pedidos.item WHERE pedido = $1 ORDER BY id",
        confirmado.id,
    )
    assert [Item(**line) for line in written_lines] == lines  # at the prices the customer saw


async def test_an_order_with_one_thing_missing_leaves_nothing_behind(bots, loja):
    loja["Feijoada"].estoque = 5
    loja["Suco"].estoque = 1
    await write_down(loja)
    with pytest.raises(SemEstoque) as caught:
        await Pedidos().confirmar(LOJA, ANA, [feijoadas(2), Item(SUCO, "Suco", 790, 2)])
    assert caught.value.produtos == [SUCO]
    assert await written() == [0, 0, 0]
    assert (await estoque(FEIJOADA), await estoque(SUCO)) == (5, 1)


async def test_a_failure_after_the_order_leaves_nothing_behind(bots, loja):
    """The turn's transaction holds the order too."""
    loja["Feijoada"].estoque = 5
    await write_down(loja)

    async def turn() -> None:
        async with DB.transaction():
            await Pedidos().confirmar(LOJA, ANA, [feijoadas(2)])
            raise RuntimeError("something else in the same turn")

    with pytest.raises(RuntimeError):
        await turn()
    assert await written() == [0, 0, 0]
    assert await estoque(FEIJOADA) == 5


async def test_sold_out_inside_a_turn_does_not_spoil_the_turn(bots, loja):
    await write_down(loja)
    async with DB.transaction():
        with pytest.raises(SemEstoque):
            await Pedidos().confirmar(LOJA, ANA, [Item(99, "Nada", 1, 1)])
        await Pedidos().confirmar(LOJA, ANA, [feijoadas(1)])
    assert await written() == [1, 1, 1]


async def test_orders_at_the_same_time_get_numbers_in_a_row_and_never_more_than_there_is(bots, loja):
    loja["Feijoada"].estoque = 25
    loja["Suco"].estoque = 1000
    await write_down(loja)
    pedidos = Pedidos()

    async def order(number: int) -> Confirmado | SemEstoque:
        lines = [feijoadas(3), Item(SUCO, "Suco", 790, 1)]
        try:  # half of them name the products the other way round: nobody may wait for each other in a circle
            return await pedidos.confirmar(LOJA, ANA, lines if number % 2 else lines[::-1])
        except SemEstoque as missing:
            return missing

    done = await asyncio.gather(*map(order, range(20)))
    confirmed = [order for order in done if isinstance(order, Confirmado)]
    assert sorted(order.numero for order in confirmed) == list(range(1, 9))  # 8 × 3 = 24 of 25
    assert all(order.produtos == [FEIJOADA] for order in done if isinstance(order, SemEstoque))
    assert (await estoque(FEIJOADA), await estoque(SUCO)) == (1, 992)
    assert await written() == [8, 16, 1]


async def test_each_shop_counts_its_own_orders(bots, loja):
    await write_down(loja)
    await DB.execute("INSERT INTO cliente (id, chatbot, nome) VALUES (2, $1, 'Bia')", VIZINHA)
    await DB.execute(CATEGORIA, 10, VIZINHA, "Doces", 1, True)
    await DB.execute(PRODUTO, 10, VIZINHA, 10, "Bolo", 500, "", True, None, "")
    bolo = Item(10, "Bolo", 500, 1)
    numbers = [
        (await Pedidos().confirmar(bot, cliente, [item])).numero
        for bot, cliente, item in [(LOJA, ANA, feijoadas(1)), (VIZINHA, 2, bolo), (LOJA, ANA, feijoadas(1))]
    ]
    assert numbers == [1, 1, 2]
    with pytest.raises(SemEstoque):
        await Pedidos().confirmar(LOJA, ANA, [feijoadas(1), bolo])


async def test_a_very_expensive_order_is_written_too(bots, loja):
    await write_down(loja)
    confirmado = await Pedidos().confirmar(LOJA, ANA, [Item(FEIJOADA, "Feijoada", 100_000_000, 9_999)])
    assert confirmado.total == 999_900_000_000
    assert await DB.fetchval("SELECT total FROM pedidos.pedido") == 999_900_000_000


async def test_a_cliente_with_orders_is_not_deleted_from_under_them(bots, loja):
    await write_down(loja)
    await Pedidos().confirmar(LOJA, ANA, [feijoadas(1)])
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await DB.execute("DELETE FROM cliente WHERE id = $1", ANA)
    assert await DB.fetchval("SELECT count(*) FROM pedidos.pedido") == 1
