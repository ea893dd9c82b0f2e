"""Hostile plugins: each test names what contains one, and a neighbour's bot goes on answering."""

import contextlib
import functools
import sys
from importlib.metadata import version

import pytest
from tests.kit import ECO
from tests.live import SECRET, WABA, add_bot, platform, settings_for, switch_on, until

from wabot import texts
from wabot.db.engine import DB
from wabot.plugins import catalogue as catalogue_module
from wabot.plugins.catalogue import catalogue, sync
from wabot.plugins.installed import installed
from wabot.plugins.probe import probe
from wabot.testing.simulator import Bot

FLOW = '''
"""Hostil: {title}."""
import asyncio, os, sys, time
import msgspec
from wabot import Ask, Choose, DB, End, Flow, Go, hookimpl

class Nada(msgspec.Struct):
    pass

GO_ON, TASKS = [], []
hostil = Flow("hostil", data=Nada)

@hostil.etapa
async def inicio(ctx):
    if ctx.message.text == "tudo bem":
        return End("tudo bem")
{body}

@hookimpl
def wabot_flows():
    return [hostil]
'''


def hostile(body: str, title: str = "faz o que não deve") -> str:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return FLOW.replace("{title}", title).replace("{body}", lines)


# -- at import: the probe ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("raise RuntimeError('quebrei')", "RuntimeError: quebrei"),
        ("import nao_existe_mesmo", "ModuleNotFoundError"),
        ("import sys; sys.exit(3)", "sys.exit(3)"),
        ("import os; os._exit(0)", "termina o processo"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "termina o processo"),
        ("def f(): f()\nf()", "RecursionError"),
        ("print('{}'); raise SystemError", "SystemError"),
    ],
    ids=["raises", "lacks a library", "exits", "exits at once", "kills itself", "recurses", "prints"],
)
async def test_the_probe_contains_what_a_plugin_does_at_import(database, kit, source, told):
    kit.install("hostil", source)
    kit.install("vizinho", ECO.format(id="vizinho"))
    found = await sync()
    assert (found["hostil"].status, told in found["hostil"].error) == ("broken", True), found["hostil"].error
    assert (found["vizinho"].status, found["pedidos"].status) == ("ok", "ok")


async def test_the_probe_kills_a_plugin_that_hangs_at_import(database, kit, monkeypatch):
    monkeypatch.setattr(catalogue_module, "probe", functools.partial(probe, limit=1.0))
    kit.install("hostil", "while True: pass")
    assert "não termina de ser importado" in (await sync())["hostil"].error


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("@hookimpl\ndef wabot_flow(): return []", "wabot_flow não é um gancho"),
        ("@hookimpl\nasync def wabot_flows(): return []", "async"),
        ("@hookimpl\ndef wabot_flows(bot): return []", "não recebe argumentos"),
        ("@hookimpl\ndef wabot_flows(): return ['pedidos']", "esperava Flow"),
        ("@hookimpl\ndef wabot_jobs(): return 7", "deve devolver uma lista"),
        ("def wabot_flows(): return []", "precisa de @hookimpl"),
        ("@hookimpl\ndef wabot_config(): return dict", "não é um msgspec.Struct"),
    ],
)
async def test_a_wrong_hook_is_told_with_its_file_and_line(database, kit, source, told):
    kit.install("hostil", f"from wabot import hookimpl\n\n\n{source}")
    error = (await sync())["hostil"].error
    assert told in error
    assert "wabot_hostil.py:4)" in error


async def test_what_a_plugin_needs_is_read_before_anything_is_imported(database, kit):
    kit.install("hostil", "import os; os._exit(1)", requires="wabot>=2")
    found = (await sync())["hostil"]
    assert (found.status, found.error) == (
        "incompatible",
        f"precisa de wabot>=2, e este é o wabot {version('wabot')}",
    )


async def test_two_distributions_with_one_name_are_both_told(database, kit):
    kit.install("hostil", "raise RuntimeError", distribution="wabot-hostil")
    kit.install("hostil", "raise RuntimeError", distribution="outro-hostil")
    found = (await sync())["hostil"]
    assert found.status == "broken"
    assert "outro-hostil" in found.error
    assert "wabot-hostil" in found.error


