"""What a job says unasked: it arrives, and only while Meta takes free words."""

import msgspec
import pytest
import pytest_asyncio
from tests.live import give, platform, until

from wabot.db.engine import DB
from wabot.flow import Context, End, Flow
from wabot.parts import Bound, Job
from wabot.turn import BoundFlow
from wabot.unasked import Unasked


class Nada(msgspec.Struct):
    pass


eco = Flow("eco", data=Nada)
answers = []


@eco.etapa
async def inicio(ctx: Context[Nada]):
    return End(f"eco: {ctx.message.text}")


async def chamar(ctx):
    for row in await DB.fetch("SELECT id FROM cliente WHERE chatbot = $1", ctx.bot.id):
        answers.append(await ctx.say(row["id"], "Psiu!"))
        await ctx.event("cliente.chamado", cliente=row["id"], como="psiu")


@pytest_asyncio.fixture
async def live(database_uri, tmp_path):
    answers.clear()
    async with platform(database_uri, tmp_path, plugin=None) as running:
        jobs = (Bound("eco", Job("chamar", chamar, "0 0 1 1 *")),)
        await give(running.process, flows=(BoundFlow(eco, plugin="eco"),), jobs=jobs)
        yield running


async def run_the_job():
    async def ran():
        return bool(await DB.fetchval("SELECT last_ok FROM agendamento WHERE job = 'chamar'"))

    async def planned():
        asked = "UPDATE agendamento SET asked_at = now() WHERE job = 'chamar' RETURNING true"
        return bool(await DB.fetchval(asked))

    await until(planned)
    await until(ran)


async def test_it_reaches_the_phone_and_is_recorded(live):
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("eco")
    await run_the_job()
    await ana.sees("Psiu!", within=20)
    cliente = (
        "SELECT name, cliente FROM event JOIN conversa ON conversa.id = conversa WHERE name LIKE 'cliente.%'"
    )
    [row] = await DB.fetch(cliente)
    assert row["cliente"] == await DB.fetchval("SELECT id FROM cliente")
    assert answers == [True]


async def test_after_24_hours_nothing_is_said(live):
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("eco")
    await DB.execute("UPDATE conversa SET last_inbound_at = now() - interval '25 hours'")
    await run_the_job()
    assert answers == [False]
    assert await DB.fetchval("SELECT count(*) FROM outbox WHERE content ->> 'body' = 'Psiu!'") == 0


@pytest.mark.parametrize("words", ["", "x" * 5000], ids=["none", "too many"])
async def test_what_whatsapp_would_not_take_is_the_jobs_fault(database, words):
    with pytest.raises(ValueError, match="1 to 4096 characters"):
        await Unasked(1).say(1, words, None)
