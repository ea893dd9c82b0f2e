"""Statuses meet the messages they are about: early, doubled, about an earlier try, with a price."""

from datetime import datetime

import msgspec
import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, runtime, says
from tests.live import SECRET, until

from wabot import receipts
from wabot.db.engine import DB
from wabot.inbox import Delivery, Inbox
from wabot.outbox import Outbox
from wabot.queue import Queue
from wabot.testing.simulator import Simulator
from wabot.whatsapp.client import Graph
from wabot.whatsapp.payloads import read


@pytest_asyncio.fixture
async def bot(database):
    return await add_bot()


@pytest_asyncio.fixture
async def message(bot):
    """A reply that waits to be sent."""
    await says(await add_cliente(bot), "oi")
    return await DB.fetchval("SELECT id FROM outbox")


async def tell(message, status, wamid="wamid.1", *, ours=True, code=None, pricing=None):
    await DB.execute(
        """INSERT INTO receipt (chatbot, wamid, status, outbox, at, error_code, pricing, raw)
           SELECT chatbot, $2, $3, CASE WHEN $4 THEN id END, now(), $5, $6, '' FROM outbox WHERE id = $1""",
        message,
        wamid,
        status,
        ours,
        code,
        pricing,
    )
    return await receipts.apply()


async def stands(state, **columns):
    await DB.execute("UPDATE outbox SET state = $1", state)
    for name, value in columns.items():
        await DB.execute(f"UPDATE outbox SET {name} = $1", value)


async def told():
    row = await DB.fetchrow("SELECT state, status, wamid, error_code FROM outbox")
    return tuple(row)


async def waiting():
    return await DB.fetchval("SELECT count(*) FROM receipt WHERE state = 'pendente'")


class Overtaken(Graph):
    """Meta's statuses are applied before its answer to the POST is read."""

    async def send(self, credentials, body):
        accepted = await super().send(credentials, body)

        async def delivered():
            await receipts.apply()
            return (await told())[1] == "delivered"

        await until(delivered)
        return accepted


async def test_statuses_that_overtake_the_answer_to_the_post_are_applied_and_not_undone(bot, message):
    async with Simulator(app_secret=SECRET).serve() as meta:
        meta.webhook_url = "http://127.0.0.1:9/"
        inbox = Inbox(Queue(""))

        async def hand_over(secret, body):
            statuses = [(bot.id, status) for status in read(body).statuses]
            await inbox.accept(Delivery(statuses=statuses))
            return True

        meta.courier._post = hand_over
        graph = Overtaken(meta.url, "v26.0")
        await Outbox(graph, FixedRuntimes(runtime(bot))).deliver(
            await DB.fetchval("SELECT conversa FROM outbox")
        )
        await graph.close()
        assert await told() == ("enviada", "delivered", meta.sent[0].wamid, None)
        assert len(meta.sent) == 1


async def test_a_status_without_our_id_waits_for_the_answer_that_tells_its_wamid(message):
    await stands("enviando")
    await tell(message, "sent", ours=False)
    assert (await told(), await waiting()) == (("enviando", "", None, None), 1)
    await stands("enviada", wamid="wamid.1", status="accepted")
    await receipts.apply()
    assert (await told(), await waiting()) == (("enviada", "sent", "wamid.1", None), 0)


async def test_a_failure_told_with_the_answer_and_as_a_status_leaves_the_planned_try_alone(message):
    await stands("pendente", error_code=130429, tries=1)
    await tell(message, "failed", code=130429)
    assert (await told(), await waiting()) == (("pendente", "", None, 130429), 0)


async def test_a_failure_of_an_earlier_send_is_not_that_of_the_later_one(message):
    await stands("enviada", wamid="wamid.2", status="accepted")
    await tell(message, "failed", wamid="wamid.1", code=131026)
    assert await told() == ("enviada", "accepted", "wamid.2", None)
    await tell(message, "failed", wamid="wamid.2", code=131026)
    assert await told() == ("falhou", "failed", "wamid.2", 131026)


async def test_a_failure_settles_the_doubt_about_a_message_of_unknown_outcome(message):
    await stands("enviando")
    assert await tell(message, "failed", code=131026) == [await DB.fetchval("SELECT conversa FROM outbox")]
    assert await told() == ("falhou", "failed", "wamid.1", 131026)


async def test_what_was_delivered_has_not_failed_and_its_old_refusal_is_forgotten(message):
    await stands("enviando", error_code=130429)
    await tell(message, "delivered")
    await tell(message, "failed", code=131026)
    assert await told() == ("enviada", "delivered", "wamid.1", None)


@pytest.mark.parametrize(
    ("pricing", "columns"),
    [
        (
            '{"billable":true,"model":"PMP","type":"regular","category":"marketing","subtype":""}',
            ("marketing", "regular", "PMP", True),
        ),
        (
            '{"billable":null,"model":"","type":"","category":"service","subtype":""}',
            ("service", "", "", None),
        ),
        (None, (None, None, None, None)),
    ],
)
async def test_the_price_is_in_columns_that_a_report_can_add_up(message, pricing, columns):
    await tell(message, "sent", pricing=pricing)
    row = await DB.fetchrow("SELECT price_category, price_type, price_model, billable FROM outbox")
    assert tuple(row) == columns


async def test_what_statuses_change_in_the_numbers_is_an_event(message):
    for status in ("sent", "delivered", "read"):
        await tell(message, status, pricing='{"billable":true,"type":"regular","category":"marketing"}')
    rows = await DB.fetch("SELECT conversa, fields FROM event WHERE name = 'envios.contados' ORDER BY id")
    told = [msgspec.json.decode(row["fields"]) for row in rows]
    assert [{name: many for name, many in fields.items() if name != "hora"} for fields in told] == [
        {"categoria": "marketing", "enviadas": 1},
        {"categoria": "marketing", "entregues": 1, "cobradas": 1},
        {"categoria": "marketing", "lidas": 1},
    ]
    hour = await DB.fetchval("SELECT date_trunc('hour', created_at) FROM outbox")
    assert {msgspec.convert(fields["hora"], datetime) for fields in told} == {hour}
    assert {row["conversa"] for row in rows} == {0}
