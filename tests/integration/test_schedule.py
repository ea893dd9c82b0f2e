"""Agendamentos: once per due time, whatever happens to whoever runs them."""

import asyncio
import contextlib
import contextvars
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from tests.bots import PLUGIN, FixedRuntimes, add_bot, add_cliente, runtime
from tests.live import until

from wabot import agenda, audit
from wabot import schedule as schedule_module
from wabot.db.engine import DB
from wabot.errors import Away, WrongFields
from wabot.parts import BotContext, Campaign, Job
from wabot.plugins.breaker import FAILURES
from wabot.plugins.guard import Guard
from wabot.plugins.registry import Registry
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


async def test_workers_that_all_come_at_the_same_moment_run_each_due_time_once(bot):
    work = Anotador()
    schedules = [schedule_of(bot, work) for _ in range(8)]
    agendamento = await due(schedules[0])
    for time in range(1, 11):
        await make_due()
        await asyncio.gather(*(schedule.run(agendamento) for schedule in schedules))
        assert work.runs == await written() == time


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
    with pytest.raises(Away):
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
    original = schedule_module._taken

    async def slowly(*args, **options):
        outside = asyncio.create_task(second.run(agendamento), context=contextvars.Context())
        others.append(await asyncio.wait_for(outside, 5))
        await original(*args, **options)

    monkeypatch.setattr("wabot.schedule._taken", slowly)
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


async def test_arguments_reach_the_job_and_what_does_not_fit_any_more_is_its_default(bot):
    class Faxina(msgspec.Struct, frozen=True):
        dias: int = 30
        onde: str = "tudo"

    work = Anotador()
    job = Job("limpar", work, HOURLY, arguments=Faxina)
    schedule = Schedule(FixedRuntimes(runtime(bot, jobs=[job])), Guard())
    agendamento = await due(schedule)
    await DB.execute("""UPDATE agendamento SET arguments = '{"dias": 7, "onde": 5, "antigo": 1}'""")
    await schedule.run(agendamento)
    assert work.contexts[0].arguments == Faxina(dias=7)


async def test_a_job_says_what_becomes_of_missed_times(bot):
    work = Anotador()
    skips = Schedule(FixedRuntimes(runtime(bot, jobs=[Job("limpar", work, HOURLY, missed="skip")])), Guard())
    await skips.declare()
    await make_due(timedelta(hours=3))
    await skips.look()
    assert (work.runs, (await stored())["missed"]) == (0, "skip")


# -- changed by people -----------------------------------------------------------------------------------------


async def in_the_middle(schedule, work, do):
    """Do something from elsewhere while the job runs; nobody may have to wait for it."""
    work.also = work.wait
    running = asyncio.create_task(schedule.run(await due(schedule)))
    await work.entered.wait()
    async with asyncio.timeout(5):
        await asyncio.create_task(do(), context=contextvars.Context())
    work.released.set()
    assert await running


async def edited(**changes):
    return await agenda.change(Registry([]), (await stored())["id"], agenda.AgendamentoChange(**changes))


async def test_edited_while_it_runs_the_new_times_count_and_nobody_waits(bot):
    work = Anotador(told="Feito.")
    schedule = schedule_of(bot, work)
    await in_the_middle(schedule, work, lambda: edited(cron="30 4 * * *", timezone="UTC"))
    row = await stored()
    assert (row["cron"], row["next_run"].hour, row["next_run"].minute) == ("30 4 * * *", 4, 30)
    assert (row["last_ok"], row["last_result"], row["later"]) == (True, "Feito.", True)
    await schedule.look()
    assert work.runs == 1


