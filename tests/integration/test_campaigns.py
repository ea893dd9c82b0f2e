"""Campaigns: to whom they go, that they go once, and that no reply waits for them."""

import asyncio
from datetime import timedelta

import msgspec
import pytest
from tests.bots import PLUGIN, FixedRuntimes, add_bot, add_cliente, conversa_of, runtime, says
from tests.live import until

from wabot import outbox, receipts
from wabot.db.engine import DB
from wabot.message import TemplateMessage
from wabot.outbox import Outbox
from wabot.parts import Campaign, Recipient
from wabot.plugins.guard import Guard
from wabot.queue import Queue
from wabot.schedule import Schedule
from wabot.worker import Worker

SAUDADE = TemplateMessage("saudade", parameters=("Ana",))


class Audiencia:
    """A campaign's audience: whoever is in the list, with the time set by the test."""

    def __init__(self, *clientes, template=SAUDADE):
        self.recipients = [Recipient(cliente, template) for cliente in clientes]

    async def __call__(self, ctx):
        return self.recipients


async def runs(bot, audience, ago=timedelta(seconds=1)):
    """The campaign's time comes, and it is run."""
    part = runtime(bot, campaigns=[Campaign("saudade", audience)])
    schedule = Schedule(FixedRuntimes(part), Guard())
    await schedule.declare()
    await DB.execute("UPDATE agendamento SET next_run = now() - $1::interval", ago)
    await schedule.look()
    return await DB.fetchrow("SELECT last_ok, last_result FROM agendamento")


async def invited():
    rows = await DB.fetch(
        "SELECT cliente FROM outbox JOIN conversa ON conversa.id = conversa WHERE bulk ORDER BY 1"
    )
    return [row["cliente"] for row in rows]


async def a_moment_later():
    """Whatever waits for its moment need wait no longer."""
    await DB.execute("UPDATE number_pace SET bulk_at = NULL, next_at = NULL")
    await DB.execute("UPDATE outbox SET retry_at = NULL")


async def send_all(out):
    while await out.deliver_bulk():
        pass


async def states():
    return [tuple(row) for row in await DB.fetch("SELECT state, error FROM outbox WHERE bulk ORDER BY id")]


def kinds(simulator):
    return [sent.body["type"] for sent in simulator.sent]


async def test_everybody_in_the_audience_is_written_to_with_the_template(bot, out, simulator):
    ana, bia = await add_cliente(bot), await add_cliente(bot, "Bia")
    told = await runs(bot, Audiencia(ana, bia))
    assert tuple(told) == (
        True,
        "Mensagens na fila: 2. Fora (sem consentimento, inativos ou já avisados hoje): 0.",
    )
    await send_all(out)
    assert await states() == [("enviada", "")] * 2
    assert [sent.body["template"]["name"] for sent in simulator.sent] == ["saudade"] * 2
    row = await DB.fetchrow("SELECT * FROM campaign_send WHERE cliente = $1", ana)
    assert (row["plugin"], row["campaign"]) == (PLUGIN, "saudade")
    assert await DB.fetchval("SELECT conversa FROM outbox WHERE id = $1", row["outbox"]) == await conversa_of(
        ana
    )


async def test_run_twice_on_a_day_it_writes_to_each_once(bot):
    ana, bia = await add_cliente(bot), await add_cliente(bot, "Bia")
    await runs(bot, Audiencia(ana))
    told = await runs(bot, Audiencia(ana, bia))
    assert await invited() == [ana, bia]
    assert told["last_result"].startswith("Mensagens na fila: 1.")


async def test_the_next_day_in_the_bots_zone_it_may_write_again(bot):
    ana = await add_cliente(bot)
    await runs(bot, Audiencia(ana))
    await DB.execute("UPDATE campaign_send SET round = round - 1")
    await runs(bot, Audiencia(ana))
    assert await invited() == [ana, ana]
    today = await DB.fetchval("SELECT (now() AT TIME ZONE 'America/Sao_Paulo')::date")
    assert await DB.fetchval("SELECT max(round) FROM campaign_send") == today


