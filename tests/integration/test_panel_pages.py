"""Pages that plugins add to the panel: who finds them where, and what becomes of one that fails."""

import contextlib
import re
import sys

import pytest
import pytest_asyncio
from tests.live import add_bot, platform, switch_on
from tests.visitor import Visitor, add_person

from wabot import people
from wabot.db.engine import DB
from wabot.plugins import bindings

QUADRO = '''
"""Quadro: páginas para testes."""
import asyncio
from markupsafe import Markup
from wabot import DB, Html, Planilha, PluginPage, hookimpl

async def inicio(ctx):
    return Html("quadro.html", {"who": ctx.person, "q": ctx.query.get("q", ""), "papel": ctx.papel})

async def texto(ctx):
    return "<b>só texto</b>"

async def falha(ctx):
    raise KeyError("segredo do plugin")

async def demora(ctx):
    await asyncio.sleep(60)

async def escreve(ctx):
    await DB.execute("UPDATE chatbot SET nome = 'Outra' WHERE id = $1", ctx.bot.id)
    return ""

async def nada(ctx):
    return 7

async def sem_modelo(ctx):
    return Html("../../wabot_quadro.py")

async def lista(ctx):
    return Planilha('lista "1".csv', [("nome", "total"), ("=cmd()", 7)])

async def figura(ctx):
    return Html("figura.html")

@hookimpl
def wabot_pages():
    return [
        PluginPage("Quadro", inicio, icon="★"),
        PluginPage("Texto", texto, path="texto"),
        PluginPage("Falha", falha, path="falha"),
        PluginPage("Demora", demora, path="demora"),
        PluginPage("Escreve", escreve, path="escreve"),
        PluginPage("Nada", nada, path="nada"),
        PluginPage("Lista", lista, path="lista"),
        PluginPage("Figura", figura, path="figura"),
        PluginPage("Sem modelo", sem_modelo, path="sem_modelo"),
        PluginPage("Só do dono", texto, path="dono", papel="dono"),
    ]
'''


@pytest_asyncio.fixture
async def office(kit, database_uri, tmp_path):
    kit.install("quadro", QUADRO)
    package = kit.folder / "wabot_quadro"
    (package / "templates").mkdir(parents=True)
    (kit.folder / "wabot_quadro.py").rename(package / "__init__.py")
    (package / "templates" / "quadro.html").write_text(
        "<p>{{ bot.nome }}: {{ who }}, {{ papel }}, {{ q }}</p>"
    )
    (package / "templates" / "figura.html").write_text("{{ static('desenho.js') }}")
    (package / "static").mkdir()
    (package / "static" / "desenho.js").write_text("let desenho")
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            platform(database_uri, tmp_path, worker=False, plugin="quadro")
        )
        running.other = await add_bot(running.process.settings, "Padaria", phone_number_id="2")
        leo = await add_person("leo@loja.com.br", leitor=running.bot.id)
        await people.grant(leo.id, running.other.id, "dono")
        running.leo = Visitor(running.url)
        stack.push_async_callback(running.leo.close)
        await running.leo.signs_in("leo@loja.com.br")
        running.page = f"/painel/{running.bot.id}/quadro/"
        yield running
    sys.modules.pop("wabot_quadro", None)


async def test_a_page_stands_in_the_frame_and_knows_who_looks_at_which_bot(office):
    answer = await office.leo.get(f"{office.page}?q=<i>oi</i>")
    assert answer.status_code == 200
    assert "<p>Loja: leo@loja.com.br, leitor, &lt;i&gt;oi&lt;/i&gt;</p>" in answer.text
    assert '<a class="nav-link active"' in answer.text
    assert "★ Quadro" in answer.text


async def test_a_text_is_escaped(office):
    assert "&lt;b&gt;só texto&lt;/b&gt;" in (await office.leo.get(f"{office.page}texto/")).text


async def test_only_a_bot_that_has_the_plugin_on_has_its_pages(office):
    theirs = f"/painel/{office.other.id}/"
    assert "Quadro" not in (await office.leo.get(theirs)).text
    assert (await office.leo.get(f"{theirs}quadro/")).status_code == 404
    await bindings.disable(office.bot.id, "quadro")
    await office.process.runtimes.load()
    assert (await office.leo.get(office.page)).status_code == 404


