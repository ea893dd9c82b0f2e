"""Dead letters: who sees which, and that trying again answers once, and only what may still be answered."""

import asyncio

import msgspec
import pytest
import pytest_asyncio
from tests.live import add_bot, give, platform, settings_for, until
from tests.visitor import Visitor, add_person

from wabot import dead, doctor
from wabot.db.engine import DB
from wabot.flow import Context, End, Flow
from wabot.turn import BoundFlow


class Nada(msgspec.Struct):
    pass


BROKEN = set()
eco = Flow("eco", data=Nada)


@eco.etapa
async def inicio(ctx: Context[Nada]):
    if ctx.message.text in BROKEN:
        raise ValueError("\x1b[2Jo que a cliente disse")
    return End(f"eco: {ctx.message.text}")


@pytest_asyncio.fixture
async def live(database_uri, tmp_path, monkeypatch):
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", ())
    BROKEN.clear()
    async with platform(database_uri, tmp_path, plugin=None) as running:
        await give(running.process, flows=(BoundFlow(eco, plugin="eco"),))
        yield running


@pytest_asyncio.fixture
async def ana(live):
    """A customer whose message could not be answered, and who knows."""
    ana = live.simulator.customer("Ana")
    BROKEN.add("quebra")
    await ana.says("quebra")
    await ana.sees("Tivemos um problema")
    return ana


async def test_a_dead_letter_says_whose_code_failed_and_how_and_not_what_was_written(live, ana):
    [letter] = await dead.page()
    assert (letter.box, letter.chatbot, letter.plugin, letter.kind) == ("inbox", live.bot.id, "eco", "text")
    assert letter.error.startswith("ValueError")
    assert "quebra" not in str(letter)
    assert await dead.find(letter.id) == letter


async def test_once_mended_it_is_answered(live, ana):
    [letter] = await dead.page()
    BROKEN.clear()
    assert await dead.retry(letter.id)
    await ana.sees("eco: quebra")
    assert await dead.count() == 0


async def test_retried_by_two_at_once_it_is_answered_once(live, ana):
    [letter] = await dead.page()
    BROKEN.clear()
    results = await asyncio.gather(*(dead.retry(letter.id) for _ in range(5)), return_exceptions=True)
    assert results.count(True) == 1
    await ana.sees("eco: quebra")
    await ana.says("mais uma coisa")
    await ana.sees("eco: mais uma coisa")


async def test_what_is_still_broken_dies_again(live, ana):
    [letter] = await dead.page()
    assert await dead.retry_all() == 1
    await ana.sees("Tivemos um problema")
    assert [again.id for again in await dead.page()] == [letter.id]


async def test_another_business_neither_sees_nor_retries_it(live, ana):
    other = [live.bot.id + 1]
    [letter] = await dead.page([live.bot.id])
    assert (await dead.page(other), await dead.count(other), await dead.retry_all(other)) == ([], 0, 0)
    with pytest.raises(dead.NoSuchLetter):
        await dead.retry(letter.id, other)


async def test_after_24_hours_nobody_is_answered_any_more(live, ana):
    await DB.execute("UPDATE conversa SET last_inbound_at = last_inbound_at - interval '25 hours'")
    [letter] = await dead.page()
    assert letter.hindrance == "window"
    assert not await dead.retry(letter.id)
    assert await dead.retry_all() == 0


async def test_a_reply_that_was_refused_goes_out_when_it_is_tried_again(live):
    live.simulator.faults.statuses = False  # or it is read before it fails
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("eco: oi")
    live.simulator.faults.statuses = True
    live.simulator.fail(live.simulator.sent[0].wamid, 131026)
    await until(_dead(1))
    [letter] = await dead.page()
    assert (letter.box, letter.code, letter.hindrance) == ("outbox", 131026, "")
    assert await dead.retry(letter.id)
    await ana.sees("eco: oi")

    async def read():
        return await DB.fetchval("SELECT status FROM outbox") == "read"

    await until(read)


async def test_a_campaigns_message_is_listed_and_never_sent_twice(live, ana):
    await DB.execute(
        "INSERT INTO outbox (chatbot, conversa, content, bulk, state) "
        "SELECT chatbot, id, '{\"type\": \"template\"}', true, 'falhou' FROM conversa"
    )
    letter = next(letter for letter in await dead.page() if letter.box == "outbox")
    assert letter.hindrance == "bulk"
    assert not await dead.retry(letter.id)