async def test_somebody_who_is_in_the_audience_twice_is_written_to_once(bot):
    ana = await add_cliente(bot)
    await runs(bot, Audiencia(ana, ana))
    assert await invited() == [ana]


async def test_another_businesss_cliente_is_refused(bot):
    ana, stranger = await add_cliente(bot), await add_cliente(await add_bot(2), "Bia")
    await runs(bot, Audiencia(stranger, ana, 10**12))
    assert await invited() == [ana]


async def test_who_does_not_accept_it_or_is_inactive_is_left_out(bot):
    ana = await add_cliente(bot)
    bia = await add_cliente(bot, "Bia", aceita_marketing=False)
    caio = await add_cliente(bot, "Caio", ativo=False)
    told = await runs(bot, Audiencia(ana, bia, caio))
    assert await invited() == [ana]
    assert told["last_result"].endswith("2.")


async def test_who_is_being_erased_is_left_out_and_nobody_waits_for_it(bot):
    ana, bia = await add_cliente(bot), await add_cliente(bot, "Bia")
    async with DB._pool().acquire() as eraser, eraser.transaction():
        await eraser.execute("SELECT FROM cliente WHERE id = $1 FOR UPDATE", bia)
        async with asyncio.timeout(10):
            await runs(bot, Audiencia(ana, bia))
    assert await invited() == [ana]


async def test_who_opts_out_while_the_message_waits_is_not_written_to(bot, out, simulator):
    ana = await add_cliente(bot)
    await runs(bot, Audiencia(ana))
    await DB.execute("UPDATE cliente SET aceita_marketing = false")
    await send_all(out)
    assert (simulator.sent, await states()) == ([], [("falhou", outbox.OPTED_OUT)])


@pytest.mark.parametrize("recipients", [["Ana"], [Recipient(1, "saudade")], 42, [Recipient(10**30, SAUDADE)]])
async def test_an_audience_that_is_none_is_told_and_nothing_is_sent(bot, recipients):
    audience = Audiencia(await add_cliente(bot))
    audience.recipients = recipients
    assert (await runs(bot, audience))["last_ok"] is False
    assert await invited() == []


async def test_what_may_have_been_sent_is_never_sent_again(bot, out, simulator, monkeypatch):
    await runs(bot, Audiencia(await add_cliente(bot)))
    simulator.faults.reset_rate = 1
    await send_all(out)
    assert await states() == [("enviando", "")]
    simulator.faults.reset_rate = 0
    await send_all(out)
    assert await states() == [("enviando", "")]  # its status may still come
    monkeypatch.setattr("wabot.outbox.UNCLEAR_AFTER", 0.0)
    await send_all(out)
    await send_all(out)
    await out.deliver(await DB.fetchval("SELECT conversa FROM outbox"))
    assert await states() == [("falhou", "sem resposta da Meta; não repetida")]
    assert await outbox.waiting_longer_than(0, 10) == []
    assert simulator.sent == []


async def test_a_status_that_comes_after_all_tells_the_truth(bot, out, simulator, monkeypatch):
    await runs(bot, Audiencia(await add_cliente(bot)))
    simulator.faults.timeout_rate = 0
    simulator.faults.reset_rate = 1
    await send_all(out)
    monkeypatch.setattr("wabot.outbox.UNCLEAR_AFTER", 0.0)
    await send_all(out)
    await DB.execute(
        """INSERT INTO receipt (chatbot, wamid, status, outbox, at, raw)
           SELECT chatbot, 'wamid.X', 'delivered', id, now(), '' FROM outbox"""
    )
    await receipts.apply()
    assert tuple(await DB.fetchrow("SELECT state, status FROM outbox")) == ("enviada", "delivered")


