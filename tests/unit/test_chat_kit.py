"""The test kit itself: fixtures that find the plugin under test, a clock, conversations of earlier releases."""

import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from wabot import Choose, Context, End, Flow, Go
from wabot.testing.chat import Chat
from wabot.turn import State

pytest_plugins = ["pytester"]

CORE = Path(__file__).parents[2] / "core"

MESA = """
from typing import Annotated

import msgspec
from msgspec import Meta

from wabot import Choose, End, Flow, hookimpl


class Escolha(msgspec.Struct):
    dia: str = ""


class Config(msgspec.Struct, frozen=True):
    dias: Annotated[int, Meta(ge=1)] = 2
    senha: str = "s"


mesa = Flow("mesa", data=Escolha, keywords=["mesa"])


@mesa.etapa
async def escolher_dia(ctx):
    def then(dia):
        return End(f"{dia} às {ctx.now:%H:%M}, {ctx.bot.nome} ({ctx.bot.timezone})")

    return Choose(f"Olá, {ctx.cliente.nome}!", among=["seg", "ter", "qua"][: ctx.config.dias], then=then)


@hookimpl
def wabot_config():
    return Config


@hookimpl
def wabot_flows():
    return [mesa]
"""


PYPROJECT = """
[project]
name = "wabot-mesa"
[project.entry-points.wabot]
mesa = "wabot_mesa"
[tool.pytest.ini_options]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
pythonpath = ["src"]
"""


class Plugin:
    """A plugin's folder, whose tests are run as its author would."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.write("pyproject.toml", PYPROJECT)
        self.write("src/wabot_mesa.py", MESA)
        # what installing wabot gives, told by its own pyproject.toml
        self.write(
            "site/wabot-1.0.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: wabot\nVersion: 1.0.0\n"
        )
        self.write("site/wabot-1.0.0.dist-info/entry_points.txt", f"[pytest11]\n{pytest_entry()}\n")
        pytester.syspathinsert(pytester.path / "site")
        monkeypatch.setenv("PYTHONPATH", str(pytester.path / "site"))

    def write(self, path: str, text: str) -> None:
        target = self.pytester.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")

    def test(self, text: str, *options: str, outcome: str = "passed", apart: bool = False) -> str:
        """Run this test; what pytest printed. In a process of its own (`apart`) where it imports what we may not."""
        self.write("tests/test_mesa.py", text)
        run = self.pytester.runpytest_subprocess if apart else self.pytester.runpytest_inprocess
        result = run("-p", "no:cacheprovider", *options)
        result.assert_outcomes(**{outcome: 1})
        return str(result.stdout)


def pytest_entry() -> str:
    project = tomllib.loads((CORE / "pyproject.toml").read_text())["project"]
    [(name, module)] = project["entry-points"]["pytest11"].items()
    return f"{name} = {module}"


@pytest.fixture
def plugin(pytester, monkeypatch):
    return Plugin(pytester, monkeypatch)


# -- fixtures ------------------------------------------------------------------------------------------------


def test_ana_talks_to_the_plugin_of_the_nearest_pyproject(plugin):
    plugin.test("""
async def test_ana(ana, flows, config):
    assert [flow.id for flow in flows] == ["mesa"]
    assert config.dias == 2
    await ana.says("oi")
    ana.sees("Olá, Ana!", options=["seg", "ter"])
""")


def test_a_chat_may_have_another_name_other_settings_another_business_and_time(plugin):
    plugin.test("""
async def test_beto(chat):
    beto = chat("Beto", config={"dias": 1}, bot="Padaria", timezone="America/Manaus", now="2026-03-02 08:15")
    await beto.says("oi")
    beto.sees("Olá, Beto!", options=["seg"])
    await beto.taps("seg")
    beto.sees("seg às 08:15, Padaria (America/Manaus)")
""")


def test_a_setting_that_does_not_fit_fails_the_test(plugin):
    said = plugin.test("def test_it(chat):\n    chat(config={'dias': 0})\n", outcome="failed")
    assert "ValidationError" in said


def test_one_clock_moves_every_chat(plugin):
    plugin.test("""
async def test_it(ana, chat, clock, bot_context):
    beto = chat("Beto")
    before = clock.now
    clock.moves(hours=2)
    ana.waits(minutes=30)
    assert (beto.now - before).total_seconds() == 2.5 * 3600
    assert bot_context.now == before
""")


def test_a_conftest_replaces_any_of_the_fixtures(plugin):
    plugin.write(
        "tests/conftest.py",
        """
import pytest
from wabot_mesa import Config

@pytest.fixture
def config():
    return Config(dias=3)

@pytest.fixture
def doubles():
    return {int: 7}
""",
    )
    plugin.test("""
async def test_it(ana, bot_context):
    await ana.says("oi")
    ana.sees("Olá", options=["seg", "ter", "qua"])
    assert bot_context.get(int) == 7
    assert bot_context.config.dias == 3
""")


def test_events_for_a_sink_are_numbered_and_dated(plugin):
    plugin.test("""
