"""A number whose configuration is broken: it stops, loses nothing, tries one message a minute, and starts again."""

from types import SimpleNamespace

import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime, says

from wabot import doctor, outbox
from wabot.db.engine import DB
from wabot.message import TemplateMessage
from wabot.outbox import Outbox
from wabot.settings import Settings
from wabot.whatsapp.callback import outbox_id
from wabot.whatsapp.client import Accepted, NotSent, Unclear
from wabot.whatsapp.failures import failure_for


class Meta:
    """Stands in for the Graph API: takes everything, or answers with `fault`; remembers what was posted."""

    def __init__(self):
        self.fault, self.posts = None, []

    async def send(self, credentials, body):
        self.posts.append(outbox_id(body["biz_opaque_callback_data"]))
        if self.fault:
            raise self.fault
        return Accepted(f"wamid.{len(self.posts)}")


EXPIRED = NotSent(190, 401, "Session has expired")


@pytest_asyncio.fixture
async def shop(database):
    """A bot, two clientes, and two workers that share nothing but the database."""
    bot, meta = await add_bot(), Meta()
    workers = [Outbox(meta, FixedRuntimes(runtime(bot))) for _ in range(2)]
    ana, bia = await add_cliente(bot), await add_cliente(bot, "Bia")
    return SimpleNamespace(bot=bot, meta=meta, workers=workers, out=workers[0], ana=ana, bia=bia)


async def invite(*clientes):
    content = outbox.encode([TemplateMessage("saudade")])[0]
    for cliente in clientes:
        await DB.execute(
            "INSERT INTO outbox (chatbot, conversa, content, bulk) SELECT chatbot, id, $2, true FROM conversa "
            "WHERE cliente = $1",
            cliente,
            content,
        )


async def states():
    return [tuple(row) for row in await DB.fetch("SELECT state, refused FROM outbox ORDER BY id")]


async def holds():
    return [row["code"] for row in await DB.fetch("SELECT code FROM number_hold")]


async def a_minute_passes():
    await DB.execute("UPDATE number_hold SET next_try = next_try - interval '61 seconds'")
    await DB.execute("UPDATE outbox SET retry_at = retry_at - interval '61 seconds'")


async def on_hold(shop, fault=EXPIRED):
    """Ana's two replies and Bia's one wait; the first of them has shown that the number does not work."""
    for cliente, texts in ((shop.ana, ("um", "dois")), (shop.bia, ("três",))):
        await says(cliente, *texts)
    shop.meta.fault = fault
    await shop.out.deliver(await conversa_of(shop.ana))


async def test_the_first_refusal_stops_the_whole_number_and_costs_no_try(shop):
    await on_hold(shop)
    await invite(shop.bia)
    for worker in shop.workers:
        await worker.deliver(await conversa_of(shop.ana))
        await worker.deliver(await conversa_of(shop.bia))
        await worker.deliver_bulk()
    assert len(shop.meta.posts) == 1
    assert await holds() == [190]
    assert await states() == [("pendente", 0)] * 4
    await a_minute_passes()
    assert await outbox.waiting_longer_than(0, 10) == []  # the sweeper rings for none of them


async def test_another_number_goes_on(shop):
    await on_hold(shop)
    other = await add_bot(2)
    dora = await add_cliente(other, "Dora")
    shop.meta.fault = None
    await Outbox(shop.meta, FixedRuntimes(runtime(other))).deliver(await says(dora, "olá"))
    assert len(shop.meta.posts) == 2


async def test_once_a_minute_one_message_is_tried_however_many_workers_there_are(shop):
    await on_hold(shop)
    for minute in range(1, 4):
        for worker in shop.workers * 2:
            await worker.probe()
        assert len(shop.meta.posts) == minute
        await a_minute_passes()
    assert await states() == [("pendente", 0)] * 3


async def test_when_it_works_again_everything_goes_in_its_order(shop):
    await on_hold(shop)
    await invite(shop.bia)
    await a_minute_passes()
    shop.meta.fault = None
    assert await shop.out.probe()
    assert await holds() == []
    for conversa in sorted(await outbox.waiting_longer_than(0, 10)):
        await shop.workers[1].deliver(conversa)
    await shop.out.deliver_bulk()
    ids = [row["id"] for row in await DB.fetch("SELECT id FROM outbox ORDER BY id")]
    assert shop.meta.posts[1:] == ids
    assert await states() == [("enviada", 0)] * 4


