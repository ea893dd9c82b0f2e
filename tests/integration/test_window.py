"""What Meta's clock allows: 24 hours after the customer's words, one message every six seconds to the same person."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import msgspec
import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime

from wabot import outbox
from wabot.attend import Attendant
from wabot.courtesies import Courtesies
from wabot.db.engine import DB
from wabot.flow import Ask, Context, End, Flow
from wabot.message import TemplateMessage
from wabot.outbox import Outbox
from wabot.plugins.guard import Guard
from wabot.turn import BoundFlow
from wabot.whatsapp.client import Accepted, NotSent
from wabot.whatsapp.failures import failure_for


class Nada(msgspec.Struct):
    pass


def flow(reopen=None):
    eco = Flow("eco", data=Nada, reopen=reopen)

    @eco.etapa
    async def inicio(ctx: Context[Nada]):
        return Ask("Diga.", check=str, then=lambda words: End(f"eco: {words}"))

    return eco


class Meta:
    """Stands in for the Graph API: takes everything and remembers it."""

    def __init__(self):
        self.posts, self.refusals = [], []

    async def send(self, credentials, body):
        if self.refusals:
            raise self.refusals.pop(0)
        self.posts.append(body)
        return Accepted(f"wamid.{len(self.posts)}")

    async def mark_read(self, credentials, wamid, *, typing):
        return True

    @property
    def texts(self):
        return [body.get("text", {}).get("body") or body["template"]["name"] for body in self.posts]


@pytest_asyncio.fixture
async def shop(database):
    bot, meta = await add_bot(), Meta()
    found = SimpleNamespace(bot=bot, meta=meta, ana=await conversa_of(await add_cliente(bot)))
    use(found, flow())
    return found


def use(shop, *flows):
    part = msgspec.structs.replace(runtime(shop.bot), flows=tuple(BoundFlow(flow) for flow in flows))
    shop.out = Outbox(shop.meta, FixedRuntimes(part))
    shop.attendant = Attendant(FixedRuntimes(part), Courtesies(shop.meta), Guard())


async def hears(shop, *texts, ago=timedelta(0)):
    """Ana has written this, so long ago, and it is attended now."""
    for number, words in enumerate(texts):
        sent_at = datetime.now(UTC) - ago + timedelta(milliseconds=number)
        raw = {
            "id": f"wamid.{number}.{sent_at.timestamp()}",
            "from": "5511977770001",
            "timestamp": str(int(sent_at.timestamp())),
            "type": "text",
            "text": {"body": words},
        }
        await DB.execute(
            """INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw)
               SELECT chatbot, id, $2, 'text', $3, $4 FROM conversa WHERE id = $1""",
            shop.ana,
            raw["id"],
            sent_at,
            msgspec.json.encode(raw),
        )
    await shop.attendant.attend(shop.ana)


async def hours_pass(hours):
    """As seen from the rows."""
    await DB.execute(
        "UPDATE conversa SET last_inbound_at = last_inbound_at - make_interval(hours => $1)", hours
    )


async def replies():
    return [tuple(row) for row in await DB.fetch("SELECT state, error_code FROM outbox ORDER BY id")]


# -- the window ---------------------------------------------------------------------------------------------


async def test_within_24_hours_a_reply_goes(shop):
    await hears(shop, "oi", ago=timedelta(hours=23))
    await shop.out.deliver(shop.ana)
    assert shop.meta.texts == ["Diga."]


async def test_after_24_hours_free_words_are_not_even_posted(shop):
    await hears(shop, "oi", "olá")
    await hours_pass(25)
    await shop.out.deliver(shop.ana)
    assert shop.meta.posts == []
    assert await replies() == [("falhou", 131047)] * 2
    assert await DB.fetchval("SELECT DISTINCT error FROM outbox") == failure_for(131047, 0).operator


async def test_in_place_of_all_that_could_not_go_the_flows_template_goes_once(shop):
    use(shop, flow(reopen=TemplateMessage("continue")))
    await hears(shop, "oi", "olá")  # the second answer ends the flow: its reply is the flow's all the same
    await hours_pass(25)
    await shop.out.deliver(shop.ana)
    await shop.out.deliver(shop.ana)
    assert shop.meta.texts == ["continue"]
    assert await replies() == [("falhou", 131047)] * 2 + [("enviada", None)]


async def test_the_customer_writing_again_opens_the_window(shop):
    await hears(shop, "oi")
    await hours_pass(25)
    await hears(shop, "olá")
    await shop.out.deliver(shop.ana)
    assert shop.meta.texts == ["Diga.", "eco: olá"]


async def test_templates_may_always_go(shop):
    [content] = outbox.encode([TemplateMessage("saudade")])
    await DB.execute(
        "INSERT INTO outbox (chatbot, conversa, content) SELECT chatbot, id, $1 FROM conversa", content
    )
    await shop.out.deliver(shop.ana)
    assert shop.meta.texts == ["saudade"]


async def test_the_apology_for_a_message_that_could_not_be_answered_may_go(shop, monkeypatch):
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", ())
    broken = Flow("quebrado", data=Nada)

    @broken.etapa
    async def inicio(ctx: Context[Nada]):
        raise ValueError

    use(shop, broken)
    await hears(shop, "oi")  # her first words ever
    await shop.out.deliver(shop.ana)
    assert len(shop.meta.posts) == 1


async def test_a_message_that_comes_a_day_late_is_kept_and_not_answered(shop):
    await hears(shop, "oi")
    await hears(shop, "resposta de ontem", ago=timedelta(hours=30))
    await shop.out.deliver(shop.ana)
    assert shop.meta.texts == ["Diga."]
    assert await DB.fetchval("SELECT etapa FROM conversa") == "inicio"
    fields = await DB.fetchval("SELECT fields FROM event WHERE name = 'mensagem.atrasada'")
    assert msgspec.json.decode(fields) == {"horas": 30}
    assert await DB.fetchval("SELECT count(*) FROM inbox WHERE state = 'atendida'") == 2


async def test_who_opted_out_a_day_late_has_opted_out(shop):
    await hears(shop, "sair", ago=timedelta(hours=30))
    assert await DB.fetchval("SELECT aceita_marketing FROM cliente") is False
    assert await replies() == []


# -- the pair -----------------------------------------------------------------------------------------------


async def waits():
    """Seconds until each reply may go; None: now."""
    return [
        row["wait"]
        for row in await DB.fetch(
            "SELECT round(extract(epoch FROM retry_at - created_at))::int AS wait FROM outbox ORDER BY id"
        )
    ]


async def test_45_replies_may_go_at_once_and_then_one_every_six_seconds(shop):
    await hears(shop, *(["oi", "olá"] * 24))
    assert await waits() == [None] * 45 + [pytest.approx(6 * n, abs=3) for n in (1, 2, 3)]
    await shop.out.deliver(shop.ana)
    assert len(shop.meta.posts) == 45
    assert await outbox.waiting_longer_than(0, 10) == []  # nobody rings for one whose time has not come


async def test_what_has_not_been_used_for_a_while_may_be_used_at_once_again(shop):
    await hears(shop, *(["oi", "olá"] * 24))
    await DB.execute("UPDATE conversa SET pair_at = pair_at - interval '1 hour'")
    await hears(shop, "oi")
    assert (await waits())[-1] is None


async def test_bulk_counts_for_the_pair_and_waits_for_it(shop):
    [content] = outbox.encode([TemplateMessage("saudade")])
    await DB.execute(
        "INSERT INTO outbox (chatbot, conversa, content, bulk) SELECT chatbot, id, $1, true FROM conversa",
        content,
    )
    await DB.execute(
        "UPDATE cliente SET aceita_marketing = true; UPDATE conversa SET pair_at = now() + interval '1 hour'"
    )
    await shop.out.deliver_bulk()
    assert shop.meta.posts == []
    await DB.execute("UPDATE conversa SET pair_at = NULL; UPDATE number_pace SET bulk_at = NULL")
    await shop.out.deliver_bulk()
    assert shop.meta.texts == ["saudade"]
    assert await DB.fetchval("SELECT extract(epoch FROM pair_at - now()) FROM conversa") == pytest.approx(
        6, abs=2
    )


# -- the order ----------------------------------------------------------------------------------------------


async def test_nothing_overtakes_a_reply_that_waits_for_its_next_try(shop):
    await hears(shop, "oi", "olá")
    shop.meta.refusals = [NotSent(131016, 500, "unavailable")]
    await shop.out.deliver(shop.ana)
    await shop.out.deliver(shop.ana)
    assert shop.meta.posts == []
    await DB.execute("UPDATE outbox SET retry_at = now() WHERE retry_at IS NOT NULL")
    await shop.out.deliver(shop.ana)
    assert shop.meta.texts == ["Diga.", "eco: olá"]


async def test_when_a_reply_finally_fails_the_next_one_goes(shop):
    await hears(shop, "oi", "olá")
    shop.meta.refusals = [NotSent(131000, 500, "unknown")] * 3
    for _ in range(3):
        await DB.execute("UPDATE outbox SET retry_at = NULL")
        await shop.out.deliver(shop.ana)
    assert shop.meta.texts == ["eco: olá"]
    assert await replies() == [("falhou", 131000), ("enviada", None)]