async def test_what_meta_refused_for_a_while_is_sent_later(bot, out, simulator):
    await runs(bot, Audiencia(await add_cliente(bot)))
    simulator.faults.throttle_rate = 1
    await send_all(out)
    simulator.faults.throttle_rate = 0
    await send_all(out)
    assert simulator.sent == []  # too early
    await a_moment_later()
    await send_all(out)
    assert kinds(simulator) == ["template"]


async def test_a_reply_overtakes_what_waits_in_bulk(bot, out, simulator):
    ana = await add_cliente(bot)
    await runs(bot, Audiencia(ana))
    conversa = await says(ana, "olá", "tudo bem?")
    await send_all(out)
    assert simulator.sent == []  # not while a reply is open
    await out.deliver(conversa)
    await a_moment_later()
    await send_all(out)
    assert kinds(simulator) == ["text", "text", "template"]


async def test_a_reply_does_not_wait_for_bulk_of_unknown_outcome(bot, out, simulator):
    ana = await add_cliente(bot)
    await runs(bot, Audiencia(ana))
    simulator.faults.reset_rate = 1
    await send_all(out)
    simulator.faults.reset_rate = 0
    await out.deliver(await says(ana, "olá"))
    assert kinds(simulator) == ["text"]


async def test_nobody_rings_for_thousands_of_bulk_messages(bot):
    ana = await add_cliente(bot)
    await runs(bot, Audiencia(ana, await add_cliente(bot, "Bia")))
    assert await outbox.waiting_longer_than(0, 10) == []
    conversa = await says(ana, "olá")
    assert await outbox.waiting_longer_than(0, 10) == [conversa]


async def test_two_workers_send_each_message_once(bot, out, simulator):
    clientes = [await add_cliente(bot) for _ in range(30)]
    await runs(bot, Audiencia(*clientes))
    await asyncio.gather(*(send_all(out) for _ in range(3)))
    assert len({sent.to for sent in simulator.sent}) == len(simulator.sent) == 30


async def test_two_campaigns_reach_a_cliente_in_their_order(bot, out, simulator):
    ana = await add_cliente(bot)
    await runs(bot, Audiencia(ana))
    simulator.faults.throttle_rate = 1
    await send_all(out)
    simulator.faults.throttle_rate = 0
    await DB.execute("UPDATE campaign_send SET round = round - 1")
    await runs(bot, Audiencia(ana, template=TemplateMessage("volte")))
    await send_all(out)
    assert simulator.sent == []  # the first one waits for its next try
    for _ in range(2):
        await a_moment_later()
        await send_all(out)
    assert [sent.body["template"]["name"] for sent in simulator.sent] == ["saudade", "volte"]


class Slow(Outbox):
    """Has a message in its hand when the worker stops."""

    def __init__(self):
        self.sending, self.answered, self.done = asyncio.Event(), asyncio.Event(), False

    async def deliver_bulk(self):
        self.sending.set()
        await self.answered.wait()
        self.done = True
        return False


class Nobody:
    async def attend(self, conversa):
        raise AssertionError


async def test_a_worker_that_stops_sees_through_what_it_is_sending():
    slow = Slow()
    worker = Worker(Nobody(), slow, Queue(""), 1)
    async with asyncio.timeout(5), worker.mailing():
        await slow.sending.wait()
        asyncio.get_running_loop().call_soon(slow.answered.set)
    assert slow.done


async def test_a_worker_mails_all_of_it_while_replies_go_on(bot, out, simulator):
    clientes = [await add_cliente(bot) for _ in range(40)]
    await runs(bot, Audiencia(*clientes))
    simulator.faults = msgspec.structs.replace(simulator.faults, delay_ms=20)
    worker = Worker(Nobody(), out, Queue(""), 1)

    async def all_sent():
        return len(simulator.sent) == 41

    async with worker.mailing():

        async def under_way():
            return "template" in kinds(simulator)

        await until(under_way)
        await worker.deliver([await says(clientes[-1], "olá")])
        assert kinds(simulator).count("text") == 1
        assert len(simulator.sent) < 41
        await until(all_sent)
