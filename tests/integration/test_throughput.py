"""How fast a number sends: bulk always below what Meta takes, replies as fast as they can until Meta refuses one."""

import asyncio
import time
from types import SimpleNamespace

import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime, says
from tests.live import SECRET

from wabot import outbox, pacing
from wabot.db.engine import DB
from wabot.message import TemplateMessage
from wabot.outbox import Outbox
from wabot.testing.simulator import Simulator
from wabot.whatsapp.callback import outbox_id
from wabot.whatsapp.client import Graph


@pytest_asyncio.fixture
async def shop(database):
    """A bot and two workers that share nothing but the database."""
    bot = await add_bot()
    async with Simulator(app_secret=SECRET).serve() as simulator:
        graph = Graph(simulator.url, "v26.0")
        workers = [Outbox(graph, FixedRuntimes(runtime(bot))) for _ in range(2)]
        yield SimpleNamespace(bot=bot, meta=simulator, workers=workers)
        await graph.close()


async def number(shop, *, throughput, rate=None):
    await DB.execute("UPDATE chatbot SET throughput = $1", throughput)
    await DB.execute("UPDATE number_pace SET rate = $1, changed_at = now()", rate)
    shop.meta.faults.per_second = throughput


async def answer(shop, many):
    """So many customers are answered."""
    return [await says(await add_cliente(shop.bot), "olá") for _ in range(many)]


async def invite(shop, many):
    [content] = outbox.encode([TemplateMessage("saudade")])
    for _ in range(many):
        await DB.execute(
            "INSERT INTO outbox (chatbot, conversa, content, bulk) VALUES ($1, $2, $3, true)",
            shop.bot.id,
            await conversa_of(await add_cliente(shop.bot)),
            content,
        )


async def waiting():
    return await DB.fetchval("SELECT count(*) FROM outbox WHERE state IN ('pendente', 'enviando')")


async def work(worker):
    """What a worker does, but for the bell: it sends what waits, replies and bulk side by side."""
    async with asyncio.timeout(30):
        while await waiting():
            due = await outbox.waiting_longer_than(0, 1000)
            await asyncio.gather(worker.deliver_bulk(), *(worker.deliver(conversa) for conversa in due))
            await asyncio.sleep(0.01)


async def send_all(shop):
    """Both workers send all there is. Returns how long it took."""
    began = time.monotonic()
    await asyncio.gather(*(work(worker) for worker in shop.workers))
    return time.monotonic() - began


def kinds(shop):
    return [sent.body["type"] for sent in shop.meta.sent]


async def each_went_once(shop):
    rows = await DB.fetch("SELECT id, state, refused FROM outbox ORDER BY id")
    assert {tuple(row)[1:] for row in rows} == {("enviada", 0)}
    assert sorted(outbox_id(sent.callback) for sent in shop.meta.sent) == [row["id"] for row in rows]


async def test_a_number_that_is_too_fast_for_meta_slows_down_and_loses_nothing(shop):
    await number(shop, throughput=20)
    await answer(shop, 50)
    await send_all(shop)
    await each_went_once(shop)
    assert await DB.fetchval("SELECT rate FROM number_pace") is not None


async def test_two_workers_keep_one_pace_and_replies_go_before_bulk(shop, monkeypatch):
    leases, fetchrow = [], DB.fetchrow

    async def counting(sql, *args):
        row = await fetchrow(sql, *args)
        if sql == pacing.LEASE and row:  # and not put off: how many are depends on how fast the machine is
            leases.append(row)
        return row

    monkeypatch.setattr(DB, "fetchrow", counting)
    await number(shop, throughput=40, rate=40)
    await answer(shop, 100)
    await invite(shop, 8)
    elapsed = await send_all(shop)
    await each_went_once(shop)
    refused = await DB.fetchval(
        "SELECT changed_at > now() - make_interval(secs => $1) FROM number_pace", elapsed
    )
    assert not refused  # the rate was never too high for the simulator, which counts too
    assert elapsed > 100 / 40
    assert kinds(shop)[:90].count("template") <= outbox.BULK_AT_ONCE
    assert len(leases) < 100 / 3


async def test_bulk_leaves_room_for_replies_however_many_workers_send_it(shop):
    await number(shop, throughput=40)
    await invite(shop, 40)
    elapsed = await send_all(shop)
    await each_went_once(shop)
    at_once = 2 * outbox.BULK_AHEAD * 30
    assert elapsed > (40 - at_once) / 30
    assert await DB.fetchval("SELECT rate FROM number_pace") is None


async def test_replies_of_a_number_that_meta_has_not_refused_wait_for_nothing(shop):
    await number(shop, throughput=20)
    shop.meta.faults.per_second = 0
    await answer(shop, 60)
    await send_all(shop)
    await each_went_once(shop)
    assert await DB.fetchval("SELECT next_at FROM number_pace") is None


async def test_after_a_while_in_peace_there_is_no_limit_any_more(shop):
    await number(shop, throughput=40, rate=40)
    await DB.execute("UPDATE number_pace SET changed_at = now() - interval '11 seconds'")
    await answer(shop, 1)
    await send_all(shop)
    assert await DB.fetchval("SELECT rate FROM number_pace") is None


async def test_a_number_whose_bulk_is_held_up_keeps_no_other_from_sending(shop):
    await invite(shop, 1)
    [conversa] = [row["conversa"] for row in await DB.fetch("SELECT conversa FROM outbox")]
    await DB.execute("UPDATE conversa SET pair_at = now() + interval '1 hour' WHERE id = $1", conversa)
    other = await add_bot(2)
    await invite(SimpleNamespace(bot=other), 1)
    worker = Outbox(shop.workers[0]._graph, FixedRuntimes(runtime(shop.bot), runtime(other)))
    for _ in range(2):
        await worker.deliver_bulk()
    assert [sent.bot for sent in shop.meta.sent] == [other.phone_number_id]