async def test_a_page_for_a_dono_is_not_offered_to_others_and_is_refused(office):
    assert "Só do dono" not in (await office.leo.get(office.page)).text
    answer = await office.leo.get(f"{office.page}dono/")
    assert answer.status_code == 403
    assert "é preciso ser dono" in answer.text
    person = await people.find("leo@loja.com.br")
    await people.grant(person.id, office.bot.id, "dono")
    assert "Só do dono" in (await office.leo.get(office.page)).text
    assert (await office.leo.get(f"{office.page}dono/")).status_code == 200


async def test_somebody_from_elsewhere_finds_no_page(office):
    await add_person("eva@padaria.com.br", dono=office.other.id)
    eva = Visitor(office.url)
    await eva.signs_in("eva@padaria.com.br")
    assert (await eva.get(office.page)).status_code == 404
    await eva.close()


@pytest.mark.parametrize("path", ["falha", "demora", "nada", "sem_modelo"])
async def test_a_page_that_fails_is_told_in_its_place(office, monkeypatch, path):
    monkeypatch.setattr("wabot.web.panel.pages.LIMIT", 0.2)
    answer = await office.leo.get(f"{office.page}{path}/")
    assert answer.status_code == 503
    assert "Esta página falhou" in answer.text
    assert "Quadro" in answer.text  # the way elsewhere
    assert "segredo do plugin" not in answer.text


async def test_a_page_may_be_a_sheet_to_keep_in_which_nothing_is_a_formula(office):
    answer = await office.leo.get(f"{office.page}lista/")
    assert answer.headers["content-disposition"] == 'attachment; filename="lista__1_.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text == "\ufeffnome,total\r\n'=cmd(),7\r\n"


async def test_the_files_a_plugin_brings_are_served_under_an_address_that_changes_with_them(office):
    [address] = re.findall(
        r"/painel/plugin-static/quadro/desenho.js\?v=\w+",
        (await office.leo.get(f"{office.page}figura/")).text,
    )
    answer = await office.leo.get(address)
    assert answer.text == "let desenho"
    assert "immutable" in answer.headers["cache-control"]
    assert (await office.leo.get("/painel/plugin-static/quadro/../__init__.py")).status_code == 404
    assert (await office.leo.get("/painel/plugin-static/quadro/%2e%2e/__init__.py")).status_code == 404


async def test_what_a_page_writes_is_undone(office):
    assert (await office.leo.get(f"{office.page}escreve/")).status_code == 200
    assert await DB.fetchval("SELECT nome FROM chatbot WHERE id = $1", office.bot.id) == "Loja"
    assert DB.outage.why == ""


async def test_a_page_that_goes_on_failing_is_paused_alone_and_its_plugin_says_so(office):
    for _ in range(6):
        assert (await office.leo.get(f"{office.page}falha/")).status_code == 503
    assert (await office.leo.get(office.page)).status_code == 200
    shown = (await office.leo.get(f"/painel/{office.bot.id}/plugins/quadro/")).text
    assert "A parte “página Falha” está pausada por falhas" in shown


async def test_todays_orders_are_listed_and_yesterdays_and_other_shops_are_not(office):
    await switch_on(office.bot, office.process.settings, "pedidos")
    await office.process.runtimes.load()
    page = f"/painel/{office.bot.id}/pedidos/"
    assert "Nenhum pedido hoje ainda" in (await office.leo.get(page)).text
    for bot, numero, status, nome, age in (
        (office.bot.id, 1, "confirmado", "Ana <b>", "0"),
        (office.bot.id, 2, "cancelado", "Caio", "0"),
        (office.bot.id, 3, "confirmado", "Ontem", "1 day"),
        (office.other.id, 4, "confirmado", "Vizinha", "0"),
    ):
        await DB.execute(
            """WITH c AS (INSERT INTO cliente (chatbot, nome) VALUES ($1, $4) RETURNING id),
                    p AS (INSERT INTO pedidos.pedido (chatbot, cliente, numero, status, total, criado_em)
                          SELECT $1, id, $2, $3, 2990, now() - $5::text::interval FROM c RETURNING id)
               INSERT INTO pedidos.item (pedido, produto, nome, preco, quantidade)
               SELECT id, 1, 'Feijoada', 2990, 1 FROM p""",
            bot,
            numero,
            status,
            nome,
            age,
        )
    shown = (await office.leo.get(page)).text
    assert "1 pedido, R$ 29,90." in shown
    assert "1× Feijoada" in shown
    assert "Ana &lt;b&gt;" in shown
    assert "Cancelado" in shown
    assert "Ontem" not in shown
    assert "Vizinha" not in shown