async def test_switched_off_while_it_runs_it_ends_and_is_not_due_again(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    await in_the_middle(schedule, work, lambda: edited(enabled=False))
    await schedule.look()
    row = await stored()
    assert (work.runs, row["last_ok"], row["enabled"], row["next_run"]) == (1, True, False, None)


async def test_a_bot_that_moves_while_a_job_runs_has_its_times_in_the_new_zone(bot):
    work = Anotador()
    schedule = schedule_of(bot, work, cron="0 10 * * *")

    async def move():
        await DB.execute("UPDATE chatbot SET timezone = 'Europe/Lisbon'")

    await in_the_middle(schedule, work, move)
    await schedule.look()
    row = await stored()
    assert row["next_run"].astimezone(ZoneInfo("Europe/Lisbon")).hour == 10
    assert work.runs == 1


async def test_a_changed_time_is_planned_before_the_change_is_answered(bot):
    await schedule_of(bot, Anotador()).declare()
    changed = await edited(cron="15 7 * * *")
    assert changed.next_run.astimezone(ZoneInfo("America/Sao_Paulo")).strftime("%H:%M") == "07:15"
    moved = await edited(timezone="Asia/Tokyo")
    assert moved.next_run.astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:%M") == "07:15"
    assert (await edited(enabled=False)).next_run is None
    assert (await edited(enabled=True)).next_run == moved.next_run


async def test_what_does_not_fit_is_told_field_by_field_and_nothing_changes(bot):
    await schedule_of(bot, Anotador()).declare()
    before = await stored()
    with pytest.raises(WrongFields) as wrong:
        await edited(cron="às dez", timezone="Brasil", arguments={"dias": 3})
    assert wrong.value.fields.keys() == {"cron", "timezone", "arguments.dias"}
    assert "Escreva minuto" in wrong.value.fields["cron"]
    assert await stored() == before


async def test_an_edit_leaves_a_trail(bot):
    await schedule_of(bot, Anotador()).declare()
    await edited(enabled=False)
    [entry] = [entry for entry in await audit.entries([bot.id]) if entry.objeto == "agendamento"]
    assert (entry.acao, entry.campos) == ("mudar", {"enabled": False})


# -- asked for -------------------------------------------------------------------------------------------------


async def asked():
    await DB.execute("INSERT INTO plugin_binding (chatbot, plugin) SELECT id, $1 FROM chatbot", PLUGIN)
    return await agenda.ask((await stored())["id"])


async def test_asked_for_it_runs_now_and_at_its_time_all_the_same(bot):
    work = Anotador(told="Feito.")
    schedule = schedule_of(bot, work)
    await schedule.declare()
    planned = (await stored())["next_run"]
    agendamento = await asked()
    assert agendamento.asked_at
    await schedule.look()
    row = await stored()
    assert (work.runs, row["asked_at"], row["last_result"]) == (1, None, "Feito.")
    assert row["next_run"] == planned
    await schedule.look()
    assert work.runs == 1


async def test_asked_for_when_it_is_due_anyway_it_runs_once(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    await due(schedule)
    await asked()
    await schedule.look()
    assert (work.runs, (await stored())["asked_at"], (await stored())["later"]) == (1, None, True)


async def test_asked_for_by_two_and_run_by_two_it_runs_once(bot):
    work = Anotador()
    first, second = schedule_of(bot, work), schedule_of(bot, work)
    await first.declare()
    agendamento = await asked()
    await asyncio.gather(*(agenda.ask(agendamento.id) for _ in range(4)))
    await asyncio.gather(first.look(), second.look())
    assert work.runs == await written() == 1


async def test_asked_for_during_a_run_it_runs_once_more_afterwards(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    await in_the_middle(schedule, work, asked)
    await schedule.look()
    await schedule.look()
    assert work.runs == 2


async def test_a_switched_off_agendamento_runs_when_it_is_asked_for(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    await schedule.declare()
    await edited(enabled=False)
    await asked()
    await schedule.look()
    assert (work.runs, (await stored())["next_run"]) == (1, None)


async def test_killed_while_it_was_asked_for_it_runs_again_and_once(bot):
    work = Anotador()
    work.also = work.wait
    schedule = schedule_of(bot, work)
    await schedule.declare()
    agendamento = await asked()
    running = asyncio.create_task(schedule.run(agendamento.id))
    await work.entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await written(), (await stored())["asked_at"]) == (0, agendamento.asked_at)
    work.released.set()
    await schedule.look()
    await schedule.look()
    assert await written() == 1


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE plugin_binding SET enabled = false", "plugin"),
        ("UPDATE chatbot SET ativo = false", "chatbot"),
    ],
)
async def test_what_cannot_run_is_not_asked_for(bot, statement, why):
    await schedule_of(bot, Anotador()).declare()
    agendamento = await asked()
    await DB.execute("UPDATE agendamento SET asked_at = NULL")
    await DB.execute(statement)
    with pytest.raises(agenda.Hindered, match=why):
        await agenda.ask(agendamento.id)
    assert (await stored())["asked_at"] is None


# -- clocks that jump: what is stored lies where the old clock put it ------------------------------------------

STAMPS = ("next_run", "last_due", "last_run", "planned_at")


async def clock_goes(forward: timedelta):
    """The clock that all of it was written by stood so much earlier."""
    columns = ", ".join(f"{name} = {name} - $1::interval" for name in STAMPS)
    await DB.execute(f"UPDATE agendamento SET {columns}", forward)


async def test_after_a_jump_forward_past_many_times_it_runs_once(bot):
    work = Anotador()
    schedule = schedule_of(bot, work, cron="*/5 * * * *")
    await schedule.run(await due(schedule))
    await clock_goes(timedelta(hours=7))
    await schedule.look()
    await schedule.look()
    assert (work.runs, (await stored())["later"]) == (2, True)


async def test_after_a_small_jump_back_no_due_time_runs_a_second_time(bot):
    work = Anotador()
    schedule = schedule_of(bot, work, cron="*/5 * * * *")
    await schedule.run(await due(schedule))
    await clock_goes(-timedelta(minutes=20))
    jumped = await stored()
    await schedule.look()
    assert (work.runs, (await stored())["next_run"]) == (1, jumped["next_run"])
    replanned = await edited(cron="*/10 * * * *")  # nor does an edit bring one back
    assert replanned.next_run > jumped["last_due"]


async def test_after_a_clock_years_ahead_is_set_right_it_is_planned_anew(bot):
    work = Anotador()
    schedule = schedule_of(bot, work)
    await schedule.run(await due(schedule))
    await clock_goes(-timedelta(days=1500))
    await schedule.look()
    row = await stored()
    assert timedelta(0) < row["next_run"] - datetime.now(UTC) <= timedelta(hours=1)
    await make_due()
    await schedule.look()
    assert work.runs == 2


async def test_one_planned_by_such_a_clock_that_never_ran_is_planned_anew_as_well(bot):
    schedule = schedule_of(bot, Anotador())
    await schedule.declare()
    await clock_goes(-timedelta(days=1500))
    await schedule.look()
    assert (await stored())["next_run"] - datetime.now(UTC) <= timedelta(hours=1)