async def test_the_list_imports_nothing(database, kit, tmp_path):
    mark = tmp_path / "importado"
    kit.install("hostil", f"open({str(mark)!r}, 'w')")
    found = (await catalogue())["hostil"]
    assert (found.status, "plugins sync" in found.error, mark.exists()) == ("broken", True, False)


async def test_a_plugin_that_was_uninstalled_is_told_with_the_command_that_brings_it_back(
    database, tmp_path, kit
):
    kit.install("hostil", ECO.format(id="hostil"), version="1.2.3")
    settings = settings_for(database, tmp_path, "http://127.0.0.1:1")
    bot = await add_bot(settings)
    await switch_on(bot, settings, "hostil")
    kit.uninstall("hostil")
    found = (await catalogue())["hostil"]
    assert found.status == "orphaned"
    assert found.error.endswith("pip install wabot-hostil==1.2.3")


async def test_a_release_is_looked_at_once(database, kit, tmp_path):
    count = tmp_path / "vezes"
    kit.install("hostil", f"open({str(count)!r}, 'a').write('x')")
    await sync()
    await sync()
    assert count.read_text() == "x"
    kit.install("hostil", f"open({str(count)!r}, 'a').write('yy')")
    await sync()
    assert count.read_text() == "xyy"


def test_installed_plugins_are_found_by_their_metadata(kit):
    kit.install("hostil", "raise RuntimeError")
    assert "hostil" in {plugin.id for plugin in installed()}


# -- in a turn: the guard -------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def street(kit, database_uri, tmp_path, monkeypatch, body, *, tries=()):
    """A bot with a hostile plugin and, beside it, a neighbour's with one that behaves."""
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", tries)
    kit.install("hostil", hostile(body))
    kit.install("vizinho", ECO.format(id="vizinho"))
    async with platform(database_uri, tmp_path, plugin=None) as live:
        await switch_on(live.bot, live.process.settings, "hostil")
        vizinho = await add_bot(live.process.settings, "Vizinho", phone_number_id="200000000000002")
        await switch_on(vizinho, live.process.settings, "vizinho")
        await live.process.runtimes.load()
        yield live, live.simulator.customer("Ana"), neighbour(live)


def neighbour(live):
    bot = Bot("200000000000002", "Vizinho", "5511955550002", WABA, SECRET)
    live.simulator.bots[bot.phone_number_id] = bot
    return live.simulator.customer("Rui", bot=bot.phone_number_id)


async def goes_on(rui):
    await rui.says("oi")
    await rui.sees("Diga.")
    await rui.says("ainda?")
    await rui.sees("eco: ainda?")


RAISES = "raise KeyError('segredo do cliente')"
GARBAGE = "return {'texto': 'oi'}"
FLOOD = "return End('muitas palavras ' * 3000000)"
CIRCLES = "return Go(inicio)"
EXITS = "sys.exit(0)"
HOARDS = "ctx.data = b'x' * 10000000\nreturn Ask('?', check=str, then=lambda w: End(w))"
EVENTS = "for n in range(10000): ctx.event('hostil.spam', n=n)\nreturn End('pronto')"
BROKEN_SQL = (
    "try:\n    await DB.execute('SELECT * FROM nao_existe')\nexcept Exception: pass\nreturn End('sigo')"
)


@pytest.mark.parametrize(
    ("body", "contained_by"),
    [
        (RAISES, "KeyError"),
        (GARBAGE, "expected Choose, Ask, Go, End or Handover"),
        (FLOOD, "are more than 10 messages"),
        (CIRCLES, "more than 10 Go"),
        (EXITS, "sys.exit()"),
        (HOARDS, "bytes of data in one turn"),
        (EVENTS, "events in one turn"),
        (BROKEN_SQL, "InFailedSQLTransactionError"),
    ],
    ids=[
        "raises",
        "garbage",
        "10,000 replies",
        "circles",
        "exits",
        "hoards",
        "events",
        "breaks the transaction",
    ],
)
async def test_a_fault_in_an_etapa_is_the_plugins_own(
    kit, database_uri, tmp_path, monkeypatch, body, contained_by
):
    async with street(kit, database_uri, tmp_path, monkeypatch, body) as (_live, ana, rui):
        wamid = await ana.says("oi")
        await ana.sees(texts.FALHA_NOSSA[:30])
        error = await DB.fetchval("SELECT error FROM inbox WHERE wamid = $1", wamid)
        assert contained_by in error
        await goes_on(rui)


