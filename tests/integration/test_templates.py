"""Templates: which are known, which are not used now, and what becomes of the messages that need one."""

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime, says
from tests.live import SECRET, platform, until

from wabot import outbox, templates, troubles
from wabot.db.engine import DB
from wabot.message import TemplateMessage
from wabot.outbox import Outbox
from wabot.templates import NotSynchronised
from wabot.testing.simulator import Simulator
from wabot.whatsapp.changes import Key, TemplateStatus
from wabot.whatsapp.client import Graph
from wabot.whatsapp.failures import FAILURES

SAUDADE = TemplateMessage("saudade", parameters=("Ana",))
KEY = Key("saudade", "pt_BR")
BODY = {"type": "BODY", "text": "Que saudade, {{1}}!"}
WABA = "300000000000001"


@pytest_asyncio.fixture
async def bot(database):
    return await add_bot()


@pytest_asyncio.fixture
async def meta():
    async with Simulator(app_secret=SECRET).serve() as running:
        running.bot("200000000000001")
        running.templates.add(WABA, a_template("saudade"))
        yield running


@pytest_asyncio.fixture
async def graph(meta):
    graph = Graph(meta.url, "v26.0")
    yield graph
    await graph.close()


@pytest_asyncio.fixture
async def out(bot, graph):
    return Outbox(graph, FixedRuntimes(runtime(bot)))


def a_template(name, **more):
    return {"name": name, "language": "pt_BR", "category": "MARKETING", "components": [BODY], **more}


async def wants(cliente, message=SAUDADE, *, bulk=True):
    """A message to somebody waits in the outbox."""
    [content] = outbox.encode([message])
    return await DB.fetchval(
        """INSERT INTO outbox (chatbot, conversa, content, bulk)
           SELECT chatbot, id, $2, $3 FROM conversa WHERE id = $1 RETURNING id""",
        await conversa_of(cliente),
        content,
        bulk,
    )


async def becomes(bot, status, until=None):
    await templates.note_status(bot.id, KEY, TemplateStatus(status, until=until), datetime.now(UTC))


async def mail(out):
    while await out.deliver_bulk():
        pass


async def row():
    return dict(await DB.fetchrow("SELECT *, retry_at - now() > interval '2 hours' AS later FROM outbox"))


async def pause(bot):
    await DB.execute(
        """INSERT INTO template (chatbot, name, language, status, until, status_at)
           VALUES ($1, 'saudade', 'pt_BR', 'PAUSED', now() + interval '3 hours', now())""",
        bot.id,
    )


# -- not used --------------------------------------------------------------------------------------------------


async def test_a_template_nobody_told_us_about_may_be_used(bot, out, meta):
    await wants(await add_cliente(bot))
    await mail(out)
    assert len(meta.sent) == 1


async def test_a_paused_template_is_not_sent_and_waits_without_costing_a_try(bot, out, meta):
    await pause(bot)
    await wants(await add_cliente(bot))
    await mail(out)
    kept = await row()
    assert (meta.sent, kept["state"], kept["refused"], kept["later"]) == ([], "pendente", 0, True)
    assert (kept["error_code"], kept["error"]) == (132015, FAILURES[132015].operator)


async def test_it_goes_at_once_when_the_template_is_reinstated(bot, out, meta):
    await pause(bot)
    await wants(await add_cliente(bot))
    await mail(out)
    await becomes(bot, "APPROVED")
    await mail(out)
    assert len(meta.sent) == 1
    assert (await row())["state"] == "enviada"


async def test_another_language_of_the_template_waits_on(bot, out, meta):
    meta.templates.add(WABA, a_template("saudade", language="en"))
    await pause(bot)
    await wants(await add_cliente(bot), TemplateMessage("saudade", "pt-BR", ("Ana",)))
    await wants(await add_cliente(bot), TemplateMessage("saudade", "en", ("Ana",)))
    await mail(out)
    assert [sent.body["template"]["language"]["code"] for sent in meta.sent] == ["en"]


async def test_when_the_pause_is_over_it_is_tried_though_nobody_told_us(bot, out, meta):
    await pause(bot)
    await DB.execute("UPDATE template SET until = now()")
    await wants(await add_cliente(bot))
    await mail(out)
    assert len(meta.sent) == 1


async def test_it_waits_no_longer_than_a_message_lives(bot, out, meta):
    await pause(bot)
    await wants(await add_cliente(bot))
    await DB.execute("UPDATE outbox SET created_at = now() - interval '25 hours'")
    await mail(out)
    kept = await row()
    assert (meta.sent, kept["state"], kept["error_code"]) == ([], "falhou", 132015)


@pytest.mark.parametrize(
    ("status", "code"), [("DISABLED", 132016), ("REJECTED", 132001), ("DELETED", 132001)]
)
async def test_one_that_is_over_fails_with_the_operators_sentence(bot, out, meta, status, code):
    await becomes(bot, status)
    await wants(await add_cliente(bot))
    await mail(out)
    kept = await row()
    assert (meta.sent, kept["state"], kept["error_code"]) == ([], "falhou", code)
    assert kept["error"] == FAILURES[code].operator


