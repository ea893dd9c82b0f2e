"""The roll-up: each event counts once, whatever happens to who counts it; and it delays nobody."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime
from tests.live import give, platform, until

import wabot_metricas
from wabot.db.engine import DB
from wabot.flow import End, Flow
from wabot.parts import BotContext, Bound, Sink
from wabot.plugins.guard import Guard
from wabot.sinks import Reader, Sinks
from wabot.turn import BoundFlow
from wabot_metricas.reports import run
from wabot_metricas.sink import esquecer
from wabot_metricas.testing import contado, populacao, recontar

ZONE = "America/Sao_Paulo"


UNREAD = "SELECT EXISTS (SELECT FROM event WHERE (xid, id) > (SELECT xid, event FROM sink_checkpoint))"


class Nada(msgspec.Struct):
    pass


eco = Flow("eco", data=Nada)


@eco.etapa
async def ecoa(ctx):
    return End(f"eco: {ctx.message.text}")


@pytest_asyncio.fixture
async def bot(database):
    return await add_bot()


@pytest_asyncio.fixture
async def reading(bot):
    """The sinks of a process, and the reader of the plugin's own."""
    part = runtime(bot, "metricas", sinks=wabot_metricas.wabot_sinks())
    sinks = Sinks(FixedRuntimes(part), Guard())
    await sinks.begin()
    return sinks, Reader(part, part.sinks[0])


async def happen(bot, events):
    """Write events down as turns would have; where none is given, at this moment."""
    rows = [(bot.id, e.conversa, e.name, msgspec.json.encode(e.fields).decode(), e.at) for e in events]
    await DB.execute(
        """INSERT INTO event (chatbot, conversa, name, fields, at)
           SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[], $4::json[], $5::timestamptz[])""",
        *map(list, zip(*rows, strict=True)),
    )


async def people(bot, many):
    await DB.execute(
        "INSERT INTO cliente (chatbot, nome) SELECT $1, 'Ana' FROM generate_series(1, $2)", bot.id, many
    )


async def read_all(sinks, reader):
    while await sinks.read(reader):
        pass


class Killer:
    """Ends whoever reads at one statement in twenty or so: before it, after it, or by taking its connection away."""

    def __init__(self, monkeypatch, seed):
        self.rng, self.reading, self.kills = random.Random(seed), None, 0
        for name in ("fetch", "fetchrow", "execute"):
            monkeypatch.setattr(DB, name, self.deadly(getattr(DB, name)))

    def deadly(self, ask):
        async def asked(*args):
            await self.strike()
            answer = await ask(*args)
            await self.strike()
            return answer

        return asked

    async def strike(self):
        if self.reading and self.rng.random() < 0.03:
            self.kills += 1
            if self.rng.random() < 0.5 and (transaction := DB.current_transaction.get()):
                transaction.connection.terminate()
            self.reading.cancel()
            await asyncio.sleep(0)

    async def read(self, sinks, reader):
        """Read on until all is read; one that finds the checkpoint still locked by the last comes again."""
        while await DB.fetchval(UNREAD):
            self.reading = asyncio.create_task(sinks.read(reader))
            await asyncio.wait({self.reading})
            if not self.reading.cancelled():
                self.reading.exception()  # its connection was taken away
            self.reading = None


async def test_killed_over_and_over_it_counts_every_event_once(bot, reading, monkeypatch):
    monkeypatch.setattr("wabot.sinks.MOST", 40)
    await people(bot, 60)
    await happen(bot, populacao(3000, conversas=60, step=60))
    expected = await recontar(bot.id)
    killer = Killer(monkeypatch, seed=3)
    await killer.read(*reading)
    assert killer.kills > 20
    assert await contado(bot.id) == expected
    assert {lugar.medida for lugar in expected} >= {
        "recebidas",
        "ativos",
        "chegaram",
        "pararam",
        "concluiram",
    }


@pytest.mark.parametrize("most", [1, 7, 500])
async def test_how_events_are_cut_into_batches_makes_no_difference(bot, reading, monkeypatch, most):
    monkeypatch.setattr("wabot.sinks.MOST", most)
    await people(bot, 20)
    await happen(bot, populacao(300, conversas=20, step=600))
    await read_all(*reading)
    assert await contado(bot.id) == await recontar(bot.id)