async def test_the_breaker_answers_for_a_broken_plugin_and_lets_it_come_back(
    kit, database_uri, tmp_path, monkeypatch
):
    monkeypatch.setattr("wabot.plugins.breaker.OPEN_FOR", 0.3)
    async with street(kit, database_uri, tmp_path, monkeypatch, RAISES) as (live, ana, rui):
        for _ in range(5):
            await ana.says("oi")
            await ana.sees(texts.FALHA_NOSSA[:30])
        await ana.says("oi")
        await ana.sees(texts.FORA_DO_AR[:30])
        health = "SELECT ok FROM plugin_health WHERE chatbot = $1 AND plugin = 'hostil'"
        assert await DB.fetchval(health, live.bot.id) is False
        assert await DB.fetchval(
            "SELECT enabled FROM plugin_binding WHERE plugin = 'hostil'"
        )  # intent is not health
        await goes_on(rui)

        async def back():
            await ana.says("tudo bem")
            return "tudo bem" in (await ana.sees()).text

        await until(back)
        assert await DB.fetchval(health, live.bot.id) is True


async def test_the_call_limit_ends_an_etapa_that_waits_for_ever(kit, database_uri, tmp_path, monkeypatch):
    monkeypatch.setattr("wabot.turn.CALL_LIMIT", 0.2)
    async with street(kit, database_uri, tmp_path, monkeypatch, "await asyncio.sleep(3600)") as (
        _live,
        ana,
        rui,
    ):
        wamid = await ana.says("oi")
        await ana.sees(texts.FALHA_NOSSA[:30])
        assert "TimeoutError" in await DB.fetchval("SELECT error FROM inbox WHERE wamid = $1", wamid)
        await goes_on(rui)


STUBBORN = """
while not GO_ON:
    try:
        await asyncio.sleep(0.05)
    except BaseException:
        pass
"""


async def test_the_turn_limit_leaves_behind_an_etapa_that_refuses_to_be_cancelled(
    kit, database_uri, tmp_path, monkeypatch
):
    monkeypatch.setattr("wabot.turn.CALL_LIMIT", 0.2)
    monkeypatch.setattr("wabot.attend.TURN_LIMIT", 0.4)
    monkeypatch.setattr("wabot.plugins.contain.GRACE", 0.2)
    async with street(kit, database_uri, tmp_path, monkeypatch, STUBBORN) as (_live, ana, rui):
        wamid = await ana.says("oi")
        await ana.sees(texts.FALHA_NOSSA[:30])
        assert "Overstayed" in await DB.fetchval("SELECT error FROM inbox WHERE wamid = $1", wamid)
        await goes_on(rui)
        sys.modules["wabot_hostil"].GO_ON.append(True)


@pytest.mark.parametrize(
    "body", ["while True: pass", "time.sleep(3600)"], ids=["a busy loop", "a blocking sleep"]
)
async def test_the_watchdog_interrupts_an_etapa_that_blocks_the_event_loop_and_names_it(
    kit, database_uri, tmp_path, monkeypatch, caplog, body
):
    async with street(kit, database_uri, tmp_path, monkeypatch, body) as (_live, ana, rui):
        wamid = await ana.says("oi")
        await ana.sees(texts.FALHA_NOSSA[:30], within=20)
        error = await DB.fetchval("SELECT error FROM inbox WHERE wamid = $1", wamid)
        assert "blocked the event loop" in error
        assert "wabot_hostil.py" in error
        assert "plugin hostil blocked the event loop" in caplog.text
        await goes_on(rui)


