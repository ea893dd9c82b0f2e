"""Sinks: every event once, in order, also those that are committed late."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio
from tests.bots import PLUGIN, FixedRuntimes, add_bot, add_cliente, conversa_of, runtime
from tests.live import until

from wabot.db.engine import DB
from wabot.parts import Sink
from wabot.plugins.guard import Guard
from wabot.sinks import Reader, Sinks

HAPPENED = "INSERT INTO event (chatbot, conversa, name, fields) VALUES ($1, $2, $3, $4) RETURNING id"


@pytest_asyncio.fixture
async def bot(database):
    await DB.execute("CREATE TABLE contado (event bigint)")
    return await add_bot()


class Contador:
    """A sink that writes down what it was given, and then does what a test has in mind."""

    def __init__(self, also=None):
        self.also, self.batches = also, []
        self.entered, self.released = asyncio.Event(), asyncio.Event()

    async def __call__(self, ctx, events):
        self.batches.append(list(events))
        await DB.execute("INSERT INTO contado SELECT unnest($1::bigint[])", [event.id for event in events])
        self.entered.set()
        if self.also:
            await self.also()

    async def wait(self):
        await self.released.wait()

    async def fail(self):
        raise ValueError("fora do ar")

    @property
    def names(self):
        return [event.name for batch in self.batches for event in batch]


def reading(bot, take, *events, plugin=PLUGIN):
    """The sinks of one process, and the reader of the only one."""
    sink = Sink("contar", take, events or ("*",))
    part = runtime(bot, plugin, sinks=[sink])
    return Sinks(FixedRuntimes(part), Guard()), Reader(part, part.sinks[0])


async def begun(bot, take, *events, plugin=PLUGIN):
    sinks, reader = reading(bot, take, *events, plugin=plugin)
    await sinks.begin()
    return sinks, reader


async def happens(bot, *names, conversa=1):
    for name in names:
        await DB.execute(HAPPENED, bot.id, conversa, name, '{"total": 5980}')


@asynccontextmanager
async def slow_turn(database_uri, bot, name):
    """A turn that has written its event and takes its time to commit."""
    connection = await asyncpg.connect(database_uri)
    try:
        async with connection.transaction():
            await connection.execute(HAPPENED, bot.id, 1, name, "{}")
            yield
    finally:
        await connection.close()


async def counted():
    return await DB.fetchval("SELECT count(*) FROM contado")


async def checkpoint(plugin=PLUGIN):
    return await DB.fetchrow(
        "SELECT *, retry_at - now() AS wait FROM sink_checkpoint WHERE plugin = $1", plugin
    )


async def retry_now():
    await DB.execute("UPDATE sink_checkpoint SET retry_at = now()")


async def test_events_come_in_order_with_their_fields_and_cliente(bot):
    ana = await add_cliente(bot)
    contador = Contador()
    sinks, reader = await begun(bot, contador)
    await happens(bot, "pedido.aberto", "pedido.confirmado", conversa=await conversa_of(ana))
    await sinks.read(reader)
    [[opened, confirmed]] = contador.batches
    assert (opened.name, confirmed.name) == ("pedido.aberto", "pedido.confirmado")
    assert (confirmed.cliente, confirmed.fields) == (ana, {"total": 5980})
    await sinks.read(reader)
    assert len(contador.batches) == 1


async def test_an_event_that_is_committed_late_is_not_skipped(bot, database_uri):
    contador = Contador()
    sinks, reader = await begun(bot, contador)
    async with slow_turn(database_uri, bot, "primeiro"):
        await happens(bot, "segundo")
        await sinks.read(reader)
        assert contador.names == []  # the second one waits, lest the first one come behind it
    await sinks.read(reader)
    assert contador.names == ["primeiro", "segundo"]


async def test_a_transaction_that_began_early_and_writes_its_event_last_comes_in_its_place(bot, database_uri):
    contador = Contador()
    sinks, reader = await begun(bot, contador)
    connection = await asyncpg.connect(database_uri)
    async with connection.transaction():
        await connection.execute("SELECT pg_current_xact_id()")  # as a turn has, once it holds its conversa
        await happens(bot, "rápido")
        await sinks.read(reader)
        await connection.execute(HAPPENED, bot.id, 1, "demorado", "{}")
    await connection.close()
    await sinks.read(reader)
    assert sorted(contador.names) == ["demorado", "rápido"]


async def test_what_a_sink_writes_counts_each_event_once_though_it_fails_half_way(bot):
    contador = Contador()
    contador.also = contador.fail
    sinks, reader = await begun(bot, contador)
    await happens(bot, "um", "dois")
    await sinks.read(reader)
    assert await counted() == 0
    contador.also = None
    await retry_now()
    await sinks.read(reader)
    assert (await counted(), contador.names) == (2, ["um", "dois"] * 2)


async def test_cancelled_in_the_middle_it_reads_the_same_again(bot):
    contador = Contador()
    contador.also = contador.wait
    sinks, reader = await begun(bot, contador)
    await happens(bot, "um")
    read = asyncio.create_task(sinks.read(reader))
    await contador.entered.wait()
    read.cancel()
    with pytest.raises(asyncio.CancelledError):
        await read
    assert await counted() == 0
    contador.released.set()
    await sinks.read(reader)
    assert await counted() == 1


async def test_two_workers_at_once_give_a_batch_to_one(bot):
    contador = Contador()
    contador.also = contador.wait
    first, reader = await begun(bot, contador)
    second, same = await begun(bot, contador)
    await happens(bot, "um")
    read = asyncio.create_task(first.read(reader))
    await contador.entered.wait()
    async with asyncio.timeout(5):  # it is not waited for
        assert not await second.read(same)
    contador.released.set()
    await read
    await second.read(same)
    assert await counted() == 1


async def test_a_slow_sink_keeps_no_events_from_another_plugins(bot):
    slow, quick = Contador(), Contador()
    slow.also = slow.wait
    first, reader = await begun(bot, slow, plugin="lento")
    second, other = await begun(bot, quick, plugin="ligeiro")
    await happens(bot, "um")
    read = asyncio.create_task(first.read(reader))
    await slow.entered.wait()
    await happens(bot, "dois")
    await second.read(other)
    assert quick.names == ["um", "dois"]
    slow.released.set()
    await read


async def test_a_plugin_whose_sinks_are_slow_leaves_the_loop_to_the_others(bot):
    slow, quick = Contador(), Contador()
    slow.also = slow.wait
    parts = [
        runtime(bot, plugin, sinks=[Sink("contar", take)])
        for plugin, take in (("lento", slow), ("ligeiro", quick))
    ]
    sinks = Sinks(FixedRuntimes(*parts), Guard())
    await sinks.begin()
    await happens(bot, "um")
    async with asyncio.timeout(10), sinks.running():
        await asyncio.gather(slow.entered.wait(), quick.entered.wait())
        quick.entered.clear()
        await happens(bot, "dois")
        await quick.entered.wait()
    assert len(slow.batches) == 1


async def test_a_sink_that_fails_backs_off_and_recovers(bot):
    contador = Contador()
    contador.also = contador.fail
    sinks, reader = await begun(bot, contador)
    await happens(bot, "um")
    waits = []
    for _ in range(10):
        await retry_now()
        await sinks.read(reader)
        sinks._guard = Guard()  # the breaker is not what is tested here
        waits.append(round((await checkpoint())["wait"].total_seconds()))
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert (await checkpoint())["error"] == "ValueError: fora do ar"
    calls = len(contador.batches)
    await sinks.read(reader)  # too early
    assert len(contador.batches) == calls
    contador.also = None
    await retry_now()
    await sinks.read(reader)
    row = await checkpoint()
    assert (row["tries"], row["retry_at"], row["error"]) == (0, None, "")


async def test_a_sink_that_takes_too_long_backs_off(bot, monkeypatch):
    monkeypatch.setattr("wabot.sinks.SINK_LIMIT", 0.05)
    contador = Contador()
    contador.also = contador.wait
    sinks, reader = await begun(bot, contador)
    await happens(bot, "um")
    await sinks.read(reader)
    assert (await counted(), (await checkpoint())["tries"]) == (0, 1)


async def test_only_what_it_asked_for_is_given_to_a_sink(bot):
    contador = Contador()
    sinks, reader = await begun(bot, contador, "pedido.*", "cliente.saiu")
    await happens(bot, "conversa.iniciada", "pedido.aberto", "cliente.saiu", "pedidos", "conversa.encerrada")
    await sinks.read(reader)
    assert contador.names == ["pedido.aberto", "cliente.saiu"]


async def test_a_bot_never_sees_anothers_events(bot):
    contador = Contador()
    sinks, reader = await begun(bot, contador)
    await happens(await add_bot(2), "alheio")
    await happens(bot, "nosso")
    await sinks.read(reader)
    assert contador.names == ["nosso"]


async def test_a_sink_begins_now_and_not_with_the_past(bot):
    contador = Contador()
    await happens(bot, "passado")
    sinks, reader = await begun(bot, contador)
    await happens(bot, "presente")
    await sinks.read(reader)
    assert contador.names == ["presente"]


async def test_what_happens_between_switching_a_plugin_on_and_the_workers_hearing_of_it_counts(bot):
    contador = Contador()
    binding = "INSERT INTO plugin_binding (chatbot, plugin, enabled) VALUES ($1, $2, false)"
    await DB.execute(binding, bot.id, PLUGIN)
    await happens(bot, "desligado")
    await DB.execute("UPDATE plugin_binding SET enabled = true")
    await happens(bot, "logo depois")
    sinks, reader = await begun(bot, contador)
    await sinks.read(reader)
    assert contador.names == ["logo depois"]


async def test_a_new_process_goes_on_where_the_last_one_stopped(bot):
    contador = Contador()
    sinks, reader = await begun(bot, contador)
    await happens(bot, "um")
    await sinks.read(reader)
    await happens(bot, "dois")
    sinks, reader = await begun(bot, contador)
    await sinks.read(reader)
    assert contador.names == ["um", "dois"]


async def test_many_events_come_in_batches_and_in_order(bot, monkeypatch):
    monkeypatch.setattr("wabot.sinks.MOST", 10)
    contador = Contador()
    sinks, _ = await begun(bot, contador)
    names = [f"evento.{number}" for number in range(35)]
    await happens(bot, *names)
    async with sinks.running():

        async def all_counted():
            return await counted() == 35

        await until(all_counted)
    assert contador.names == names
    assert [len(batch) for batch in contador.batches] == [10, 10, 10, 5]


async def test_a_sink_cannot_write_to_another_business(bot):
    other = await add_cliente(await add_bot(2), "Bia")

    async def trespass():
        await DB.execute("UPDATE cliente SET nome = 'Mallory' WHERE id = $1", other)

    sinks, reader = await begun(bot, Contador(trespass))
    await happens(bot, "um")
    await sinks.read(reader)
    assert (await checkpoint())["tries"] == 1
    assert await DB.fetchval("SELECT nome FROM cliente") == "Bia"
