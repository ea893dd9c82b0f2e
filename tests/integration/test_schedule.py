"""Agendamentos: once per due time, whatever happens to whoever runs them."""

import asyncio
import contextlib
import contextvars
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from tests.bots import PLUGIN, FixedRuntimes, add_bot, add_cliente, runtime
from tests.live import until

from wabot import schedule as schedule_module
from wabot.db.engine import DB
from wabot.parts import BotContext, Campaign, Job
from wabot.plugins.breaker import FAILURES
from wabot.plugins.guard import Guard
from wabot.schedule import Schedule

HOURLY = "0 * * * *"


@pytest_asyncio.fixture
async def bot(database):
    await DB.execute("CREATE TABLE anotado (words text)")
    return await add_bot()


class Anotador:
    """A job that writes a row, and does whatever else a test has in mind."""

    def __init__(self, also=None, told=None):
        self.also, self.told, self.contexts = also, told, []
        self.entered, self.released = asyncio.Event(), asyncio.Event()

    async def __call__(self, ctx: BotContext) -> str | None:
        self.contexts.append(ctx)
        await DB.execute("INSERT INTO anotado VALUES ('rodou')")
        self.entered.set()
        if self.also:
            await self.also()
        return self.told

    async def wait(self):
        await self.released.wait()

    async def jam(self):
        """Does not even end when it is cancelled."""
        while not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                continue

    @property
    def runs(self):
        return len(self.contexts)


def schedule_of(bot, work, **changes):
    job = Job("limpar", work, changes.pop("cron", HOURLY), "Limpeza")
    return Schedule(FixedRuntimes(runtime(bot, jobs=[job], **changes)), Guard())


async def make_due(ago=timedelta(seconds=1)):
    """Its time has come; the id of the agendamento."""
    return await DB.fetchval("UPDATE agendamento SET next_run = now() - $1::interval RETURNING id", ago)


async def due(schedule):
    await schedule.declare()
    return await make_due()


async def stored():
    return await DB.fetchrow("SELECT *, next_run > now() AS later FROM agendamento")


async def written():
    return await DB.fetchval("SELECT count(*) FROM anotado")


async def test_a_declared_job_becomes_an_agendamento_with_its_next_time(bot):
    await schedule_of(bot, Anotador(), cron="0 10 * * *").declare()
    row = await stored()
    assert (row["chatbot"], row["plugin"], row["job"], row["titulo"]) == (bot.id, PLUGIN, "limpar", "Limpeza")
    assert row["later"]
    assert row["next_run"].hour == 13  # ten o'clock in São Paulo


async def test_two_workers_at_once_run_it_once(bot):
    work = Anotador()
    work.also = work.wait
    first, second = schedule_of(bot, work), schedule_of(bot, work)
    agendamento = await due(first)
    running = asyncio.create_task(first.run(agendamento))
    await work.entered.wait()
    async with asyncio.timeout(5):  # it is not waited for
        assert not await second.run(agendamento)
        assert await second.due() == []
    work.released.set()
    assert await running
    assert not await second.run(agendamento)
    assert work.runs == await written() == 1


async def test_many_schedules_that_look_on_their_own_run_it_once(bot):
    work = Anotador(told="Nada a limpar.")
    schedules = [schedule_of(bot, work) for _ in range(4)]
    await due(schedules[0])
    async with contextlib.AsyncExitStack() as stack:
        for schedule in schedules:
            await stack.enter_async_context(schedule.running())

        async def ran():
            return (await stored())["last_ok"] is True

        await until(ran)
        await asyncio.gather(*(schedule.look() for schedule in schedules))
    assert work.runs == await written() == 1
    assert (await stored())["last_result"] == "Nada a limpar."


async def test_a_ring_makes_a_worker_look_now(bot, monkeypatch):
    monkeypatch.setattr("wabot.schedule.LOOK_EVERY", 3600.0)
    work = Anotador()
    schedule = schedule_of(bot, work)
    async with schedule.running():

        async def declared():
            return await stored() is not None and (await stored())["later"]

        await until(declared)
        await make_due()
        await schedule.ring()

        async def ran():
            return await written() == 1

        await until(ran)


async def test_cancelled_in_the_middle_it_is_undone_and_runs_again(bot):
    work = Anotador()
    work.also = work.wait
    schedule = schedule_of(bot, work)
    agendamento = await due(schedule)
    running = asyncio.create_task(schedule.run(agendamento))
    await work.entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await written(), (await stored())["last_run"]) == (0, None)
    work.released.set()
    assert await schedule.run(agendamento)
    assert (await written(), (await stored())["last_ok"]) == (1, True)