LEAKS = """
async def for_ever():
    while True:
        await asyncio.sleep(0.01)
TASKS.append(asyncio.create_task(for_ever()))
return End("deixei uma tarefa")
"""


async def test_tasks_that_a_turn_leaves_running_end_with_it(kit, database_uri, tmp_path, monkeypatch):
    async with street(kit, database_uri, tmp_path, monkeypatch, LEAKS) as (_live, ana, rui):
        await ana.says("oi")
        await ana.sees("deixei uma tarefa")
        [task] = sys.modules["wabot_hostil"].TASKS
        assert task.cancelled()
        await goes_on(rui)


STEALS = """
await DB.execute("UPDATE cliente SET nome = 'roubado' WHERE chatbot <> $1", ctx.bot.id)
return End("roubei")
"""


async def test_the_fence_refuses_a_turns_write_to_another_bots_rows(kit, database_uri, tmp_path, monkeypatch):
    async with street(kit, database_uri, tmp_path, monkeypatch, STEALS) as (_live, ana, rui):
        await goes_on(rui)
        wamid = await ana.says("oi")
        await ana.sees(texts.FALHA_NOSSA[:30])
        assert "rows of another chatbot" in await DB.fetchval(
            "SELECT error FROM inbox WHERE wamid = $1", wamid
        )
        assert await DB.fetchval("SELECT count(*) FROM cliente WHERE nome = 'roubado'") == 0


ROUTE = '''
"""Hostil: não pergunta o que o token vê."""
from litestar import post
from litestar.params import JSONBody
from wabot import DB, hookimpl

@post("/roubar/")
async def roubar(data: JSONBody[dict[str, int]]) -> dict[str, str]:
    await DB.execute("UPDATE cliente SET nome = 'roubado' WHERE chatbot = $1", data["chatbot"])
    return {"feito": "sim"}

@hookimpl
def wabot_routes():
    return [roubar]
'''


async def test_the_fence_refuses_a_requests_write_to_another_bots_rows(
    kit, database_uri, tmp_path, monkeypatch
):
    kit.install("hostil", ROUTE)
    async with platform(database_uri, tmp_path, worker=False) as live:
        other = await add_bot(live.process.settings, "Vizinho", phone_number_id="200000000000002")
        await DB.execute(
            "INSERT INTO cliente (chatbot, nome) VALUES ($1, 'Rui'), ($2, 'Ana')", other.id, live.bot.id
        )
        api = await live.api(bot=live.bot.id)
        assert (await api.post("/api/hostil/roubar/", json={"chatbot": other.id})).status_code == 404
        assert (await api.post("/api/hostil/roubar/", json={"chatbot": live.bot.id})).status_code == 201
        names = {row["nome"] for row in await DB.fetch("SELECT nome FROM cliente")}
        assert names == {"Rui", "roubado"}


async def test_routes_that_cannot_be_mounted_do_not_stop_the_web_process(
    kit, database_uri, tmp_path, monkeypatch, caplog
):
    kit.install("hostil", ROUTE.replace("return [roubar]", "return [roubar, 42]"))
    async with platform(database_uri, tmp_path, worker=False) as live:
        assert (await live.http.get("/healthz")).status_code == 200
        assert (await (await live.api()).get("/api/pedidos/produtos/")).status_code == 200
    assert "routes of plugin hostil left out" in caplog.text


FILTER = '''
"""Hostil: um filtro que quebra."""
from wabot import Filter, hookimpl

async def look(ctx):
    raise RuntimeError("não filtro nada")

@hookimpl
def wabot_filters():
    return [Filter("quebrado", look)]
'''


async def test_a_filter_that_fails_is_left_out(kit, database_uri, tmp_path, monkeypatch):
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", ())
    kit.install("hostil", FILTER)
    kit.install("vizinho", ECO.format(id="vizinho"))
    async with platform(database_uri, tmp_path, plugin=None) as live:
        await switch_on(live.bot, live.process.settings, "vizinho")
        await switch_on(live.bot, live.process.settings, "hostil")
        await live.process.runtimes.load()
        await goes_on(live.simulator.customer("Ana"))
