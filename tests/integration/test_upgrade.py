"""A new release of a flow, installed while a thousand customers are in the middle of an order."""

import asyncio
import sys

import pytest
from tests.live import SECRET, platform

from wabot import texts
from wabot.db.engine import DB
from wabot.plugins.plan import upgrade_plan
from wabot.plugins.registry import load_registry
from wabot.testing.simulator import Simulator

CUSTOMERS = 1000
AT_ONCE = 50

FIRST = '''
"""Loja: pedidos simples."""
import msgspec
from wabot import Ask, Choose, End, Flow, Go, hookimpl

class Pedido(msgspec.Struct):
    produto: str = ""

loja = Flow("loja", data=Pedido, version=1)

@loja.etapa
async def inicio(ctx):
    def then(produto):
        ctx.data.produto = produto
        return Go(informar_quantidade)
    return Choose("O que vai ser?", among=["Feijoada", "Moqueca"], then=then)

@loja.etapa
async def informar_quantidade(ctx):
    return Ask("Quantas?", check=int, then=lambda n: End(f"Pedido confirmado: {n} {ctx.data.produto}"))

@hookimpl
def wabot_flows():
    return [loja]
'''

SECOND = '''
"""Loja: pedidos com observações."""
import msgspec
from wabot import Ask, Choose, End, Flow, Go, hookimpl

class Pedido(msgspec.Struct):
    produto: str = ""
    canal: str = ""
    quantidade: int = 0

loja = Flow("loja", data=Pedido, version=2, otherwise="hand_over"{MIGRATION})

@loja.etapa
async def inicio(ctx):
    def then(produto):
        ctx.data.produto, ctx.data.canal = produto, "whatsapp"
        return Go(quantas_unidades)
    return Choose("O que vai ser?", among=["Feijoada", "Moqueca"], then=then)

@loja.etapa
async def quantas_unidades(ctx):
    def then(n):
        ctx.data.quantidade = n
        return Go(conferir)
    return Ask("Quantas unidades?", check=int, then=then)

@loja.etapa
async def conferir(ctx):
    def then(sim):
        return End(f"Pedido confirmado: {ctx.data.quantidade} {ctx.data.produto} ({ctx.data.canal})")
    return Choose("Posso confirmar?", among=["Sim"], then=then)

@hookimpl
def wabot_flows():
    return [loja]
'''
MIGRATION = """,
    migrations={1: lambda data: {**data, "canal": "antes"}}, renamed={"informar_quantidade": "quantas_unidades"}"""


async def all_of(customers, act):
    """Every customer does the same, so many at a time."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(customer):
        async with slots:
            return await act(customer)

    return await asyncio.gather(*(one(customer) for customer in customers))


async def chooses(customer):
    await customer.says("oi")
    await customer.sees("O que vai ser?", within=60)
    await customer.says("2")
    await customer.sees("Quantas?", within=60)


@pytest.fixture
async def halfway(kit, database_uri, tmp_path):
    """A thousand customers asked how many, and the platform stopped."""
    kit.install("loja", FIRST)
    async with Simulator(app_secret=SECRET).serve() as meta:
        customers = [meta.customer(f"Cliente {n}") for n in range(CUSTOMERS)]
        async with platform(database_uri, tmp_path, plugin="loja", meta=meta):
            await all_of(customers, chooses)
        kit.uninstall("loja")
        sys.modules.pop("wabot_loja", None)
        yield meta, customers


async def test_a_thousand_orders_begun_on_version_1_are_finished_on_version_2(
    kit, halfway, database_uri, tmp_path
):
    meta, customers = halfway
    kit.install("loja", SECOND.replace("{MIGRATION}", MIGRATION), version="2.0.0")

    async def finishes(customer):
        await customer.says("3")
        await customer.sees("Posso confirmar?", within=60)
        await customer.taps("Sim")
        return (await customer.sees(within=60)).text

    async with platform(database_uri, tmp_path, plugin=None, meta=meta):
        [planned] = await upgrade_plan(await load_registry())
        assert (planned.fate, planned.goes_on_at, planned.conversas) == (
            "migrates",
            "quantas_unidades",
            CUSTOMERS,
        )
        said = await all_of(customers, finishes)
        assert await DB.fetchval("SELECT count(*) FROM inbox WHERE state <> 'atendida'") == 0
    assert said == ["Pedido confirmado: 3 Moqueca (antes)"] * CUSTOMERS


async def test_without_a_migration_a_thousand_customers_are_handed_over_politely(
    kit, halfway, database_uri, tmp_path
):
    meta, customers = halfway
    kit.install("loja", SECOND.replace("{MIGRATION}", ""), version="2.0.0")

    async def goes_on(customer):
        await customer.says("3")
        return (await customer.sees(within=60)).text

    async with platform(database_uri, tmp_path, plugin=None, meta=meta):
        [planned] = await upgrade_plan(await load_registry())
        assert (planned.fate, planned.conversas) == ("hand_over", CUSTOMERS)
        assert "informar_quantidade" in planned.why
        said = await all_of(customers, goes_on)
        assert await DB.fetchval("SELECT count(*) FROM conversa WHERE person") == CUSTOMERS
    assert set(said) == {texts.ATUALIZAMOS_PESSOA}