async def test_an_event_with_other_fields_than_it_should_have_is_left_out_and_stops_no_other(bot, reading):
    odd = '{"total": "muito", "itens": 1}'
    name = "pedido.confirmado"
    for fields in (odd, '{"total": 5980, "itens": 2}', "{}", '{"total": 1000000000000000, "itens": 1}'):
        await DB.execute(
            "INSERT INTO event (chatbot, conversa, name, fields) VALUES ($1, 0, $2, $3)", bot.id, name, fields
        )
    await read_all(*reading)
    totals = {lugar.medida: total for lugar, total in (await contado(bot.id)).items()}
    assert totals == {"pedidos": 1, "itens": 2, "faturamento": 5980}


async def test_two_bots_count_apart(bot, reading):
    other = await add_bot(2)
    await happen(bot, populacao(50, conversas=5))
    await happen(other, populacao(90, conversas=5))
    await read_all(*reading)
    assert await contado(bot.id) == await recontar(bot.id)
    assert await contado(other.id) == {}


async def test_whoever_was_counted_is_forgotten_after_some_days_and_the_counts_stay(bot, reading):
    await people(bot, 5)
    await happen(bot, populacao(50, conversas=5))
    await read_all(*reading)
    before = await contado(bot.id)
    context = BotContext(reading[1].runtime.chatbot, datetime.now(UTC) + timedelta(days=400))
    await esquecer(context)
    assert await DB.fetchval("SELECT count(*) FROM metricas.presenca") == 0
    assert await DB.fetchval("SELECT count(*) FROM metricas.percurso") == 0
    assert await contado(bot.id) == before


async def test_a_person_can_see_what_is_held_about_them_and_have_it_erased(bot, reading):
    ana = await add_cliente(bot)
    await happen(bot, [e for e in populacao(40, conversas=1) if e.conversa == await conversa_of(ana)])
    await read_all(*reading)
    privacy = wabot_metricas.wabot_privacy()
    told = await privacy.export(bot.id, ana)
    assert told["dias"]
    assert await privacy.erase(bot.id, ana) == len(told["dias"]) + len(told["percursos"])
    assert await privacy.export(bot.id, ana) == {}


async def test_the_percentiles_are_postgresqls_own_of_the_steps(bot, reading):
    waits = [3, 40, 41, 60, 90, 200, 350, 351, 1200, 60_000]
    events = [e for e in populacao(60, conversas=5) if e.fields.get("respostas")][: len(waits)]
    for event, wait in zip(events, waits, strict=True):
        event.fields["espera"] = wait
    await happen(bot, events)
    await read_all(*reading)
    day = events[0].at.date()
    whole, *_ = await run("tempo_de_resposta", bot.id, day, day + timedelta(days=1), ZONE)
    exact = await DB.fetchrow(
        """SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY wait) AS p50,
                  percentile_disc(0.95) WITHIN GROUP (ORDER BY wait) AS p95 FROM unnest($1::int[]) AS wait""",
        waits,
    )
    assert (whole.dia, whole.respondidas) == (None, len(waits))
    assert whole.p50 == pytest.approx(exact["p50"], rel=0.05)
    assert whole.p95 == pytest.approx(exact["p95"], rel=0.05)


@pytest.mark.parametrize("how", ["raises", "hangs"])
async def test_a_sink_that_fails_or_hangs_changes_no_turn(database_uri, tmp_path, how):
    entered = asyncio.Event()

    async def take(ctx, events):
        entered.set()
        if how == "raises":
            raise ValueError("fora do ar")
        await asyncio.Event().wait()

    async with platform(database_uri, tmp_path, plugin=None) as live:
        await give(live.process, flows=(BoundFlow(eco),), sinks=(Bound("metricas", Sink("contar", take)),))

        async def begun():
            return await DB.fetchval("SELECT EXISTS (SELECT FROM sink_checkpoint)")

        await until(begun)
        ana = live.simulator.customer("Ana")
        await ana.says("um")
        await ana.sees("eco: um")
        async with asyncio.timeout(20):
            await entered.wait()
        await ana.says("dois")
        await ana.sees("eco: dois")

        async def both_answered():
            return await DB.fetchval("SELECT count(*) FROM inbox WHERE state = 'atendida' AND tries = 0") == 2

        await until(both_answered)