def test_it(recorded, bot_context):
    first, second = recorded("mesa.feita", pessoas=4), recorded("mesa.feita", cliente=2)
    assert first.fields == {"pessoas": 4}
    assert first.at == bot_context.now
    assert (second.id, second.cliente) == (first.id + 1, 2)
""")


def test_the_simulator_of_a_test_is_running(plugin):
    test = """
async def test_it(simulator):
    assert simulator.url.startswith("http://127.0.0.1:")
"""
    plugin.test(test, apart=True)


def test_tests_that_belong_to_no_plugin_have_no_flows(plugin):
    plugin.write("pyproject.toml", PYPROJECT.replace("entry-points.wabot", "entry-points.other"))
    plugin.test("def test_it(flows, config):\n    assert (flows, config) == ([], None)\n")


def test_a_plugin_that_cannot_be_imported_is_said_with_what_to_do(plugin):
    said = plugin.test("def test_it(ana): pass\n", "-o", "pythonpath=", outcome="errors")
    assert "cannot import wabot_mesa" in said
    assert 'pythonpath = ["src"]' in said
    assert "Traceback" not in said


def test_without_pytest_asyncio_what_is_not_async_still_works(plugin):
    plugin.write("site/pytest_asyncio.py", "raise ImportError('not here')\n")
    plugin.write("pyproject.toml", PYPROJECT.replace("asyncio_", "#"))
    plugin.test("def test_it(ana, clock):\n    assert ana.now == clock.now\n", "-p", "no:asyncio", apart=True)


def test_pytest_starts_without_the_kit_the_database_or_the_web():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, wabot.testing.pytest_plugin; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    heavy = {"wabot.testing.chat", "wabot.testing.simulator", "piccolo", "litestar", "asyncpg", "httpx"}
    assert heavy & set(loaded) == set()


# -- time ----------------------------------------------------------------------------------------------------


class Escolha(msgspec.Struct):
    prato: str = ""
    pessoas: int = 1


reserva = Flow("reserva", data=Escolha)


@reserva.etapa
async def prato(ctx: Context[Escolha]):
    def then(escolhido):
        ctx.data.prato = escolhido
        return Go(confirmar)

    return Choose(f"Qual prato? ({ctx.now:%H:%M})", among=["Peixe", "Frango"], then=then)


@reserva.etapa
async def confirmar(ctx: Context[Escolha]):
    return Choose(f"{ctx.data.prato}, certo?", among=["Sim", "Não"], then=lambda _: End("Feito."))


async def test_a_customer_who_waits_writes_later():
    ana = Chat(reserva)
    ana.waits(hours=1, minutes=30)
    await ana.says("oi")
    ana.sees("(13:30)")
    ana.now = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)
    await ana.says("o quê?")
    ana.sees("(20:00)")


# -- earlier releases ----------------------------------------------------------------------------------------


def second_release() -> Flow:
    """The flow with its data changed and an etapa renamed."""
    flow = Flow(
        "reserva",
        data=Escolha,
        version=2,
        migrations={1: lambda data: {"prato": data["dish"], "pessoas": 2}},
        renamed={"confirmar": "conferir"},
    )
    flow.etapa(prato)

    @flow.etapa
    async def conferir(ctx: Context[Escolha]):
        def then(resposta):
            return End(f"{ctx.data.prato} para {ctx.data.pessoas}: {resposta}.")

        return Choose("Confere?", among=["Sim", "Não"], then=then)

    return flow


LEFT = {"etapa": "confirmar", "version": 1, "data": {"dish": "Peixe"}}


async def test_a_conversation_of_an_earlier_release_goes_on_through_the_migrations():
    ana = Chat(second_release())
    ana.upgrade(LEFT)
    await ana.says("sim")
    ana.sees("Peixe para 2: Sim.")
    ana.is_at(None)


async def test_a_state_is_as_good_as_a_dict():
    ana = Chat(second_release())
    ana.upgrade(State(etapa="confirmar", version=1, data=b'{"dish": "Frango"}'))
    await ana.says("2")
    ana.sees("Frango para 2: Não.")


async def test_what_a_conversation_leaves_behind_can_be_kept_as_json_and_tapped_in_the_next_release():
    before = Chat(reserva)
    await before.says("oi")
    before.sees("Qual prato?")
    await before.taps("Peixe")
    before.sees("certo?", options=["Sim", "Não"])
    left = msgspec.json.decode(msgspec.json.encode(before.left_behind()))
    assert (left["flow"], left["etapa"], left["version"]) == ("reserva", "confirmar", 1)
    assert left["data"] == {"prato": "Peixe", "pessoas": 1}

    left["data"] = {"dish": left["data"]["prato"]}
    ana = Chat(second_release())
    ana.upgrade(left)
    await ana.taps("Não")
    ana.sees("Peixe para 2: Não.")
    assert ana.left_behind()["etapa"] == ""


def test_a_misspelt_field_of_what_was_left_is_refused():
    with pytest.raises(msgspec.ValidationError, match="versao"):
        Chat(reserva).upgrade({"etapa": "confirmar", "versao": 1})
