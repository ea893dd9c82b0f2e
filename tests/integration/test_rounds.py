"""Turns that share a transaction: who may, what becomes of them when one fails, and that a slow one delays nobody."""

import asyncio
import contextvars

import msgspec
import pytest
import pytest_asyncio
from tests.live import give, platform

from wabot.attend import Attendant
from wabot.courtesies import Courtesies
from wabot.db.engine import DB, Transaction
from wabot.flow import Ask, Context, Flow, Go
from wabot.outbox import Outbox
from wabot.plugins.guard import Guard
from wabot.queue import Queue
from wabot.turn import BoundFlow
from wabot.whatsapp.client import Graph
from wabot.worker import Worker

NAMES = ("Ana", "Bia", "Caio")


class Nothing(msgspec.Struct):
    pass


caderno = Flow("caderno", data=Nothing)


@caderno.etapa
async def ouvir(ctx: Context[Nothing]):
    match ctx.message.text:
        case "escreva":
            await DB.execute("UPDATE chatbot SET nome = 'Outro nome' WHERE id = $1", ctx.bot.id)
        case "falhe":
            raise ValueError
        case "morra":
            await DB.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        case "demore":
            await asyncio.sleep(0.05)
    return Ask(f"{ctx.cliente.nome}: {ctx.message.text}", check=str, then=lambda _: Go(ouvir))


@pytest_asyncio.fixture
async def door(database_uri, tmp_path):
    """A platform that stores and does not answer: the tests send workers in themselves."""
    async with platform(database_uri, tmp_path, plugin=None, worker=False) as running:
        await give(running.process, flows=(BoundFlow(caderno, plugin="caderno"),), plugins=("caderno",))
        running.graph = Graph(running.simulator.url, "v26.0")
        running.attendant = Attendant(running.process.runtimes, Courtesies(running.graph), Guard())
        yield running
        await running.graph.close()


async def say(door, *words):
    """Ana, Bia and Caio write one of these each. The chatbot, and their conversas."""
    for name, said in zip(NAMES, words, strict=False):
        await door.simulator.customer(name).says(said)
    return await places()


async def places():
    rows = await DB.fetch("SELECT DISTINCT chatbot, conversa FROM inbox ORDER BY conversa")
    return rows[0]["chatbot"], [row["conversa"] for row in rows]


async def replies():
    rows = await DB.fetch("SELECT content FROM outbox ORDER BY id")
    return [msgspec.json.decode(row["content"])["body"] for row in rows]


async def take(door, bot, conversas):
    """One round: of each conversa, whether more waits; None if it has to be attended alone."""
    written = await door.attendant.together(bot, conversas)
    return [one and one.more for one in written]


async def transactions():
    return await DB.fetchval("SELECT count(DISTINCT xid) FROM event")


async def test_turns_that_wait_share_a_transaction(door):
    bot, conversas = await say(door, "oi", "oi", "oi")
    assert await take(door, bot, conversas) == [False] * 3
    assert await replies() == ["Ana: oi", "Bia: oi", "Caio: oi"]
    assert await transactions() == 1


async def test_each_conversa_has_one_turn_a_round_oldest_message_first(door):
    ana = door.simulator.customer("Ana")
    await ana.says("oi")
    await ana.says("outra")
    bot, [ana] = await places()
    assert await take(door, bot, [ana]) == [True]
    assert await take(door, bot, [ana]) == [False]
    assert await replies() == ["Ana: oi", "Ana: outra"]
    state = "SELECT state FROM inbox ORDER BY id"
    assert [row["state"] for row in await DB.fetch(state)] == ["atendida", "atendida"]


async def test_if_one_turn_fails_none_was_taken(door):
    bot, conversas = await say(door, "oi", "falhe", "oi")
    assert await take(door, bot, conversas) == [None] * 3
    assert await replies() == []
    assert await DB.fetchval("SELECT count(*) FROM inbox WHERE state = 'pendente' AND tries = 0") == 3


