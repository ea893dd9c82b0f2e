"""Retention: what is old enough goes, what is not finished stays, and nobody waits for it."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from tests.bots import PLUGIN, FixedRuntimes, add_bot, add_cliente, conversa_of, runtime
from tests.live import give, platform

from wabot import audit, cleaning, retention
from wabot.cleaning import clean
from wabot.db.engine import DB
from wabot.doctor import count
from wabot.flow import Context, End, Flow
from wabot.plugins.guard import Guard
from wabot.retention import Retention, RetentionChange
from wabot.schedule import Schedule
from wabot.storage import STORAGE
from wabot.turn import BoundFlow

NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=40)
MANY = 300

MESSAGES = """
INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw, state, received_at)
SELECT $1, $2, $3 || n, 'text', $5, '{}', $4, $5 FROM generate_series(1, $6) AS n
"""
REPLIES = "INSERT INTO outbox (chatbot, conversa, content, state, created_at) VALUES ($1, $2, '{}', $3, $4)"
EVENT = "INSERT INTO event (chatbot, conversa, name, fields, at) VALUES ($1, 1, $2, '{}', $3)"

OTHERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL
    AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class Nada(msgspec.Struct):
    pass


eco = Flow("eco", data=Nada)


@eco.etapa
async def inicio(ctx: Context[Nada]):
    return End(f"eco: {ctx.message.text}")


@pytest_asyncio.fixture
async def bot(database, tmp_path, monkeypatch):
    monkeypatch.setattr(cleaning, "WINDOW", 50)
    monkeypatch.setattr(cleaning, "PAUSE", 0)
    STORAGE.open(tmp_path)
    bot = await add_bot()
    yield bot
    STORAGE.close()


async def keeps(bot, **days):
    await retention.change(bot.id, RetentionChange(**days))


async def messages(bot, state, at, many=1, word="w"):
    cliente = await DB.fetchval("SELECT id FROM cliente WHERE chatbot = $1", bot.id) or await add_cliente(bot)
    await DB.execute(MESSAGES, bot.id, await conversa_of(cliente), f"{word}{state}{at.day}.", state, at, many)


async def left(table="inbox", column="state"):
    rows = await DB.fetch(f"SELECT {column} FROM {table} ORDER BY id")
    return [row[0] for row in rows]


async def test_messages_are_kept_for_good_until_somebody_says_how_long(bot):
    await messages(bot, "atendida", OLD)
    assert await clean(bot.id, NOW) == {"avisos": 0}
    assert await left() == ["atendida"]


async def test_old_messages_go_and_what_waits_or_is_new_stays(bot):
    await keeps(bot, mensagens=30)
    await messages(bot, "atendida", OLD, MANY)
    await messages(bot, "pendente", OLD)
    await messages(bot, "atendida", NOW)
    for state in ("enviada", "falhou", "pendente", "enviando"):
        await DB.execute(REPLIES, bot.id, 1, state, OLD)
    assert (await clean(bot.id, NOW))["mensagens"] == MANY + 2
    assert await left() == ["pendente", "atendida"]
    assert await left("outbox") == ["pendente", "enviando"]


async def test_another_chatbots_messages_stay(bot):
    other = await add_bot(2)
    await keeps(bot, mensagens=30)
    await messages(other, "atendida", OLD)
    await messages(bot, "atendida", OLD)
    assert (await clean(bot.id, NOW))["mensagens"] == 1
    assert await left(column="chatbot") == [other.id]


async def test_nobody_waits_for_it_nor_it_for_anybody(bot):
    await keeps(bot, mensagens=30)
    await messages(bot, "atendida", OLD, 2)
    async with DB._pool().acquire() as somebody, somebody.transaction():
        await somebody.execute("SELECT FROM inbox ORDER BY id LIMIT 1 FOR UPDATE")
        async with asyncio.timeout(5):
            assert (await clean(bot.id, NOW))["mensagens"] == 1
    assert (await clean(bot.id, NOW))["mensagens"] == 1  # it goes on the next time


async def test_stopped_half_way_it_has_done_what_it_has_done(bot, monkeypatch):
    await keeps(bot, mensagens=30)
    await messages(bot, "atendida", OLD, MANY)
    walked = asyncio.Event()

    async def stop(_seconds):
        walked.set()
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr(cleaning.asyncio, "sleep", stop)
        with pytest.raises(asyncio.CancelledError):
            await clean(bot.id, NOW)
    assert len(await left()) == MANY - cleaning.WINDOW
    assert (await clean(bot.id, NOW))["mensagens"] == MANY - cleaning.WINDOW


async def test_events_stay_until_every_sink_has_read_them(bot):
    await keeps(bot, eventos=30)
    for name in ("lido", "novo"):
        await DB.execute(EVENT, bot.id, name, OLD)
    await DB.execute(
        """INSERT INTO sink_checkpoint (chatbot, plugin, sink, xid, event)
           SELECT chatbot, 'p', 's', xid, id FROM event WHERE name = 'lido'""",
    )
    assert (await clean(bot.id, NOW))["eventos"] == 1
    assert await left("event", "name") == ["novo"]


async def test_what_meta_told_goes_by_itself_once_it_has_served(bot):
    long_ago = NOW - timedelta(days=91)
    for state in ("aplicada", "pendente"):
        await DB.execute(
            """INSERT INTO receipt (chatbot, wamid, status, at, raw, state, received_at)
               VALUES ($1, $2, 'sent', $3, '', $2, $3)""",
            bot.id, state, long_ago,
        )  # fmt: skip
        notice = {"aplicada": "tratada"}.get(state, state)
        await DB.execute(
            """INSERT INTO notice (chatbot, business_account_id, field, raw, digest, state, received_at)
               VALUES ($1, '1', 'x', '', $2::text::bytea, $2, $3)""",
            bot.id, notice, long_ago,
        )  # fmt: skip
    for whose in (bot.id, None):  # of a number that no chatbot has, it is nobody's
        await DB.execute(
            "INSERT INTO quarantine (chatbot, why, raw, digest, received_at) VALUES ($1, '', '', $2, $3)",
            whose, str(whose).encode(), long_ago,
        )  # fmt: skip
    assert await clean(bot.id, NOW) == {"avisos": 4}
    assert (await left("receipt"), await left("notice"), await left("quarantine", "id")) == (
        ["pendente"], ["pendente"], [],
    )  # fmt: skip


async def test_the_doctor_goes_on_counting_what_is_gone(bot):
    await keeps(bot, mensagens=30)
    await messages(bot, "atendida", OLD, 3)
    await DB.execute(REPLIES, bot.id, 1, "enviada", OLD)
    before = await count()
    await clean(bot.id, NOW)
    assert await left() == []
    assert await count() == before
    assert before | {"received": 3, "processed": 3, "sent": 1} == before


async def test_how_long_is_changed_kind_by_kind_and_leaves_a_trail(bot):
    await keeps(bot, mensagens=365)
    await keeps(bot, arquivos=30, avisos=None)
    assert await retention.of(bot.id) == Retention(mensagens=365, arquivos=30, avisos=None)
    trail = [entry.campos for entry in await audit.entries([bot.id]) if entry.objeto == "retenção"]
    assert trail == [{"arquivos": 30, "avisos": None}, {"mensagens": 365}]


# -- in small pieces ----------------------------------------------------------------------------------------


async def test_a_large_table_goes_in_small_batches_each_committed_before_the_next(bot, monkeypatch):
    """Another connection sees the table shrink by a window at a time, and no transaction outlives its batch."""
    monkeypatch.setattr(cleaning, "WINDOW", 500)
    await keeps(bot, mensagens=30)
    await messages(bot, "atendida", OLD, 20_000)
    await messages(bot, "atendida", NOW, 500)
    seen, open_ones = [], []

    async def pause(_seconds):
        async with DB._pool().acquire() as other:
            seen.append(await other.fetchval("SELECT count(*) FROM inbox"))
            open_ones.append(await other.fetchval(OTHERS))

    monkeypatch.setattr(cleaning.asyncio, "sleep", pause)
    assert (await clean(bot.id, NOW))["mensagens"] == 20_000
    steps = [before - after for before, after in pairwise([20_500, *seen])]
    assert (max(steps), len([step for step in steps if step])) == (500, 40)
    assert set(open_ones) == {0}


async def test_a_customer_is_answered_while_a_batch_deletes_what_they_wrote_before(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, plugin=None) as live:
        await give(live.process, flows=(BoundFlow(eco, plugin="eco"),))
        ana = live.simulator.customer("Ana")
        await ana.says("oi")
        await ana.sees("eco: oi")
        conversa = await DB.fetchval("SELECT id FROM conversa")
        await DB.execute(MESSAGES, live.bot.id, conversa, "velha", "atendida", OLD, 500)
        await DB.execute(REPLIES, live.bot.id, conversa, "enviada", OLD)
        batch = await asyncpg.connect(database_uri)
        async with batch.transaction():  # as long as it likes: nothing of the turn is in its hands
            gone = [
                (await batch.fetchrow(statement, live.bot.id, NOW - timedelta(days=30), 0, 1000))["gone"]
                for statement in cleaning.BATCHES["mensagens"]
            ]
            await ana.says("de novo")
            await ana.sees("eco: de novo", within=5)
        await batch.close()
        assert gone == [500, 1]


# -- when ------------------------------------------------------------------------------------------------------


def schedule_of(bot):
    return Schedule(FixedRuntimes(runtime(bot)), Guard(), cleaning.works)


async def agendamento():
    return await DB.fetchrow("SELECT *, next_run > now() AS later FROM agendamento")


async def test_it_is_due_on_sundays_at_two_by_the_bots_own_clock(bot):
    await schedule_of(bot).declare()
    row = await agendamento()
    assert (row["plugin"], row["job"]) == ("", "limpeza_de_mensagens") != (PLUGIN, "")
    assert (row["next_run"].weekday(), row["next_run"].hour) == (6, 5)  # two o'clock in São Paulo


async def test_at_its_time_it_runs_once_and_holds_no_transaction(bot, monkeypatch):
    await keeps(bot, mensagens=30)
    await messages(bot, "atendida", OLD)
    seen = []

    async def watched(chatbot, now):
        seen.append(DB.transaction_exists())
        return await clean(chatbot, now)

    monkeypatch.setattr(cleaning, "clean", watched)
    first, second = schedule_of(bot), schedule_of(bot)
    await first.declare()
    number = await DB.fetchval("UPDATE agendamento SET next_run = now() RETURNING id")
    assert [await first.run(number), await second.run(number)] == [True, False]
    row = await agendamento()
    assert (row["last_ok"], row["last_result"], row["later"]) == (True, "Apagados: 1 mensagens.", True)
    assert seen == [False]


async def test_killed_half_way_it_is_due_again_at_its_next_time(bot, monkeypatch):
    async def killed(*_):
        raise asyncio.CancelledError

    monkeypatch.setattr(cleaning, "clean", killed)
    schedule = schedule_of(bot)
    await schedule.declare()
    number = await DB.fetchval("UPDATE agendamento SET next_run = now() RETURNING id")
    with pytest.raises(asyncio.CancelledError):
        await schedule.run(number)
    row = await agendamento()
    assert (row["last_ok"], row["later"]) == (None, True)
    assert "próxima vez" in row["last_result"]


async def test_a_chatbot_that_is_switched_off_is_cleaned_all_the_same(bot):
    off = runtime(msgspec.structs.replace(bot, ativo=False))
    await Schedule(FixedRuntimes(off), Guard(), cleaning.works).declare()
    assert await DB.fetchval("SELECT count(*) FROM agendamento") == 1
