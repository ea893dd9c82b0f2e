"""Mailings: what waits in the outbox is held, let go and withdrawn together, whatever becomes of it meanwhile."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.bots import add_bot, add_cliente, says
from tests.integration.test_campaigns import SAUDADE, a_moment_later, runs, send_all, states

from wabot import Horario, Mailing, Recipient, mailings, receipts
from wabot.db.engine import DB
from wabot.testing.simulator.errors import GraphError

ALWAYS = Horario(time(0), time(0))


async def waiting(bot, many=2, quiet=ALWAYS):
    """A mailing of which so many messages wait."""
    mailing = await Mailing.start(bot.id, "anotador", quiet)
    clientes = [await add_cliente(bot) for _ in range(many)]

    async def audience(ctx):
        for cliente in clientes:
            yield [Recipient(cliente, SAUDADE, mailing.id)]

    await runs(bot, audience)
    return mailing


async def test_what_was_yielded_is_in_the_outbox_when_the_generator_goes_on(bot):
    ana, bia = await add_cliente(bot), await add_cliente(bot, "Bia")
    seen = []

    async def audience(ctx):
        for cliente in (ana, bia):
            yield [Recipient(cliente, SAUDADE)]
            seen.append(await DB.fetchval("SELECT count(*) FROM outbox"))

    told = await runs(bot, audience)
    assert seen == [1, 2]
    assert told["last_result"].startswith("Mensagens na fila: 2.")


async def test_a_paused_mailing_sends_nothing_until_it_is_resumed(bot, out, simulator):
    mailing = await waiting(bot)
    await mailing.pause("teste")
    await send_all(out)
    assert simulator.sent == []
    await mailing.resume()
    await send_all(out)
    assert len(simulator.sent) == 2


async def test_a_message_that_was_in_hand_at_the_pause_is_held_as_well(bot, out, simulator):
    mailing = await waiting(bot, 1)
    simulator.faults.throttle_rate = 1
    await send_all(out)  # refused: it waits for its next try
    simulator.faults.throttle_rate = 0
    await DB.execute("UPDATE mailing SET state = 'pausada'")  # past the messages
    await a_moment_later()
    await send_all(out)
    assert simulator.sent == []
    assert await DB.fetchval("SELECT retry_at = 'infinity' AND state = 'pendente' FROM outbox")
    await mailing.resume()
    await a_moment_later()
    await send_all(out)
    assert len(simulator.sent) == 1


async def test_what_is_withdrawn_is_never_sent(bot, out, simulator):
    mailing = await waiting(bot)
    assert await mailing.withdraw() == 2
    await mailing.resume()
    await send_all(out)
    assert simulator.sent == []
    assert await states() == [("falhou", mailings.WITHDRAWN)] * 2


async def test_what_comes_after_the_end_of_a_mailing_is_ended_too(bot, out, simulator):
    mailing = await waiting(bot)
    await DB.execute("UPDATE mailing SET state = 'encerrada' WHERE id = $1", mailing.id)
    await send_all(out)
    assert simulator.sent == []
    assert await states() == [("falhou", mailings.WITHDRAWN)] * 2


async def test_other_messages_of_the_number_go_on(bot, out, simulator):
    await (await waiting(bot)).pause()
    await waiting(bot, 1)
    ana = await add_cliente(bot)
    await out.deliver(await says(ana, "olá"))
    await a_moment_later()
    await send_all(out)
    assert [sent.body["type"] for sent in simulator.sent].count("template") == 1


async def test_in_quiet_hours_a_message_waits_for_the_morning(bot, out, simulator):
    here = datetime.now(ZoneInfo(bot.timezone))
    quiet = Horario((here - timedelta(hours=1)).time(), (here + timedelta(hours=2)).time())
    await waiting(bot, 1, quiet)
    await send_all(out)
    assert simulator.sent == []
    until = await DB.fetchval("SELECT retry_at FROM outbox")
    assert abs(until - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)


@pytest.mark.parametrize(("das", "ate"), [(2, 3), (-3, -1), (0, 0)])
async def test_outside_of_quiet_hours_it_goes(bot, out, simulator, das, ate):
    here = datetime.now(ZoneInfo(bot.timezone))
    quiet = Horario((here + timedelta(hours=das)).time(), (here + timedelta(hours=ate)).time())
    await waiting(bot, 1, quiet)
    await send_all(out)
    assert len(simulator.sent) == 1


async def test_a_spam_limit_stops_every_mailing_of_the_number_and_no_other(bot, out, simulator, monkeypatch):
    neighbour = await Mailing.start((await add_bot(2)).id, "anotador", ALWAYS)
    await waiting(bot, 9)

    def refuse(*_):
        raise GraphError(mailings.SPAM)

    with monkeypatch.context() as patched:
        patched.setattr(simulator, "accept", refuse)
        await send_all(out)
    await a_moment_later()
    await send_all(out)
    assert simulator.sent == []
    stands = {row["id"]: (row["state"], row["reason"]) for row in await DB.fetch("SELECT * FROM mailing")}
    assert stands.pop(neighbour.id) == ("aberta", "")
    assert set(stands.values()) == {("pausada", mailings.SPAM_SAID)}


async def test_a_spam_limit_told_afterwards_stops_them_too(bot, out, simulator):
    await waiting(bot, 1)
    await send_all(out)
    await DB.execute(
        """INSERT INTO receipt (chatbot, wamid, status, outbox, at, error_code, raw)
           SELECT chatbot, wamid, 'failed', id, now(), $1, '' FROM outbox""",
        mailings.SPAM,
    )
    await receipts.apply()
    assert await DB.fetchval("SELECT state FROM mailing") == "pausada"


async def test_a_mailing_of_another_business_does_not_touch_mine(bot, out, simulator):
    other = await Mailing.start((await add_bot(2)).id, "anotador", ALWAYS)
    ana = await add_cliente(bot)

    async def audience(ctx):
        return [Recipient(ana, SAUDADE, other.id)]

    await runs(bot, audience)
    await other.withdraw()
    await send_all(out)
    assert len(simulator.sent) == 1