async def test_a_worker_takes_the_others_turns_all_the_same(door, monkeypatch):
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", ())
    bot, conversas = await say(door, "oi", "falhe", "oi")
    worker = Worker(door.attendant, Outbox(door.graph, door.process.runtimes), Queue(""), at_once=2)
    await worker.attend([(bot, conversa) for conversa in conversas])
    states = await DB.fetch("SELECT state FROM inbox ORDER BY id")
    assert [row["state"] for row in states] == ["atendida", "morta", "atendida"]


async def test_killed_in_the_middle_nothing_happened(door):
    bot, conversas = await say(door, "oi", "oi", "morra")
    assert await take(door, bot, conversas) == [None] * 3
    assert await replies() == []
    assert await DB.fetchval("SELECT count(*) FROM inbox WHERE state = 'pendente'") == 3


async def test_a_turn_that_writes_rows_of_its_own_is_followed_by_others_for_a_moment_only(door, monkeypatch):
    """What it locks, others wait for."""
    bot, conversas = await say(door, "escreva", "escreva", "oi")
    assert await take(door, bot, conversas[:2]) == [False, False]
    monkeypatch.setattr("wabot.attend.HELD", 0)
    bot, conversas = await say(door, "escreva", "oi")
    assert await take(door, bot, conversas[-2:]) == [False, True]


async def test_after_a_round_that_failed_rounds_end_with_a_turn_that_writes(door):
    """Two rounds that each held rows of several turns may have waited for each other."""
    bot, conversas = await say(door, "falhe")
    assert await take(door, bot, conversas) == [None]
    await DB.execute("UPDATE inbox SET state = 'atendida'")
    bot, conversas = await say(door, "oi", "escreva", "oi")
    assert await take(door, bot, conversas[-3:]) == [False, False, True]


async def test_a_round_does_not_wait_long_for_rows_that_others_hold(door):
    bot, conversas = await say(door, "oi", "escreva")
    async with DB.transaction():
        await DB.execute("UPDATE chatbot SET nome = nome WHERE id = $1", bot)
        elsewhere = take(door, bot, conversas)
        async with asyncio.timeout(5):
            assert await asyncio.create_task(elsewhere, context=contextvars.Context()) == [None, None]
    assert await replies() == []


async def test_no_turn_joins_a_round_whose_time_is_over(door, monkeypatch):
    monkeypatch.setattr("wabot.attend.ROUND", 0.01)
    bot, conversas = await say(door, "demore", "oi", "oi")
    assert await take(door, bot, conversas) == [False, True, True]


async def test_a_chatbot_whose_turns_are_slow_takes_them_alone(door, monkeypatch):
    monkeypatch.setattr("wabot.tempo.QUICK", 0.001)
    monkeypatch.setattr("wabot.tempo.LOCKS", 0)
    bot, conversas = await say(door, "demore")
    assert door.attendant.shares(bot)
    await door.attendant.together(bot, conversas)
    assert not door.attendant.shares(bot)


async def test_a_chatbot_with_a_failing_plugin_takes_its_turns_alone_until_it_is_well(door):
    bot, [ana, bia] = await say(door, "falhe", "oi")
    await door.attendant.attend(ana)
    assert not door.attendant.shares(bot)
    await door.attendant.attend(bia)
    assert door.attendant.shares(bot)


async def test_a_message_that_has_failed_before_is_taken_alone(door):
    bot, conversas = await say(door, "oi", "oi")
    await DB.execute("UPDATE inbox SET tries = 1 WHERE conversa = $1", conversas[1])
    assert await take(door, bot, conversas) == [False, None]


async def test_what_another_worker_has_in_hand_is_not_waited_for(door):
    bot, conversas = await say(door, "oi", "oi")
    async with DB.transaction():
        await DB.execute("SELECT FROM conversa WHERE id = $1 FOR NO KEY UPDATE", conversas[0])
        elsewhere = take(door, bot, conversas)
        async with asyncio.timeout(5):
            assert await asyncio.create_task(elsewhere, context=contextvars.Context()) == [None, False]


async def claimed(door, bot, conversas):
    """One round: of each conversa, the reply that is the caller's to send."""
    written = await door.attendant.together(bot, conversas)
    return [one and one.claim and one.claim.row["id"] for one in written]