async def test_a_number_with_nothing_but_bulk_waiting_tries_one_of_it(shop):
    await invite(shop.ana, shop.bia)
    shop.meta.fault = NotSent(131042, 400, "payment")
    await shop.out.deliver_bulk()
    assert (await holds(), await states()) == ([131042], [("pendente", 0)] * 2)
    posted = len(shop.meta.posts)
    await a_minute_passes()
    shop.meta.fault = None
    assert await shop.out.probe()
    assert (await holds(), len(shop.meta.posts)) == ([], posted + 1)


async def test_new_credentials_lift_the_hold_at_once(shop):
    await on_hold(shop)
    await DB.execute("UPDATE chatbot SET nome = 'Outro nome'")
    assert await holds() == [190]
    await DB.execute("UPDATE chatbot SET access_token = 'outro'")
    assert await holds() == []
    shop.meta.fault = None
    await DB.execute("UPDATE outbox SET retry_at = retry_at - interval '1 second'")
    for conversa in await outbox.waiting_longer_than(0, 10):
        await shop.out.deliver(conversa)
    assert await states() == [("enviada", 0)] * 3


async def test_a_refusal_of_credentials_that_were_just_replaced_holds_nothing_up(shop):
    await DB.execute("UPDATE chatbot SET access_token = 'outro'")  # and this process has not heard of it yet
    await on_hold(shop)
    assert await holds() == []
    assert await states() == [("pendente", 0)] * 3


async def test_a_template_that_is_missing_stops_its_own_message_only(shop):
    await invite(shop.ana)
    shop.meta.fault = NotSent(132001, 404, "no such template")
    await shop.out.deliver_bulk()
    assert (await holds(), await states()) == ([], [("pendente", 0)])
    shop.meta.fault = None
    await shop.out.deliver(await says(shop.bia, "olá"))
    assert (await states())[1] == ("enviada", 0)


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        (NotSent(131026, 400, "undeliverable"), []),  # of this customer; the number was let in
        (NotSent(132001, 404, "no such template"), []),
        (NotSent(131031, 403, "locked"), [131031]),
        (NotSent(131016, 500, "unavailable"), [190]),
        (Unclear("silence"), [190]),
    ],
    ids=["not to this customer", "not this template", "another lock", "Meta is down", "silence"],
)
async def test_what_an_answer_says_of_the_number(shop, answer, held):
    await on_hold(shop)
    await a_minute_passes()
    shop.meta.fault = answer
    await shop.out.probe()
    assert await holds() == held


async def test_what_may_not_go_any_more_is_not_tried_in_the_others_place(shop):
    await on_hold(shop)
    await DB.execute(
        "UPDATE conversa SET last_inbound_at = now() - interval '25 hours' WHERE cliente = $1", shop.ana
    )
    await a_minute_passes()
    shop.meta.fault = None
    await shop.out.probe()
    third = await DB.fetchval("SELECT max(id) FROM outbox")
    assert shop.meta.posts[1:] == [third]


async def test_the_message_that_is_tried_overtakes_none_of_its_conversa(shop):
    await on_hold(shop)
    await a_minute_passes()
    await DB.execute(
        "UPDATE outbox SET retry_at = now() + interval '1 hour' WHERE id = (SELECT min(id) FROM outbox)"
    )
    shop.meta.fault = None
    await shop.out.probe()
    third = await DB.fetchval("SELECT max(id) FROM outbox")
    assert shop.meta.posts[1:] == [third]  # not Ana's second, although it came before


TOKEN, META = "wabot bots update {} --access-token -", "Meta Business"


@pytest.mark.parametrize(("code", "fix"), [(190, TOKEN), (131042, META)])
async def test_the_doctor_names_the_number_the_reason_and_what_mends_it(shop, tmp_path, code, fix):
    await on_hold(shop, NotSent(code, 400, "no"))
    report = await doctor.examine(Settings(home=tmp_path, database_url="", secret_keys=("chave",)))
    [finding] = [finding for finding in report.findings if finding.code == "number-held"]
    assert finding.severity == "error"
    assert "Loja 1" in finding.message
    assert failure_for(code, 400).operator in finding.message
    assert fix.format(shop.bot.id) in finding.fix
