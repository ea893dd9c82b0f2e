"""Who is who: one person is found again by what is known of them, two people are never taken for one."""

import asyncio

import pytest
import pytest_asyncio

from wabot.db.engine import DB
from wabot.identity import conversas_of
from wabot.message import Sender


@pytest_asyncio.fixture
async def bots(database):
    rows = await DB.fetch(
        """INSERT INTO chatbot (nome, numero, phone_number_id, business_account_id, timezone)
           VALUES ('A', '1', '1', '1', 'UTC'), ('B', '2', '2', '2', 'UTC') RETURNING id"""
    )
    return [row["id"] for row in rows]


async def who(bot, **sender):
    [conversa] = await conversas_of([(bot, Sender(**sender))])
    return conversa


async def test_the_ninth_digit_makes_no_second_person(bots):
    assert await who(bots[0], wa_id="553180000001") == await who(bots[0], wa_id="5531980000001")


async def test_a_phone_learned_later_belongs_to_the_person_with_that_user_id(bots):
    unseen = await who(bots[0], bsuid="BR.1")
    assert await who(bots[0], bsuid="BR.1", wa_id="5511900000001") == unseen
    assert await who(bots[0], wa_id="5511900000001") == unseen


async def test_a_user_id_learned_later_belongs_to_the_person_with_that_phone(bots):
    known = await who(bots[0], wa_id="5511900000001")
    assert await who(bots[0], wa_id="5511900000001", bsuid="BR.1") == known
    assert await who(bots[0], bsuid="BR.1") == known


async def test_a_phone_with_another_user_id_is_another_person(bots):
    first = await who(bots[0], bsuid="BR.1", wa_id="5511900000001")
    second = await who(bots[0], bsuid="BR.2", wa_id="5511900000001")
    assert second not in (None, first)
    assert await who(bots[0], bsuid="BR.1") == first


async def test_two_people_without_phones_stay_two(bots):
    assert await who(bots[0], bsuid="BR.1") != await who(bots[0], bsuid="BR.2")


async def test_nobody_is_known_to_two_chatbots(bots):
    assert await who(bots[0], wa_id="5511900000001") != await who(bots[1], wa_id="5511900000001")


async def test_somebody_without_any_id_is_nobody(bots):
    assert await who(bots[0], name="Ana") is None


@pytest.mark.parametrize("at_once", [2, 8])
async def test_strangers_met_by_several_processes_at_once_are_made_once(bots, at_once):
    senders = [(bots[0], Sender(wa_id=f"55119{n:08d}", bsuid=f"BR.{n}")) for n in range(30)]

    async def meet(turn):
        async with DB.transaction():
            return dict(
                zip(senders, await conversas_of(senders[turn:] + senders[:turn]), strict=True)
            ).values()

    met = await asyncio.gather(*(meet(turn) for turn in range(at_once)))
    assert len({conversa for found in met for conversa in found}) == 30
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 30
