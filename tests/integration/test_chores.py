"""What the core asks Meta about every night, whoever has which plugins."""

import msgspec
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, runtime
from tests.live import SECRET

from wabot.chores import chores
from wabot.db.engine import DB
from wabot.plugins.guard import Guard
from wabot.schedule import Schedule
from wabot.testing.simulator import Simulator
from wabot.whatsapp.client import Graph

WABA = "300000000000001"
BODY = {"type": "BODY", "text": "Que saudade, {{1}}!"}
SAUDADE = {"name": "saudade", "language": "pt_BR", "category": "MARKETING", "components": [BODY]}
DUE = "UPDATE agendamento SET next_run = now() WHERE job = 'modelos_de_mensagem' RETURNING id"


@pytest_asyncio.fixture
async def meta():
    async with Simulator(app_secret=SECRET).serve() as running:
        running.bot("200000000000001")
        running.templates.add(WABA, SAUDADE)
        yield running


@pytest_asyncio.fixture
async def graph(meta):
    graph = Graph(meta.url, "v26.0")
    yield graph
    await graph.close()


async def ran(bot, graph):
    """What came of the run at its due time."""
    schedule = Schedule(FixedRuntimes(runtime(bot)), Guard(), chores(graph))
    await schedule.declare()
    number = await DB.fetchval(DUE)
    assert await schedule.run(number)
    return await DB.fetchrow("SELECT last_ok, last_result FROM agendamento WHERE id = $1", number)


async def test_the_templates_are_taken_over_from_meta(database, graph):
    row = await ran(await add_bot(), graph)
    assert row["last_ok"]
    assert row["last_result"].startswith("Modelos na Meta: 1.")
    assert await DB.fetchval("SELECT status FROM template WHERE name = 'saudade'") == "APPROVED"


async def test_when_meta_does_not_answer_the_sentence_says_so(database):
    nowhere = Graph("http://127.0.0.1:1", "v26.0")
    row = await ran(await add_bot(), nowhere)
    await nowhere.close()
    assert not row["last_ok"]
    assert "modelos não foram atualizados" in row["last_result"]


async def test_for_a_chatbot_that_is_switched_off_its_time_passes_and_nothing_is_asked(database, graph):
    row = await ran(msgspec.structs.replace(await add_bot(), ativo=False), graph)
    assert (row["last_ok"], "desligado" in row["last_result"]) == (True, True)
    assert await DB.fetchval("SELECT count(*) FROM template") == 0
