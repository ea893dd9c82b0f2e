"""The whole path over real HTTP: webhook, PostgreSQL, the flow, the Graph API; and back with statuses."""

import pytest_asyncio
from tests.live import Platform, platform

from wabot.db.engine import DB


@pytest_asyncio.fixture
async def shop(database_uri, tmp_path):
    async with platform(database_uri, tmp_path) as running:
        await open_shop(running)
        yield running


async def open_shop(running: Platform) -> None:
    api = await running.api()
    for nome, produtos in {
        "Marmitas": [("Feijoada", 2990), ("Moqueca", 3490)],
        "Bebidas": [("Guaraná", 790)],
    }.items():
        answer = await api.post("/api/pedidos/categorias/", json={"chatbot": running.bot.id, "nome": nome})
        assert answer.status_code == 201, answer.text
        for produto, preco in produtos:
            body = {
                "chatbot": running.bot.id,
                "categoria": answer.json()["id"],
                "nome": produto,
                "preco": preco,
            }
            assert (await api.post("/api/pedidos/produtos/", json=body)).status_code == 201
    await api.aclose()


async def test_ana_orders_two_products(shop):
    ana = shop.simulator.customer("Ana")
    await ana.says("oi")
    reply = await ana.sees("Olá, Ana!", "O que vai ser hoje?")
    assert reply.options == ["Bebidas", "Marmitas"]
    await ana.taps("Marmitas")
    await ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    await ana.sees("Quantas unidades")
    await ana.says("2")
    await ana.sees("2 × Feijoada no carrinho")
    await ana.taps("Adicionar mais")
    await ana.sees("O que vai ser hoje?")
    await ana.taps("Bebidas")
    await ana.sees("Qual você prefere?")
    await ana.taps("Guaraná")
    await ana.sees("Quantas unidades")
    await ana.says("uma")
    await ana.sees("Total até agora: R$ 67,70")
    await ana.taps("Finalizar pedido")
    await ana.sees("Confira o seu pedido", "R$ 67,70")
    await ana.taps("Confirmar")
    await ana.sees("Pedido nº 1 confirmado!")
    pedido = await DB.fetchrow("SELECT * FROM pedidos.pedido")
    assert (pedido["numero"], pedido["status"], pedido["total"]) == (1, "confirmado", 6770)
