"""`/api/pedidos/…` over real HTTP: the catalogue and the orders, what is refused, and who sees what."""

import asyncio
import itertools
import os
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio
from tests.live import add_bot, platform

from wabot.db.engine import DB

CATEGORIAS = "/api/pedidos/categorias/"
PRODUTOS = "/api/pedidos/produtos/"
PEDIDOS = "/api/pedidos/pedidos/"
LISTS = pytest.mark.parametrize("path", [CATEGORIAS, PRODUTOS, PEDIDOS])
HUGE = 10**30

pytestmark = pytest.mark.asyncio(loop_scope="module")
numbers = itertools.count()


class Shop:
    """One business: its bot, the API as its owner calls it (`api`), as the platform's (`all`), a catalogue to fill."""

    def __init__(self, running, bot, api, everything):
        self.running, self.bot, self.api, self.all = running, bot, api, everything

    async def make(self, path, **fields):
        answer = await self.all.post(path, json=fields)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def categoria(self, nome="Marmitas", **fields):
        return await self.make(CATEGORIAS, **{"chatbot": self.bot, "nome": nome, **fields})

    async def produto(self, nome="Feijoada", preco=2990, categoria=None, **fields):
        categoria = categoria or (await self.categoria())["id"]
        fields = {"chatbot": self.bot, "categoria": categoria, "nome": nome, "preco": preco, **fields}
        return await self.make(PRODUTOS, **fields)

    async def cliente(self, chatbot=None, nome="Ana"):
        insert = "INSERT INTO cliente (chatbot, nome) VALUES ($1, $2) RETURNING id"
        return await DB.fetchval(insert, chatbot or self.bot, nome)

    async def pedido(self, quantidade=1, **produto):
        produto = await self.produto(**produto)
        itens = [{"produto": produto["id"], "quantidade": quantidade}]
        return await self.make(PEDIDOS, cliente=await self.cliente(), itens=itens)

    async def other_bot(self):
        """Another business on the same platform."""
        return await new_bot(self.running, "Vizinha")


async def new_bot(running, nome):
    number = next(numbers)
    settings = running.process.settings
    return (await add_bot(settings, nome, phone_number_id=f"77{number}", numero=f"55119{number:08}")).id


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(server_uri, template, tmp_path_factory):
    """One platform for all of these tests: each has a bot of its own."""
    uri = urlsplit(server_uri)
    name = f"pedidos_api_{os.getpid()}"
    server = await asyncpg.connect(server_uri)
    await server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    address = urlunsplit(uri._replace(path=f"/{name}"))
    async with platform(address, tmp_path_factory.mktemp("home"), worker=False) as running:
        yield running
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything(running):
    async with await running.api() as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def shop(running, everything):
    bot = await new_bot(running, "Loja")
    async with await running.api(bot=bot) as api:
        yield Shop(running, bot, api, everything)