async def test_a_template_of_another_chatbot_holds_nothing_up(bot, out, meta):
    await pause(await add_bot(2))
    await wants(await add_cliente(bot))
    await mail(out)
    assert len(meta.sent) == 1


@pytest.mark.parametrize(
    ("at_meta", "code", "here"),
    [("PAUSED", 132015, "PAUSED"), ("DISABLED", 132016, "DISABLED"), ("PENDING", 132001, "MISSING")],
)
async def test_what_a_send_is_answered_holds_for_all_others(bot, out, meta, at_meta, code, here):
    meta.templates.change(WABA, "saudade", "pt_BR", at_meta)
    await wants(await add_cliente(bot))
    await mail(out)
    assert tuple(await DB.fetchrow("SELECT template.status, error_code FROM template, outbox")) == (
        here,
        code,
    )
    meta.templates.change(WABA, "saudade", "pt_BR", "APPROVED")  # and nobody tells us
    await wants(await add_cliente(bot))
    await DB.execute("UPDATE outbox SET retry_at = NULL")
    await mail(out)
    assert meta.sent == []


async def test_words_are_no_template_and_are_not_looked_up(bot, out, meta, monkeypatch):
    async def never(*_):
        raise AssertionError

    monkeypatch.setattr("wabot.templates.held", never)
    ana = await add_cliente(bot)
    await out.deliver(await says(ana, "oi"))
    assert len(meta.sent) == 1


# -- synchronisation -------------------------------------------------------------------------------------------


async def test_metas_list_is_taken_over_page_by_page(bot, graph, meta):
    for number in range(204):
        meta.templates.add(WABA, a_template(f"modelo_{number}", quality_score={"score": "GREEN"}))
    assert (await templates.sync(graph, bot)).templates == 205
    known = {one.name: one for one in await templates.known(bot.id)}
    assert len(known) == 205
    one = known["modelo_203"]
    assert (one.status, one.category, one.quality, one.parameters) == ("APPROVED", "MARKETING", "GREEN", 1)


async def test_a_list_frees_what_waits_and_what_is_no_longer_in_it_is_gone(bot, out, graph, meta):
    await pause(bot)
    await templates.note_status(bot.id, Key("velho", "pt_BR"), TemplateStatus("APPROVED"), datetime.now(UTC))
    await wants(await add_cliente(bot))
    await mail(out)
    await templates.sync(graph, bot)
    assert {one.name: one.status for one in await templates.known(bot.id)} == {
        "saudade": "APPROVED",
        "velho": "DELETED",
    }
    await mail(out)
    assert len(meta.sent) == 1


async def test_a_list_does_not_prolong_a_pause_and_undoes_nothing_told_after_it(bot, graph, meta):
    await pause(bot)
    ends = await DB.fetchval("SELECT until FROM template")
    meta.templates.change(WABA, "saudade", "pt_BR", "PAUSED")
    await templates.sync(graph, bot)
    assert await DB.fetchval("SELECT until FROM template") == ends
    await DB.execute("UPDATE template SET status = 'DISABLED', status_at = now() + interval '1 minute'")
    await templates.sync(graph, bot)
    assert await DB.fetchval("SELECT status FROM template") == "DISABLED"


async def test_without_an_answer_nothing_changes_and_a_sentence_says_what_to_do(bot, graph, meta):
    await templates.sync(graph, bot)
    from msgspec.structs import replace

    with pytest.raises(NotSynchronised, match=r"Gere um novo"):
        await templates.sync(graph, replace(bot, access_token=""))
    nowhere = Graph("http://127.0.0.1:9", "v26.0")
    with pytest.raises(NotSynchronised, match="não respondeu"):
        await templates.sync(nowhere, bot)
    await nowhere.close()
    assert [one.status for one in await templates.known(bot.id)] == ["APPROVED"]


async def test_the_number_is_asked_for_its_quality_as_well(bot, graph, meta):
    meta.bot(bot.phone_number_id).quality = "RED"
    assert (await templates.sync(graph, bot)).quality == "RED"
    facts = await DB.fetch("SELECT fact, value FROM number_state ORDER BY fact")
    assert [tuple(row) for row in facts] == [("limit", "2K"), ("quality", "RED"), ("throughput", "STANDARD")]
    [trouble] = await troubles.of_numbers()
    assert "a qualidade do número está baixa (RED)" in trouble.what


# -- the whole way ---------------------------------------------------------------------------------------------


async def test_a_campaign_stands_still_while_meta_pauses_its_template(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, plugin=None) as live:
        meta = live.simulator
        ana = meta.customer("Ana", "5511977770001")
        meta.templates.add(WABA, a_template("saudade"))
        await ana.says("oi")
        cliente = await DB.fetchval("UPDATE cliente SET aceita_marketing = true RETURNING id")

        async def known_as(status):
            return await DB.fetchval("SELECT status FROM template") == status

        await meta.template_becomes("saudade", "PAUSED")
        await until(lambda: known_as("PAUSED"))
        await wants(cliente)

        async def held():
            return await DB.fetchval("SELECT error_code FROM outbox WHERE bulk") == 132015

        await until(held)
        assert [fault for fault in meta.sent if fault.body["type"] == "template"] == []
        await meta.template_becomes("saudade", "APPROVED")
        await ana.sees("Que saudade, Ana!")
