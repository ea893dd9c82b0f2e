"""Consent to marketing: every way to say no is obeyed at once and leaves its proof; every way to say yes as well."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime
from tests.live import SECRET, platform, until

from wabot import consent, merges, outbox, receipts
from wabot.db.engine import DB
from wabot.message import TemplateMessage
from wabot.outbox import Outbox
from wabot.testing.simulator import Simulator
from wabot.testing.simulator.errors import GraphError
from wabot.whatsapp.client import Graph

NOW = datetime.now(UTC)


@pytest_asyncio.fixture
async def ana(database):
    return await add_cliente(await add_bot())


@pytest_asyncio.fixture
async def live(database_uri, tmp_path):
    async with platform(database_uri, tmp_path) as running:
        yield running


async def accepts():
    return await DB.fetchval("SELECT aceita_marketing FROM cliente")


async def ledger():
    rows = await DB.fetch("SELECT accepts, how, wording, source FROM consent ORDER BY id")
    return [tuple(row) for row in rows]


async def campaign_to(cliente):
    [content] = outbox.encode([TemplateMessage("saudade")])
    return await DB.fetchval(
        """INSERT INTO outbox (chatbot, conversa, content, bulk)
           SELECT chatbot, id, $2, true FROM conversa WHERE id = $1 RETURNING id""",
        await conversa_of(cliente),
        content,
    )


async def says(cliente, yes, ago=0, **more):
    at = NOW - timedelta(minutes=ago)
    await consent.record(cliente, accepts=yes, who="cliente", how="teste", at=at, **more)


# -- the ledger moves the flag ---------------------------------------------------------------------------------


async def test_what_was_said_last_decides_in_whatever_order_it_is_recorded(ana):
    await says(ana, False, ago=5)
    assert await accepts() is False
    await says(ana, True, ago=9)
    assert await accepts() is False
    await says(ana, True, ago=1)
    assert await accepts() is True


async def test_recorded_side_by_side_the_last_one_said_decides(ana):
    await asyncio.gather(*(says(ana, minutes % 2 == 1, ago=minutes) for minutes in range(12)))
    assert await accepts() is False
    assert len(await ledger()) == 12


async def test_the_same_source_counts_once(ana):
    for _ in range(3):
        await says(ana, False, source="wamid.1")
    assert len(await ledger()) == 1


async def test_many_are_recorded_in_one_statement(ana):
    bot = await DB.fetchval("SELECT chatbot FROM cliente")
    bia = await DB.fetchval("INSERT INTO cliente (chatbot, nome) VALUES ($1, 'Bia') RETURNING id", bot)
    await consent.record([ana, bia], accepts=True, who="dona", how="importação de planilha")
    assert await DB.fetchval("SELECT bool_and(aceita_marketing) FROM cliente")
    assert len(await ledger()) == 2


async def test_what_a_merged_cliente_says_counts_for_whom_they_are_now(ana):
    bot = await DB.fetchval("SELECT chatbot FROM cliente")
    other = await DB.fetchval("INSERT INTO cliente (chatbot, nome) VALUES ($1, 'Ana') RETURNING id", bot)
    for cliente in (ana, other):
        await says(cliente, True, ago=9)
    await merges.join(bot, ana, other, "teste", "teste")
    await says(other, False, ago=1)
    assert await DB.fetchval("SELECT cliente FROM consent WHERE NOT accepts") == ana
    assert await DB.fetchval("SELECT aceita_marketing FROM cliente WHERE id = $1", ana) is False


# -- the ways to say it ----------------------------------------------------------------------------------------


async def test_the_word_in_a_conversation_is_proof(live):
    ana = live.simulator.customer("Ana")
    wamid = await ana.says("Sair")
    await ana.sees("não vai mais receber")
    assert await ledger() == [(False, "palavra na conversa", "Sair", wamid)]


async def test_a_notice_nobody_rang_for_is_found_by_the_sweeper(live):
    value = {
        "user_preferences": [{"wa_id": "5531980000001", "category": "marketing_messages", "value": "stop"}]
    }
    await DB.execute(
        "INSERT INTO notice (chatbot, business_account_id, field, raw, digest) VALUES ($1, '1', $2, $3, '')",
        live.bot.id,
        "user_preferences",
        msgspec.json.encode({"value": value}),
    )

    async def acted_on():
        return await DB.fetchval("SELECT state FROM notice") == "tratada"

    await until(acted_on)
    assert [row[0] for row in await ledger()] == [False]


async def test_stop_in_whatsapp_keeps_back_what_waits_and_resume_lets_campaigns_go_again(live, monkeypatch):
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("")
    cliente = await DB.fetchval("UPDATE cliente SET aceita_marketing = true RETURNING id")
    live.simulator.faults.throttle_rate = 1  # the campaign waits for its next try
    message = await campaign_to(cliente)

    async def is_(state, error_code=None):
        found = await DB.fetchrow("SELECT state, error, error_code FROM outbox WHERE id = $1", message)
        return found["state"] == state and error_code in (None, found["error_code"])

    await until(lambda: is_("pendente", 130429))
    live.simulator.faults.throttle_rate = 0
    await ana.chooses_marketing("stop")

    async def stopped():
        return await accepts() is False

    await until(stopped)
    await DB.execute("UPDATE outbox SET retry_at = now() WHERE id = $1", message)
    await until(lambda: is_("falhou"))
    assert await DB.fetchval("SELECT error FROM outbox WHERE id = $1", message) == outbox.OPTED_OUT
    assert [sent for sent in live.simulator.sent if sent.body["type"] == "template"] == []
    # Meta tells seconds: what is said within the same one is ordered by its arrival
    await ana.chooses_marketing("resume")
    await until(accepts)
    message = await campaign_to(cliente)
    await until(lambda: is_("enviada"))


async def test_who_is_added_by_the_api_as_accepting_has_a_line_in_the_ledger(live):
    client = await live.api()
    for number, yes in (("+55 31 98000-0001", True), ("+55 31 98000-0002", False)):
        sent = {"chatbot": live.bot.id, "telefone": number, "aceita_marketing": yes}
        assert (await client.post("/api/clientes/", json=sent)).json()["aceita_marketing"] is yes
    assert await ledger() == [(True, "cadastro pela API", "", "")]


@pytest.mark.parametrize(("code", "stays"), [(131050, False), (131049, True), (130472, True)])
async def test_metas_refusal_as_a_status_is_recorded_and_only_131050_is_an_opt_out(ana, code, stays):
    message = await campaign_to(ana)
    await DB.execute("UPDATE outbox SET state = 'enviada', wamid = 'wamid.1', status = 'accepted'")
    await tell("failed", "wamid.1", message, code)
    row = await DB.fetchrow("SELECT state, status, error_code FROM outbox")
    assert tuple(row) == ("falhou", "failed", code)
    assert await accepts() is stays
    assert len(await ledger()) == (0 if stays else 1)


async def test_metas_refusal_told_twice_is_one_opt_out(ana, monkeypatch):
    bot = await DB.fetchval("SELECT chatbot FROM cliente")
    async with Simulator(app_secret=SECRET).serve() as meta:
        graph = Graph(meta.url, "v26.0")
        monkeypatch.setattr(meta, "accept", refusing(131050))
        message = await campaign_to(ana)
        row = await DB.fetchrow("SELECT * FROM chatbot")
        await Outbox(graph, FixedRuntimes(runtime(bot_of(row)))).deliver_bulk()
        await graph.close()
    assert (await accepts(), len(await ledger())) == (False, 1)
    await tell("failed", "wamid.1", message, 131050)
    assert await ledger() == [(False, "recusa da Meta (131050)", "", f"wabot:{message}")]
    assert bot == row["id"]


def bot_of(row):
    from wabot.db.directory import Bot

    return Bot(**{name: row[name] for name in Bot.__struct_fields__} | {"access_token": "token-de-acesso"})


def refusing(code):
    def accept(bot, body):
        raise GraphError(code)

    return accept


async def tell(status, wamid, message, code=None):
    """A status comes, with our id in it, and is applied."""
    await DB.execute(
        """INSERT INTO receipt (chatbot, wamid, status, outbox, at, error_code, raw)
           SELECT chatbot, $2, $3, id, now(), $4, '' FROM outbox WHERE id = $1""",
        message,
        wamid,
        status,
        code,
    )
    await receipts.apply()