async def states():
    return [row["state"] for row in await DB.fetch("SELECT state FROM outbox ORDER BY id")]


async def test_a_reply_is_claimed_as_it_is_written(door):
    bot, conversas = await say(door, "oi", "oi")
    assert await claimed(door, bot, conversas) == [1, 2]
    assert await states() == ["enviando", "enviando"]


async def test_but_not_before_an_earlier_one_of_its_conversa(door):
    bot, [ana] = await say(door, "oi")
    await DB.execute("INSERT INTO outbox (chatbot, conversa, content) VALUES ($1, $2, '{}')", bot, ana)
    assert await claimed(door, bot, [ana]) == [None]
    assert await states() == ["pendente", "pendente"]


async def test_nor_while_its_number_is_on_hold_or_the_pair_writes_too_much(door):
    bot, [ana, bia] = await say(door, "oi", "oi")
    await DB.execute("UPDATE conversa SET pair_at = now() + interval '1 hour' WHERE id = $1", bia)
    await DB.execute(
        "INSERT INTO number_hold (chatbot, code, reason, next_try) VALUES ($1, 190, '', now() + interval '1 hour')",
        bot,
    )
    assert await claimed(door, bot, [ana]) == [None]
    await DB.execute("DELETE FROM number_hold")
    assert await claimed(door, bot, [bia]) == [None]
    assert await states() == ["pendente", "pendente"]


async def test_rung_for_twice_a_reply_is_sent_once_and_what_waits_behind_it_next(door):
    customer = door.simulator.customer("Ana")
    await customer.says("oi")
    await customer.says("outra")
    bot, [ana] = await places()
    worker = Worker(door.attendant, Outbox(door.graph, door.process.runtimes), Queue(""), at_once=2)
    await worker.attend([(bot, ana), (bot, ana)])
    assert await states() == ["enviada", "enviada"]
    shown = [bubble.text for bubble in customer.phone.bubbles if bubble.sender == "bot"]
    assert shown == ["Ana: oi", "Ana: outra"]


async def test_another_chatbots_conversa_is_not_taken(door):
    """The fence around a transaction is one chatbot's."""
    bot, conversas = await say(door, "oi")
    assert await door.attendant.together(bot + 1, conversas) == [None]
    assert await replies() == []


@pytest.mark.parametrize(
    ("statement", "wrote"),
    [
        ("SELECT 1", False),
        ("\n  select nome FROM chatbot", False),
        ("SELECT FROM chatbot FOR UPDATE", True),
        ("SELECT FROM chatbot\nFOR NO KEY UPDATE", True),
        ("WITH gone AS (DELETE FROM event RETURNING 1) SELECT * FROM gone", True),
        ("UPDATE chatbot SET nome = nome", True),
    ],
)
async def test_a_transaction_knows_whether_it_may_hold_locks(door, statement, wrote):
    async with DB.transaction() as transaction:
        assert isinstance(transaction, Transaction)
        await DB.fetch(statement)
        assert transaction.wrote is wrote


NAME = "SELECT nome FROM chatbot WHERE id = $1"


async def rename_elsewhere(bot, nome):
    rename = DB.execute("UPDATE chatbot SET nome = $2 WHERE id = $1", bot, nome)
    await asyncio.create_task(rename, context=contextvars.Context())


async def test_what_turns_of_a_round_have_in_common_is_read_once(door):
    bot, _ = await say(door, "oi")
    async with DB.transaction():
        [before] = await DB.fetch_once(NAME, bot)
        await rename_elsewhere(bot, "Outra")
        assert await DB.fetch_once(NAME, bot) == [before]
    [after] = await DB.fetch_once(NAME, bot)
    assert after["nome"] == "Outra"


async def test_but_anew_once_something_is_written(door):
    bot, _ = await say(door, "oi")
    async with DB.transaction():
        await DB.fetch_once(NAME, bot)
        await DB.execute("UPDATE chatbot SET nome = 'Terceira' WHERE id = $1", bot)
        [row] = await DB.fetch_once(NAME, bot)
    assert row["nome"] == "Terceira"