async def test_when_the_connection_breaks_before_the_commit_it_runs_again(bot, database_uri):
    async def cut():
        victim = await DB.fetchval("SELECT pg_backend_pid()")
        killer = await asyncpg.connect(database_uri)
        await killer.execute("SELECT pg_terminate_backend($1, 5000)", victim)
        await killer.close()

    work = Anotador(cut)
    schedule = schedule_of(bot, work)
    agendamento = await due(schedule)
    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError)):
        await schedule.run(agendamento)
    assert (await written(), (await stored())["last_ok"]) == (0, None)
    work.also = None
    assert await schedule.run(agendamento)
    assert await written() == 1


async def test_a_job_that_fails_is_told_undone_and_tried_at_its_next_time(bot):
    async def fail():
        raise ValueError("acabou o papel")

    work = Anotador(fail)
    schedule = schedule_of(bot, work)
    agendamento = await due(schedule)
    assert await schedule.run(agendamento)
    row = await stored()
    assert (row["last_ok"], row["later"], await written()) == (False, True, 0)
    assert row["last_result"] == "Falhou, e nada do que fez foi gravado: ValueError: acabou o papel"
    assert not await schedule.run(agendamento)
    assert work.runs == 1


async def test_between_a_failure_and_its_record_nobody_else_gets_in(bot, monkeypatch):
    """The failure is written by the transaction that holds the row."""
    others = []

    async def fail():
        raise ValueError

    first, second = schedule_of(bot, Anotador(fail)), schedule_of(bot, Anotador())
    agendamento = await due(first)
    original = schedule_module._ran

    async def slowly(*args, **options):
        outside = asyncio.create_task(second.run(agendamento), context=contextvars.Context())
        others.append(await asyncio.wait_for(outside, 5))
        await original(*args, **options)

    monkeypatch.setattr("wabot.schedule._ran", slowly)
    await first.run(agendamento)
    assert others == [False]


async def test_what_would_fail_at_the_commit_is_the_jobs_failure(bot):
    await DB.execute("CREATE TABLE pai (id int PRIMARY KEY)")
    await DB.execute("CREATE TABLE filho (pai int REFERENCES pai DEFERRABLE INITIALLY DEFERRED)")

    async def orphan():
        await DB.execute("INSERT INTO filho VALUES (1)")

    schedule = schedule_of(bot, Anotador(orphan))
    await schedule.run(await due(schedule))
    row = await stored()
    assert (row["last_ok"], row["later"]) == (False, True)


async def test_a_job_that_takes_too_long_is_interrupted(bot, monkeypatch):
    monkeypatch.setattr("wabot.schedule.JOB_LIMIT", 0.05)
    work = Anotador()
    work.also = work.wait
    schedule = schedule_of(bot, work)
    await schedule.run(await due(schedule))
    row = await stored()
    assert (row["last_ok"], row["later"], await written()) == (False, True, 0)
    assert row["last_result"].startswith("Passou do limite")


async def test_a_job_that_will_not_end_loses_its_connection_and_is_recorded_all_the_same(bot, monkeypatch):
    monkeypatch.setattr("wabot.schedule.JOB_LIMIT", 0.05)
    monkeypatch.setattr("wabot.plugins.contain.GRACE", 0.05)
    work = Anotador()
    work.also = work.jam
    schedule = schedule_of(bot, work)
    await schedule.run(await due(schedule))
    row = await stored()
    work.released.set()
    assert (row["last_ok"], row["later"], await written()) == (False, True, 0)


async def test_a_time_missed_while_the_machine_was_off_runs_once(bot):
    work = Anotador()
    schedule = schedule_of(bot, work, cron="* * * * *")
    await schedule.declare()
    await make_due(timedelta(days=3))
    await schedule.look()
    assert not await schedule.look()
    assert (work.runs, (await stored())["later"]) == (1, True)