async def test_a_page_is_bounded_and_the_latest_come_first(live, ana):
    await DB.execute(
        "INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw, state, done_at) "
        "SELECT chatbot, id, 'w' || n, 'text', now(), '', 'morta', now() + make_interval(secs => n) "
        "FROM conversa, generate_series(1, 250) AS n"
    )
    page = await dead.page(limit=10_000)
    assert (len(page), await dead.count()) == (dead.MOST, 251)
    assert page == sorted(page, key=lambda letter: letter.at, reverse=True)
    rest = await dead.page(limit=200, offset=200)
    assert len({letter.id for letter in page + rest}) == 251


@pytest.mark.parametrize("id", ["", "inbox-", "inbox-x", "outro-1", "1;2", "9" * 30])
def test_what_is_no_id_is_said_in_words(id):
    with pytest.raises(dead.NoSuchLetter, match="não é um id"):
        dead.read_id(id)


async def test_the_doctor_names_what_is_dead_and_what_is_stuck(live, ana, tmp_path):
    await DB.execute(
        """INSERT INTO outbox (chatbot, conversa, content, state, created_at, sending_at, retry_at, error_code)
           SELECT chatbot, id, '{}', state, now() - interval '5 minutes', sending, retry, code
           FROM conversa, (VALUES ('falhou', NULL, NULL, 131026), ('pendente', NULL, now() + interval '1 hour', 190),
               ('enviando', now() - interval '5 minutes', now() + interval '1 hour', NULL)
           ) AS made (state, sending, retry, code)"""
    )
    settings = settings_for("", tmp_path, "")
    found = {finding.code: finding for finding in (await doctor.examine(settings)).findings}
    assert {"dead", "refused", "held", "doubtful"} <= found.keys()
    assert "190" in found["held"].message
    assert found["dead"].fix == found["refused"].fix == "wabot dead list"


def _dead(many):
    async def dead_now():
        return await dead.count() == many

    return dead_now


async def test_several_bots_are_seen_together_and_apart(live, ana, tmp_path):
    other = await add_bot(live.process.settings, "Outra", phone_number_id="999", business_account_id="888")
    assert await dead.count([live.bot.id, other.id]) == 1
    assert await dead.count([other.id]) == 0


# -- in the panel --------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def desk(live):
    """Somebody signed in at the panel with a role on the first chatbot."""
    visitors = []

    async def signed_in(**papeis):
        email = f"{next(iter(papeis))}{len(visitors)}@loja.com.br"
        await add_person(email, **papeis)
        visitors.append(visitor := Visitor(live.url))
        await visitor.signs_in(email)
        return visitor

    yield signed_in
    for visitor in visitors:
        await visitor.close()


async def test_one_click_in_the_panel_answers_the_customer_after_all_and_is_audited(live, ana, desk):
    [letter] = await dead.page()
    olga, here = await desk(operador=live.bot.id), f"/painel/{live.bot.id}/paradas/"
    shown = await olga.get(here)
    assert letter.id in shown.text
    assert "ValueError" in shown.text
    BROKEN.clear()
    tried = await olga.post(f"{here}{letter.id}/tentar/", page=here)
    assert "voltou para a fila" in (await olga.get(tried.headers["location"])).text
    await ana.sees("eco: quebra")
    assert await DB.fetchval("SELECT objeto_id FROM auditoria WHERE acao = 'tentar de novo'") == letter.id
    assert "Nenhuma mensagem parada" in (await olga.get(here)).text


async def test_all_of_them_can_be_tried_again_at_once(live, ana, desk):
    olga, here = await desk(operador=live.bot.id), f"/painel/{live.bot.id}/paradas/"
    BROKEN.clear()
    await olga.post(f"{here}tentar/", page=here)
    await ana.sees("eco: quebra")


async def test_a_reader_and_another_business_see_no_dead_letters(live, ana, desk):
    other = await add_bot(live.process.settings, "Padaria", phone_number_id="2")
    [letter] = await dead.page()
    reader, stranger = await desk(leitor=live.bot.id), await desk(dono=other.id)
    here, there = f"/painel/{live.bot.id}/paradas/", f"/painel/{other.id}/paradas/"
    assert (await reader.get(here)).status_code == 403
    assert (await stranger.get(here)).status_code == 404
    assert letter.id not in (await stranger.get(there)).text
    assert (await stranger.post(f"{there}{letter.id}/tentar/", page="/painel/senha/")).status_code == 404
    assert await dead.count([live.bot.id]) == 1
