"""The funnel of customers who stop where the script says is the script."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest_asyncio
from tests.live import platform, switch_on, until

from wabot.db.engine import DB
from wabot_metricas.reports import run

ZONE = "America/Sao_Paulo"
STEPS = ("taps Marmitas", "taps Feijoada", "says 2", "taps Finalizar pedido", "taps Confirmar")
"""From the greeting on, what leads to the next etapa."""
ASKED = (
    "O que vai ser",
    "Qual você prefere",
    "Quantas unidades",
    "mais alguma coisa",
    "Confira",
    "confirmado",
)
ETAPAS = (
    "selecionar_categoria",
    "selecionar_produto",
    "informar_quantidade",
    "adicionar_mais",
    "confirmar_pedido",
)
SCRIPT = {"selecionar_categoria": 3, "selecionar_produto": 2, "informar_quantidade": 2, "confirmar_pedido": 1}
"""How many customers stop at each etapa."""
FINISH = 2
"""How many of them see the order confirmed."""


@pytest_asyncio.fixture
async def shop(database_uri, tmp_path):
    async with platform(database_uri, tmp_path) as live:
        await switch_on(live.bot, live.process.settings, "metricas")
        await live.process.runtimes.load()
        async with await live.api() as api:
            for nome, produto in (("Marmitas", "Feijoada"), ("Bebidas", "Guaraná")):
                categoria = (
                    await api.post("/api/pedidos/categorias/", json={"chatbot": live.bot.id, "nome": nome})
                ).json()
                fields = {
                    "chatbot": live.bot.id,
                    "categoria": categoria["id"],
                    "nome": produto,
                    "preco": 2990,
                }
                assert (await api.post("/api/pedidos/produtos/", json=fields)).status_code == 201
        yield live


async def goes(customer, steps):
    """Greet the shop, and do so much of what leads to an order."""
    await customer.says("oi")
    await customer.sees(ASKED[0])
    for step, asked in zip(STEPS[:steps], ASKED[1:], strict=False):
        verb, _, words = step.partition(" ")
        await getattr(customer, verb)(words)
        await customer.sees(asked)


async def counted(shop):
    """All that has happened has been counted."""
    waiting = """SELECT EXISTS (SELECT FROM event JOIN sink_checkpoint AS place USING (chatbot)
                 WHERE (event.xid, event.id) > (place.xid, place.event))
                 OR EXISTS (SELECT FROM inbox WHERE state = 'pendente')
                 OR NOT EXISTS (SELECT FROM sink_checkpoint)"""

    async def all_read():
        return not await DB.fetchval(waiting)

    await until(all_read, within=30)


async def report(shop, name):
    today = datetime.now(UTC).astimezone(ZoneInfo(ZONE)).date()
    return await run(name, shop.bot.id, today - timedelta(days=1), today, ZONE)


async def test_the_funnel_of_a_population_is_its_script(shop):
    stops = [ETAPAS.index(etapa) for etapa, many in SCRIPT.items() for _ in range(many)] + [
        len(STEPS)
    ] * FINISH
    customers = [shop.simulator.customer(f"Cliente {n}") for n in range(len(stops))]
    await asyncio.gather(*map(goes, customers, stops))
    await customers[0].says("nenhuma dessas")
    await customers[0].sees(ASKED[0])
    await counted(shop)
    rows = await report(shop, "funil")
    reached = {etapa: sum(stop >= n for stop in stops) for n, etapa in enumerate(ETAPAS)}
    told = {row.etapa: (row.chegaram, row.pararam, row.concluiram) for row in rows}
    assert [row.etapa for row in rows] == ["inicio", *ETAPAS]
    assert told == {
        "inicio": (len(stops), 0, 0),
        **{etapa: (reached[etapa], SCRIPT.get(etapa, 0), 0) for etapa in ETAPAS},
        "confirmar_pedido": (SCRIPT["confirmar_pedido"] + FINISH, SCRIPT["confirmar_pedido"], FINISH),
    }
    today = (await report(shop, "clientes"))[-1]
    assert (today.ativos, today.novos) == (len(stops), len(stops))
    sold = (await report(shop, "pedidos"))[-1]
    assert (sold.pedidos, sold.itens, sold.faturamento) == (FINISH, 2 * FINISH, 2 * 2990 * FINISH)
    [missed] = [row for row in await report(shop, "nao_entendidas") if row.nao_entendidas]
    assert (missed.etapa, missed.nao_entendidas) == ("selecionar_categoria", 1)


async def test_an_etapa_that_is_seen_twice_is_reached_once_and_who_comes_back_begins_anew(shop):
    ana = shop.simulator.customer("Ana")
    await goes(ana, 3)
    await ana.taps("Adicionar mais")
    await ana.sees(ASKED[0])
    await ana.says("cancelar")
    await ana.sees("ancel")
    await goes(ana, 1)
    await counted(shop)
    told = {row.etapa: (row.chegaram, row.pararam) for row in await report(shop, "funil")}
    assert told["selecionar_categoria"] == (2, 1)
    assert told["selecionar_produto"] == (2, 1)
    assert told["adicionar_mais"] == (1, 0)


async def test_deliveries_and_costs_are_those_of_the_statuses(shop):
    ana = shop.simulator.customer("Ana")
    await goes(ana, 2)

    async def all_told():
        return not await DB.fetchval("SELECT EXISTS (SELECT FROM outbox WHERE status <> 'read')")

    await until(all_told)
    await counted(shop)
    sent = await DB.fetchval("SELECT count(*) FROM outbox")
    row = (await report(shop, "entregas"))[-1]
    assert (row.enviadas, row.entregues, row.lidas, row.falhas) == (sent, sent, sent, 0)
    assert (row.taxa_de_entrega, row.taxa_de_leitura) == (1, 1)
    assert sum(row.cobradas + row.gratis for row in await report(shop, "custo")) == sent