def refused(answer, field, status=400):
    """A problem document that names the field."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    errors = problem.get("errors", [])
    assert field in [error["field"] for error in errors], problem
    assert all(error["message"] for error in errors)


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["detail"]


# -- categorias ----------------------------------------------------------------------------------------------


async def test_a_categoria_is_made_read_replaced_changed_and_deleted(shop):
    answer = await shop.api.post(CATEGORIAS, json={"chatbot": shop.bot, "nome": "  Pratos \n do dia "})
    made = answer.json()
    assert made == {
        "id": made["id"],
        "chatbot": shop.bot,
        "nome": "Pratos do dia",
        "descricao": "",
        "ordem": 0,
        "ativo": True,
    }
    where = answer.headers["location"]
    assert where == f"{CATEGORIAS}{made['id']}/"
    assert (await shop.api.get(where)).json() == made
    replaced = await shop.api.put(where, json={"chatbot": shop.bot, "nome": "Sopas", "ordem": 3})
    assert replaced.json() == made | {"nome": "Sopas", "ordem": 3}
    changed = await shop.api.patch(where, json={"ativo": False})
    assert changed.json() == made | {"nome": "Sopas", "ordem": 3, "ativo": False}
    assert (await shop.api.get(where)).json() == changed.json()
    gone = await shop.api.delete(where)
    assert (gone.status_code, gone.content) == (204, b"")
    problem(await shop.api.get(where), 404)
    problem(await shop.api.delete(where), 404)


async def test_a_categoria_with_produtos_is_not_deleted(shop):
    produto = await shop.produto()
    problem(await shop.api.delete(f"{CATEGORIAS}{produto['categoria']}/"), 409)
    await shop.api.delete(f"{PRODUTOS}{produto['id']}/")
    assert (await shop.api.delete(f"{CATEGORIAS}{produto['categoria']}/")).status_code == 204


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("nome", ""),
        ("nome", "   "),
        ("nome", "\u0000"),
        ("nome", "x" * 101),
        ("nome", 7),
        ("nome", None),
        ("descricao", "x" * 1001),
        ("ordem", -1),
        ("ordem", "primeira"),
        ("ordem", HUGE),
        ("ativo", "sim"),
        ("ativo", None),
        ("chatbot", 0),
        ("chatbot", 4711),
        ("chatbot", HUGE),
        ("chatbot", "Loja"),
        ("chatbot", True),
    ],
)
async def test_a_wrong_field_of_a_categoria_is_named(shop, field, value):
    body = {"chatbot": shop.bot, "nome": "Marmitas", field: value}
    refused(await shop.api.post(CATEGORIAS, json=body), field)
    made = await shop.categoria()
    refused(await shop.api.put(f"{CATEGORIAS}{made['id']}/", json=body), field)
    if field != "chatbot":
        refused(await shop.api.patch(f"{CATEGORIAS}{made['id']}/", json={field: value}), field)
    assert (await shop.api.get(f"{CATEGORIAS}{made['id']}/")).json() == made


# -- produtos ------------------------------------------------------------------------------------------------


async def test_a_produto_is_made_read_replaced_changed_and_deleted(shop):
    categoria = (await shop.categoria())["id"]
    body = {"chatbot": shop.bot, "categoria": categoria, "nome": "Feijoada", "preco": 2990}
    answer = await shop.api.post(PRODUTOS, json=body)
    made = answer.json()
    assert made == body | {
        "id": made["id"],
        "descricao": "",
        "disponivel": True,
        "estoque": None,
        "imagem_url": "",
    }
    where = answer.headers["location"]
    assert where == f"{PRODUTOS}{made['id']}/"
    assert (await shop.api.get(where)).json() == made
    fuller = body | {
        "preco": 3190,
        "descricao": "Com couve",
        "estoque": 5,
        "imagem_url": "https://x.org/f.jpg",
    }
    assert (await shop.api.put(where, json=fuller)).json() == made | fuller
    changed = await shop.api.patch(where, json={"estoque": None, "disponivel": False})
    assert changed.json() == made | fuller | {"estoque": None, "disponivel": False}
    assert (await shop.api.patch(where, json={})).json() == changed.json()
    assert (await shop.api.put(where, json=body)).json() == made
    assert (await shop.api.delete(where)).status_code == 204
    problem(await shop.api.get(where), 404)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("preco", -1),
        ("preco", 100_000_001),
        ("preco", 29.9),
        ("preco", "R$ 29,90"),
        ("preco", None),
        ("preco", HUGE),
        ("estoque", -1),
        ("estoque", HUGE),
        ("estoque", 1.5),
        ("categoria", 4711),
        ("categoria", 0),
        ("categoria", -5),
        ("categoria", HUGE),
        ("categoria", 2**63),
        ("categoria", 2**63 - 1),
        ("categoria", None),
        ("imagem_url", "ftp://x.org/f.jpg"),
        ("imagem_url", "f.jpg"),
        ("imagem_url", "https://x.org/" + "f" * 2000),
        ("disponivel", "talvez"),
        ("disponivel", 2),
        ("nome", ""),
        ("nome", []),
    ],
)
async def test_a_wrong_field_of_a_produto_is_named(shop, field, value):
    made = await shop.produto()
    body = {"chatbot": shop.bot, "categoria": made["categoria"], "nome": "Feijoada", "preco": 2990}
    refused(await shop.api.post(PRODUTOS, json=body | {field: value}), field)
    refused(await shop.api.put(f"{PRODUTOS}{made['id']}/", json=body | {field: value}), field)
    refused(await shop.api.patch(f"{PRODUTOS}{made['id']}/", json={field: value}), field)
    assert (await shop.api.get(f"{PRODUTOS}{made['id']}/")).json() == made


@pytest.mark.parametrize("field", ["chatbot", "categoria", "nome", "preco"])
async def test_a_missing_field_is_named(shop, field):
    made = await shop.produto()
    body = {"chatbot": shop.bot, "categoria": made["categoria"], "nome": "Feijoada", "preco": 2990}
    refused(await shop.api.post(PRODUTOS, json={k: v for k, v in body.items() if k != field}), field)


async def test_an_unknown_field_is_named(shop):
    refused(await shop.api.post(CATEGORIAS, json={"chatbot": shop.bot, "nome": "X", "cor": "azul"}), "cor")
    refused(await shop.api.patch(f"{PRODUTOS}{(await shop.produto())['id']}/", json={"total": 1}), "total")


async def test_a_produto_cannot_stand_in_another_chatbots_categoria(shop):
    other = await shop.other_bot()
    theirs = (await shop.categoria(chatbot=other))["id"]
    mine = await shop.produto()
    body = {"chatbot": shop.bot, "categoria": theirs, "nome": "Feijoada", "preco": 2990}
    refused(await shop.all.post(PRODUTOS, json=body), "categoria")
    refused(await shop.all.put(f"{PRODUTOS}{mine['id']}/", json=body), "categoria")
    refused(await shop.all.patch(f"{PRODUTOS}{mine['id']}/", json={"categoria": theirs}), "categoria")


async def test_nothing_moves_to_another_chatbot(shop):
    other = await shop.other_bot()
    mine = await shop.produto()
    body = {"chatbot": other, "categoria": mine["categoria"], "nome": "Feijoada", "preco": 1}
    refused(await shop.all.put(f"{PRODUTOS}{mine['id']}/", json=body), "chatbot")
    refused(
        await shop.all.put(f"{CATEGORIAS}{mine['categoria']}/", json={"chatbot": other, "nome": "X"}),
        "chatbot",
    )


async def test_words_that_postgresql_cannot_hold_are_cleaned(shop):
    made = await shop.categoria(nome="Mar\u0000mi\u0007tas", descricao="linha 1\nlinha 2 \u0000 ")
    assert (made["nome"], made["descricao"]) == ("Marmitas", "linha 1\nlinha 2")
    await shop.api.patch(f"{CATEGORIAS}{made['id']}/", json={"descricao": "😀 ção"})
    assert (await shop.api.get(f"{CATEGORIAS}{made['id']}/")).json()["descricao"] == "😀 ção"


async def test_changing_a_name_does_not_undo_an_order_of_the_same_moment(shop):
    """The order takes its stock after the change read the product, and before it writes."""
    produto = await shop.produto(estoque=5)
    async with DB.transaction():
        await DB.execute("UPDATE pedidos.produto SET estoque = 3 WHERE id = $1", produto["id"])
        change = asyncio.create_task(shop.api.patch(f"{PRODUTOS}{produto['id']}/", json={"nome": "Outro"}))
        while not await DB.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not change.done()
    assert (await change).status_code == 200
    now = (await shop.api.get(f"{PRODUTOS}{produto['id']}/")).json()
    assert (now["nome"], now["estoque"]) == ("Outro", 3)


# -- pedidos -------------------------------------------------------------------------------------------------


async def test_a_pedido_is_made_at_the_servers_prices(shop):
    feijoada = await shop.produto(estoque=5)
    suco = await shop.produto("Suco", 790, feijoada["categoria"])
    cliente = await shop.cliente()
    body = {
        "cliente": cliente,
        "itens": [
            {"produto": feijoada["id"], "quantidade": 1},
            {"produto": suco["id"], "quantidade": 2},
            {"produto": feijoada["id"], "quantidade": 1},
        ],
        "observacoes": " sem cebola\u0000 ",
    }
    answer = await shop.api.post(PEDIDOS, json=body)
    made = answer.json()
    assert answer.status_code == 201
    assert made == {
        "id": made["id"],
        "chatbot": shop.bot,
        "cliente": cliente,
        "numero": 1,
        "status": "confirmado",
        "itens": [
            {
                "produto": feijoada["id"],
                "nome": "Feijoada",
                "preco": 2990,
                "quantidade": 2,
                "subtotal": 5980,
            },
            {"produto": suco["id"], "nome": "Suco", "preco": 790, "quantidade": 2, "subtotal": 1580},
        ],
        "total": 7560,
        "observacoes": "sem cebola",
        "criado_em": made["criado_em"],
        "atualizado_em": made["atualizado_em"],
    }
    assert list(made) == [
        *("id", "chatbot", "cliente", "numero", "status", "itens", "total", "observacoes"),
        *("criado_em", "atualizado_em"),
    ]
    where = answer.headers["location"]
    assert where == f"{PEDIDOS}{made['id']}/"
    assert (await shop.api.get(where)).json() == made
    assert (await shop.api.get(f"{PRODUTOS}{feijoada['id']}/")).json()["estoque"] == 3


async def test_a_pedido_keeps_its_lines_when_the_produto_changes_or_goes(shop):
    pedido = await shop.pedido()
    where = f"{PRODUTOS}{pedido['itens'][0]['produto']}/"
    await shop.api.patch(where, json={"nome": "Outro", "preco": 1})
    await shop.api.delete(where)
    assert (await shop.api.get(f"{PEDIDOS}{pedido['id']}/")).json() == pedido


async def test_a_pedido_for_more_than_the_stock_is_refused(shop):
    produto = await shop.produto(estoque=2)
    body = {"cliente": await shop.cliente(), "itens": [{"produto": produto["id"], "quantidade": 3}]}
    refused(await shop.api.post(PEDIDOS, json=body), "itens")
    assert (await shop.api.get(f"{PRODUTOS}{produto['id']}/")).json()["estoque"] == 2
    assert (await shop.api.get(PEDIDOS)).json()["total"] == 0


async def test_cancelling_a_pedido_puts_its_stock_back_once(shop):
    produto = await shop.produto(estoque=5)
    body = {"cliente": await shop.cliente(), "itens": [{"produto": produto["id"], "quantidade": 3}]}
    pedido = (await shop.api.post(PEDIDOS, json=body)).json()
    for _ in range(2):
        assert (
            await shop.api.patch(f"{PEDIDOS}{pedido['id']}/", json={"status": "cancelado"})
        ).status_code == 200
    assert (await shop.api.get(f"{PRODUTOS}{produto['id']}/")).json()["estoque"] == 5


@pytest.mark.parametrize("change", [{"disponivel": False}, {"estoque": 0}])
async def test_a_pedido_of_what_is_not_offered_is_refused(shop, change):
    produto = await shop.produto(**change)
    body = {"cliente": await shop.cliente(), "itens": [{"produto": produto["id"], "quantidade": 1}]}
    refused(await shop.api.post(PEDIDOS, json=body), "itens")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("itens", {"itens": []}),
        ("itens", {"itens": None}),
        ("itens", {"itens": [{"produto": 4711, "quantidade": 1}]}),
        ("itens", {"itens": [{"produto": 2**63 - 1, "quantidade": 1}]}),
        ("itens[0].quantidade", {"itens": [{"produto": 1, "quantidade": 0}]}),
        ("itens[0].quantidade", {"itens": [{"produto": 1, "quantidade": -1}]}),
        ("itens[0].quantidade", {"itens": [{"produto": 1, "quantidade": HUGE}]}),
        ("itens[0].quantidade", {"itens": [{"produto": 1}]}),
        ("itens[0].produto", {"itens": [{"produto": HUGE, "quantidade": 1}]}),
        ("itens[0].preco", {"itens": [{"produto": 1, "quantidade": 1, "preco": 1}]}),
        ("cliente", {"cliente": 4711}),
        ("cliente", {"cliente": 2**63 - 1}),
        ("cliente", {"cliente": HUGE}),
        ("cliente", {"cliente": None}),
        ("total", {"total": 1}),
        ("observacoes", {"observacoes": "x" * 1001}),
    ],
)
async def test_a_wrong_field_of_a_pedido_is_named(shop, field, change):
    produto = await shop.produto()
    body = {"cliente": await shop.cliente(), "itens": [{"produto": produto["id"], "quantidade": 1}]}
    refused(await shop.api.post(PEDIDOS, json=body | change), field)


async def test_a_pedido_of_another_chatbots_produto_or_cliente_is_refused(shop):
    other = await shop.other_bot()
    theirs = await shop.produto(chatbot=other, categoria=(await shop.categoria(chatbot=other))["id"])
    mine = await shop.produto()
    ana, bia = await shop.cliente(), await shop.cliente(other, "Bia")
    body = {"cliente": ana, "itens": [{"produto": theirs["id"], "quantidade": 1}]}
    refused(await shop.all.post(PEDIDOS, json=body), "itens")
    body = {"cliente": bia, "itens": [{"produto": mine["id"], "quantidade": 1}]}
    refused(await shop.all.post(PEDIDOS, json=body), "itens")
    refused(await shop.api.post(PEDIDOS, json=body), "cliente")


async def test_the_dearest_order_there_can_be_is_taken(shop):
    pedido = await shop.pedido(quantidade=9_999, preco=100_000_000)
    assert pedido["total"] == pedido["itens"][0]["subtotal"] == 999_900_000_000


@pytest.mark.parametrize(
    "way",
    [
        ["em_preparo", "saiu_para_entrega", "entregue"],
        ["saiu_para_entrega", "entregue"],
        ["entregue"],
        ["em_preparo", "cancelado"],
        ["cancelado", "cancelado"],
    ],
)
async def test_an_order_moves_on(shop, way):
    pedido = await shop.pedido()
    for status in way:
        answer = await shop.api.patch(f"{PEDIDOS}{pedido['id']}/", json={"status": status})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert answer.json()["atualizado_em"] > pedido["atualizado_em"]
    assert answer.json()["itens"] == pedido["itens"]


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        ("confirmado", "rascunho"),
        ("em_preparo", "confirmado"),
        ("entregue", "cancelado"),
        ("cancelado", "confirmado"),
        ("saiu_para_entrega", "em_preparo"),
        ("confirmado", "perdido"),
        ("confirmado", None),
        ("confirmado", 3),
    ],
)
async def test_an_order_does_not_move_back(shop, now, wanted):
    where = f"{PEDIDOS}{(await shop.pedido())['id']}/"
    assert (await shop.api.patch(where, json={"status": now})).status_code == 200
    refused(await shop.api.patch(where, json={"status": wanted}), "status")
    refused(await shop.api.put(where, json={"status": wanted}), "status")
    assert (await shop.api.get(where)).json()["status"] == now


async def test_the_notes_and_the_status_of_an_order_are_all_that_changes(shop):
    pedido = await shop.pedido()
    where = f"{PEDIDOS}{pedido['id']}/"
    noted = (await shop.api.patch(where, json={"observacoes": "Portão azul"})).json()
    assert noted == pedido | {"observacoes": "Portão azul", "atualizado_em": noted["atualizado_em"]}
    moved = (await shop.api.put(where, json={"status": "em_preparo"})).json()
    assert (moved["status"], moved["observacoes"]) == ("em_preparo", "")
    refused(await shop.api.put(where, json={}), "status")
    refused(await shop.api.patch(where, json={"total": 1}), "total")
    refused(await shop.api.patch(where, json={"itens": []}), "itens")


async def test_a_pedido_is_deleted_and_its_number_not_given_again(shop):
    pedido = await shop.pedido()
    where = f"{PEDIDOS}{pedido['id']}/"
    assert (await shop.api.delete(where)).status_code == 204
    problem(await shop.api.get(where), 404)
    problem(await shop.api.patch(where, json={"status": "entregue"}), 404)
    assert await DB.fetchval("SELECT count(*) FROM pedidos.item WHERE pedido = $1", pedido["id"]) == 0
    assert (await shop.pedido())["numero"] == 2


# -- lists ---------------------------------------------------------------------------------------------------


async def test_a_list_comes_in_pages_newest_first(shop):
    made = [(await shop.categoria(f"C{n}"))["id"] for n in range(5)]
    page = (await shop.api.get(CATEGORIAS, params={"limit": 2, "offset": 1})).json()
    assert [item["id"] for item in page.pop("items")] == [made[3], made[2]]
    assert page == {"limit": 2, "offset": 1, "total": 5}
    page = (await shop.api.get(CATEGORIAS, params={"offset": 99})).json()
    assert page == {"items": [], "limit": 50, "offset": 99, "total": 5}


@LISTS
async def test_an_empty_list_is_a_list(shop, path):
    assert (await shop.api.get(path)).json() == {"items": [], "limit": 50, "offset": 0, "total": 0}
    assert (await shop.api.get(path.rstrip("/"))).status_code == 200


async def names(shop, path, **params):
    answer = await shop.api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return [item["nome"] for item in answer.json()["items"]]


async def test_lists_are_searched_sorted_and_filtered(shop):
    marmitas, bebidas = await shop.categoria("Marmitas", ordem=2), await shop.categoria("Bebidas", ordem=1)
    await shop.produto("Feijoada", 2990, marmitas["id"], descricao="com couve 100% fresca")
    await shop.produto("Moqueca", 3490, marmitas["id"])
    await shop.produto("Suco_de uva", 790, bebidas["id"])
    assert await names(shop, CATEGORIAS, ordem="nome") == ["Bebidas", "Marmitas"]
    assert await names(shop, CATEGORIAS, ordem="-ordem") == ["Marmitas", "Bebidas"]
    assert await names(shop, CATEGORIAS, busca="MARM") == ["Marmitas"]
    assert await names(shop, PRODUTOS, ordem="preco") == ["Suco_de uva", "Feijoada", "Moqueca"]
    assert await names(shop, PRODUTOS, ordem="-preco") == ["Moqueca", "Feijoada", "Suco_de uva"]
    assert await names(shop, PRODUTOS, busca="couve") == ["Feijoada"]
    assert await names(shop, PRODUTOS, busca="100%") == ["Feijoada"]
    assert await names(shop, PRODUTOS, busca="%") == ["Feijoada"]
    assert await names(shop, PRODUTOS, busca="o_d") == ["Suco_de uva"]
    assert await names(shop, PRODUTOS, busca="nada") == []
    assert await names(shop, PRODUTOS, categoria=marmitas["id"], ordem="nome") == ["Feijoada", "Moqueca"]
    assert await names(shop, PRODUTOS, categoria=marmitas["id"], busca="moq") == ["Moqueca"]
    assert await names(shop, PRODUTOS, disponivel=False) == []
    assert await names(shop, CATEGORIAS, ativo=False) == []
    assert await names(shop, PRODUTOS, categoria=HUGE) == []
    assert await names(shop, PRODUTOS, categoria=-1) == []


async def test_orders_are_listed_with_their_lines_by_status(shop):
    first, second = await shop.pedido(quantidade=3), await shop.pedido()
    await shop.api.patch(f"{PEDIDOS}{second['id']}/", json={"status": "em_preparo"})
    listed = (await shop.api.get(PEDIDOS)).json()["items"]
    assert [pedido["numero"] for pedido in listed] == [2, 1]
    assert [pedido["itens"] for pedido in listed] == [second["itens"], first["itens"]]
    dearest = (await shop.api.get(PEDIDOS, params={"ordem": "-total", "limit": 1})).json()["items"]
    assert dearest == [first]
    confirmed = (await shop.api.get(PEDIDOS, params={"status": "confirmado"})).json()
    assert (confirmed["items"], confirmed["total"]) == ([first], 1)
    refused(await shop.api.get(PEDIDOS, params={"status": "perdido"}), "status")
    of_hers = (await shop.api.get(PEDIDOS, params={"cliente": second["cliente"]})).json()
    assert [pedido["id"] for pedido in of_hers["items"]] == [second["id"]]
    assert (await shop.api.get(PEDIDOS, params={"numero": 1})).json()["items"] == [first]
    assert (await shop.api.get(PEDIDOS, params={"numero": HUGE})).json()["total"] == 0


@LISTS
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", 0),
        ("limit", 201),
        ("limit", "dez"),
        ("offset", -1),
        ("offset", HUGE),
        ("chatbot", 0),
        ("chatbot", HUGE),
        ("ordem", "senha"),
        ("ordem", "-"),
        ("busca", "x" * 101),
    ],
)
async def test_a_wrong_parameter_is_named(shop, path, name, value):
    refused(await shop.api.get(path, params={name: value}), name)


# -- bodies that are no such thing ---------------------------------------------------------------------------

NONSENSE = {
    "empty": b"",
    "cut": b"{",
    "null": b"null",
    "list": b"[]",
    "text": b'"x"',
    "number": b"42",
    "bytes": b"\xff\xfe",
    "no fields": b"{}",
    "bad utf-8": b'{"nome": "\xff"}',
    "deep": b"[" * 10_000,
}


@LISTS
@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
async def test_a_body_that_makes_no_sense_is_a_problem_document(shop, path, body):
    headers = {"Content-Type": "application/json"}
    problem(await shop.api.post(path, content=body, headers=headers), 400)


# -- who may do what -----------------------------------------------------------------------------------------


def bodies(shop, pedido, produto):
    """Every object there is, and a body that would change it."""
    categoria = produto["categoria"]
    return {
        f"{CATEGORIAS}{categoria}/": {"chatbot": shop.bot, "nome": "Minha agora"},
        f"{PRODUTOS}{produto['id']}/": {
            "chatbot": shop.bot,
            "categoria": categoria,
            "nome": "Minha agora",
            "preco": 1,
        },
        f"{PEDIDOS}{pedido['id']}/": {"status": "cancelado"},
    }


async def one_of_each(shop):
    pedido = await shop.pedido()
    produto = (await shop.api.get(f"{PRODUTOS}{pedido['itens'][0]['produto']}/")).json()
    return bodies(shop, pedido, produto)


async def state(shop, paths):
    return [(await shop.api.get(path)).json() for path in paths]


async def test_the_token_of_another_bot_sees_nothing_and_changes_nothing(shop):
    objects = await one_of_each(shop)
    before = await state(shop, objects)
    cliente = await shop.cliente()
    async with await shop.running.api(bot=await shop.other_bot()) as stranger:
        for path in (CATEGORIAS, PRODUTOS, PEDIDOS):
            for params in ({}, {"chatbot": shop.bot}):
                assert (await stranger.get(path, params=params)).json()["total"] == 0
        for path, body in objects.items():
            problem(await stranger.get(path), 404)
            problem(await stranger.put(path, json=body), 404)
            problem(await stranger.patch(path, json={}), 404)
            problem(await stranger.delete(path), 404)
        refused(await stranger.post(CATEGORIAS, json={"chatbot": shop.bot, "nome": "X"}), "chatbot")
        itens = [{"produto": before[1]["id"], "quantidade": 1}]
        refused(await stranger.post(PEDIDOS, json={"cliente": cliente, "itens": itens}), "cliente")
    assert await state(shop, objects) == before


async def test_a_bots_own_token_sees_its_own(shop):
    objects = await one_of_each(shop)
    other = await shop.other_bot()
    await shop.categoria("Deles", chatbot=other)
    assert (await shop.api.get(CATEGORIAS)).json()["total"] == 1
    assert (await shop.api.get(CATEGORIAS, params={"chatbot": other})).json()["total"] == 0
    for path in objects:
        assert (await shop.api.get(path)).status_code == 200
    theirs = (await shop.all.get(CATEGORIAS, params={"chatbot": other})).json()["items"]
    assert [categoria["nome"] for categoria in theirs] == ["Deles"]


async def test_a_token_that_only_reads_changes_nothing(shop):
    objects = await one_of_each(shop)
    before = await state(shop, objects)
    async with await shop.running.api(writes=False, bot=shop.bot) as reader:
        for path, body in objects.items():
            assert (await reader.get(path)).status_code == 200
            problem(await reader.put(path, json=body), 403)
            problem(await reader.patch(path, json=body), 403)
            problem(await reader.delete(path), 403)
        for path in (CATEGORIAS, PRODUTOS, PEDIDOS):
            assert (await reader.get(path)).json()["total"] == 1
            problem(await reader.post(path, json={}), 403)
    assert await state(shop, objects) == before


async def test_without_a_token_there_is_nothing(shop):
    objects = await one_of_each(shop)
    for headers in ({}, {"Authorization": "Bearer errado"}, {"Authorization": "Basic YTpi"}):
        for path in (CATEGORIAS, PRODUTOS, PEDIDOS, *objects):
            problem(await shop.running.http.get(path, headers=headers), 401)
            problem(await shop.running.http.delete(path, headers=headers), 401 if path in objects else 405)


@LISTS
@pytest.mark.parametrize("id", [0, 4711, -1, 2**31, 2**63 - 1, 2**63, HUGE, "abc"])
async def test_what_does_not_exist_is_not_found(shop, path, id):
    problem(await shop.api.get(f"{path}{id}/"), 404)
    problem(await shop.api.patch(f"{path}{id}/", json={}), 404)
    problem(await shop.api.delete(f"{path}{id}/"), 404)
