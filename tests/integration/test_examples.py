"""Example plugins that change another one's flow or stand before it, as a team would publish them."""

import pytest
from tests.live import platform, switch_on, until

from wabot.db.engine import DB
from wabot.plugins import bindings
from wabot.plugins.bindings import Conflict
from wabot.process import migrate_all

FRETE = '''
"""Frete: oferece entrega grátis na hora de confirmar."""
from dataclasses import replace
from typing import Annotated
import msgspec
from msgspec import Meta
from wabot import Override, Privacy, Secret, hookimpl

class Config(msgspec.Struct, frozen=True):
    aviso: Annotated[str, Meta(title="Aviso", max_length=60)] = "Entrega grátis!"
    chave: Annotated[Secret, Meta(title="Chave da transportadora")] = ""

async def com_aviso(ctx, etapa):
    asked = await etapa(ctx)
    return replace(asked, text=f"{ctx.config.aviso} {asked.text}") if hasattr(asked, "text") else asked

@hookimpl
def wabot_config():
    return Config

@hookimpl
def wabot_overrides():
    return [Override("pedidos.selecionar_categoria", wrap=com_aviso)]

async def exportar(chatbot, cliente):
    return {"fretes": []}

async def apagar(chatbot, cliente):
    return 0

@hookimpl
def wabot_privacy():
    return Privacy(exportar, apagar)
'''

HORARIO = '''
"""Horário: fora do expediente, diz quando a loja abre."""
from zoneinfo import ZoneInfo
import msgspec
from wabot import Filter, Job, Say, hookimpl

class Config(msgspec.Struct, frozen=True):
    fechado: bool = False

async def look(ctx):
    return Say("Estamos fechados.") if ctx.config.fechado else None

async def abrir(ctx):
    return f"{ctx.bot.nome} aberta"

@hookimpl
def wabot_config():
    return Config

@hookimpl
def wabot_filters():
    return [Filter("expediente", look)]

@hookimpl
def wabot_jobs():
    return [Job("abrir", abrir, cron="0 8 * * 1-6")]
'''


MENU = """
WITH c AS (
    INSERT INTO pedidos.categoria (chatbot, nome) SELECT $1, nome FROM unnest($2::text[]) AS nome RETURNING id)
INSERT INTO pedidos.produto (chatbot, categoria, nome, preco) SELECT $1, id, 'Prato ' || id, 1000 FROM c
"""


@pytest.fixture
async def live(kit, database_uri, tmp_path):
    kit.install("frete", FRETE)
    kit.install("horario", HORARIO)
    async with platform(database_uri, tmp_path) as live:
        await migrate_all()
        await DB.execute(MENU, live.bot.id, ["Marmitas", "Bebidas"])
        yield live


async def test_one_plugin_wraps_an_etapa_of_another_for_the_bot_that_has_both(live):
    await switch_on(live.bot, live.process.settings, "frete", aviso="Hoje sem frete!")
    ana = live.simulator.customer("Ana")

    async def heard():
        await ana.says("menu")
        return "Hoje sem frete! O que vai ser hoje?" in (await ana.sees()).text

    await until(heard)
    await ana.says("1")
    await ana.sees("Qual você prefere?")


async def test_an_override_of_something_the_bot_does_not_have_is_refused(live):
    await bindings.disable(live.bot.id, "pedidos")
    with pytest.raises(Conflict, match="nenhum plugin ligado neste chatbot tem"):
        await switch_on(live.bot, live.process.settings, "frete")


async def test_a_filter_answers_in_the_flows_place_while_it_is_told_to(live):
    await switch_on(live.bot, live.process.settings, "horario", fechado=True)
    ana = live.simulator.customer("Ana")

    async def closed():
        await ana.says("oi")
        return "Estamos fechados." in (await ana.sees()).text

    await until(closed)
    await switch_on(live.bot, live.process.settings, "horario", fechado=False)

    async def open_again():
        await ana.says("menu")
        return "O que vai ser hoje?" in (await ana.sees()).text

    await until(open_again)


async def test_a_job_of_an_enabled_plugin_gets_its_agendamento(live):
    await switch_on(live.bot, live.process.settings, "horario")
    agendamento = "SELECT cron FROM agendamento WHERE chatbot = $1 AND plugin = 'horario' AND job = 'abrir'"

    async def planned():
        return await DB.fetchval(agendamento, live.bot.id) == "0 8 * * 1-6"

    await until(planned)


async def test_a_plugins_secret_is_not_readable_in_its_row(live):
    await switch_on(live.bot, live.process.settings, "frete", chave="abracadabra")
    row = await DB.fetchrow("SELECT config::text, secrets FROM plugin_binding WHERE plugin = 'frete'")
    assert "abracadabra" not in row["config"] + row["secrets"]