async def test_an_agendamento_that_skips_missed_times_says_so(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    await schedule.declare()
    await DB.execute("UPDATE agendamento SET missed = 'skip'")
    await make_due(timedelta(days=1))
    await schedule.look()
    row = await stored()
    assert (work.runs, row["last_ok"], row["later"]) == (0, None, True)
    assert "parado" in row["last_result"]


async def test_nobody_is_written_to_at_night_because_the_machine_was_off_in_the_morning(bot):
    asked = []

    async def audience(ctx):
        asked.append(ctx)
        return []

    part = runtime(bot, campaigns=[Campaign("saudade", audience)])
    schedule = Schedule(FixedRuntimes(part), Guard())
    await schedule.declare()
    await make_due(timedelta(hours=9))
    await schedule.look()
    assert asked == []
    await make_due(timedelta(minutes=5))
    await schedule.look()
    assert len(asked) == 1


async def test_what_somebody_edited_stays_and_decides_the_next_time(bot):
    schedule = schedule_of(bot, Anotador())
    await schedule.declare()
    await DB.execute("UPDATE agendamento SET cron = '30 4 * * *', timezone = 'UTC'")
    await schedule_of(bot, Anotador()).declare()
    row = await stored()
    assert (row["cron"], row["next_run"].hour, row["next_run"].minute) == ("30 4 * * *", 4, 30)


async def test_a_cron_line_edited_into_nonsense_is_told_and_not_due(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    await schedule.declare()
    await DB.execute("UPDATE agendamento SET cron = 'às dez'")
    await schedule.look()
    row = await stored()
    assert (row["next_run"], row["last_ok"], work.runs) == (None, False, 0)
    assert "'às dez' não serve" in row["last_result"]


async def test_a_form_that_was_open_during_the_run_does_not_run_it_again(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    agendamento = await due(schedule)
    shown = (await stored())["next_run"]
    await schedule.run(agendamento)
    await DB.execute("UPDATE agendamento SET titulo = 'Faxina', next_run = $1, last_run = NULL", shown)
    await schedule.look()
    assert work.runs == 1


async def test_a_switched_off_agendamento_is_not_run_nor_made_up_for(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    await due(schedule)
    await DB.execute("UPDATE agendamento SET enabled = false")
    await schedule.look()
    await DB.execute("UPDATE agendamento SET enabled = true")
    await schedule.look()
    assert (work.runs, (await stored())["later"]) == (0, True)


async def test_a_plugin_switched_on_again_does_not_make_up_for_what_was_due_meanwhile(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    binding = "INSERT INTO plugin_binding (chatbot, plugin, enabled) VALUES ($1, $2, false)"
    await DB.execute(binding, bot.id, PLUGIN)
    await due(schedule)
    await DB.execute("UPDATE plugin_binding SET enabled = true")
    await schedule.look()
    assert (work.runs, (await stored())["later"]) == (0, True)


async def test_a_bot_that_moves_has_its_times_in_the_new_zone(bot):
    schedule = schedule_of(bot, Anotador(), cron="0 10 * * *")
    await schedule.declare()
    await DB.execute("UPDATE chatbot SET timezone = 'America/Manaus'")
    moved = msgspec.structs.replace(bot, timezone="America/Manaus")
    await schedule_of(moved, Anotador(), cron="0 10 * * *").declare()
    assert (await stored())["next_run"].hour == 14


async def test_what_this_process_does_not_know_waits_for_one_that_does(bot):
    work = Anotador()
    agendamento = await due(schedule_of(bot, work))
    older = Schedule(FixedRuntimes(runtime(bot)), Guard())
    await older.look()
    assert not await older.run(agendamento)
    assert not (await stored())["later"]
    await schedule_of(bot, work).look()
    assert work.runs == 1


async def test_the_jobs_of_a_bot_that_is_switched_off_rest(bot):
    work = Anotador()
    await due(schedule_of(bot, work))
    await schedule_of(msgspec.structs.replace(bot, ativo=False), work).look()
    assert work.runs == 0


async def test_a_job_cannot_write_to_another_business(bot):
    other = await add_cliente(await add_bot(2), "Bia")

    async def trespass():
        await DB.execute("UPDATE cliente SET nome = 'Mallory' WHERE id = $1", other)

    schedule = schedule_of(bot, Anotador(trespass))
    await schedule.run(await due(schedule))
    assert (await stored())["last_ok"] is False
    assert await DB.fetchval("SELECT nome FROM cliente") == "Bia"


async def test_a_plugin_that_must_not_be_called_now_keeps_its_due_time(bot):
    work, clock = Anotador(), [0.0]
    guard = Guard(lambda: clock[0])
    schedule = Schedule(FixedRuntimes(runtime(bot, jobs=[Job("limpar", work, HOURLY)])), guard)
    for _ in range(FAILURES):
        await guard.failed(bot.id, PLUGIN, ValueError(), "limpar")
    agendamento = await due(schedule)
    assert not await schedule.run(agendamento)
    assert ((await stored())["last_run"], (await stored())["later"]) == (None, False)
    clock[0] += 3600
    assert await schedule.run(agendamento)
    assert work.runs == 1


async def test_a_job_that_gives_nonsense_has_failed(bot):
    schedule = schedule_of(bot, Anotador(told=42))
    await schedule.run(await due(schedule))
    row = await stored()
    assert (row["last_ok"], await written()) == (False, 0)
    assert "gave int" in row["last_result"]


async def test_a_job_sees_its_bot_the_time_and_its_configuration(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    await schedule.run(await due(schedule))
    [context] = work.contexts
    assert (context.bot.id, context.bot.nome) == (bot.id, "Loja 1")
    assert abs(context.now - datetime.now(UTC)) < timedelta(minutes=1)
