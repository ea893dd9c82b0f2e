"""Who is who: one person is found again by what is known of them, two people are never taken for one."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from wabot import identity
from wabot.db.engine import DB
from wabot.identity import Sighting, conversas_of, user_id_changed
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


# -- ids that change -------------------------------------------------------------------------------------------


async def becomes(bot, was, now, at=None):
    [conversa] = await conversas_of([Sighting(bot, Sender(**was), at, Sender(**now))])
    return conversa


async def address_of(conversa):
    row = await DB.fetchrow(
        """SELECT bsuid, wa_id, telefone FROM cliente JOIN conversa ON cliente.id = cliente WHERE conversa.id = $1""",
        conversa,
    )
    return tuple(row)


async def test_a_changed_number_is_still_the_same_person_and_the_new_number_is_written_to(bots):
    ana = await who(bots[0], wa_id="553180000001")
    assert await becomes(bots[0], {"wa_id": "553180000001"}, {"wa_id": "553180000009"}) == ana
    assert await who(bots[0], wa_id="5531980000009") == ana
    assert await who(bots[0], wa_id="553180000001") == ana, "a late message from the old number"
    assert await address_of(ana) == (None, "553180000009", "553180000009")


async def test_a_changed_user_id_is_still_the_same_person(bots):
    ana = await who(bots[0], bsuid="BR.1", wa_id="5511900000001")
    assert await user_id_changed(bots[0], "BR.1", "BR.9") == ana
    assert await who(bots[0], bsuid="BR.9") == ana
    assert await who(bots[0], bsuid="BR.1") == ana
    assert (await address_of(ana))[0] == "BR.9"


async def test_a_number_given_up_belongs_to_whoever_shows_up_with_it_and_another_user_id(bots):
    ana = await who(bots[0], bsuid="BR.1", wa_id="5511900000001")
    await becomes(
        bots[0], {"bsuid": "BR.1", "wa_id": "5511900000001"}, {"bsuid": "BR.2", "wa_id": "5511900000002"}
    )
    bia = await who(bots[0], bsuid="BR.7", wa_id="5511900000001")
    assert bia != ana
    assert await who(bots[0], wa_id="5511900000001") == bia
    assert await address_of(ana) == ("BR.2", "5511900000002", "5511900000002")


async def test_nothing_for_the_former_owner_goes_to_a_number_that_is_somebody_elses_now(bots):
    ana = await who(bots[0], bsuid="BR.1", wa_id="5511900000001")
    await who(bots[0], bsuid="BR.7", wa_id="5511900000001")
    assert await address_of(ana) == ("BR.1", None, "")


async def test_a_late_message_of_the_former_owner_does_not_take_the_number_back(bots):
    early, later = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC)
    ana, bia = Sender("5511900000001", "BR.1"), Sender("5511900000001", "BR.7")
    [first] = await conversas_of([Sighting(bots[0], ana, early)])
    [second] = await conversas_of([Sighting(bots[0], bia, later)])
    assert await conversas_of([Sighting(bots[0], ana, early + timedelta(hours=1))]) == [first]
    assert await who(bots[0], wa_id="5511900000001") == second


async def test_who_wrote_under_new_ids_before_the_change_was_told_becomes_one_with_who_they_were(bots):
    ana = await who(bots[0], bsuid="BR.1", wa_id="5511900000001")
    new = await who(bots[0], bsuid="BR.2", wa_id="5511900000002")
    assert new != ana
    assert await user_id_changed(bots[0], "BR.1", "BR.2") == ana
    assert await who(bots[0], bsuid="BR.2", wa_id="5511900000002") == ana
    assert await address_of(ana) == ("BR.2", "5511900000002", "5511900000002")
    assert await DB.fetchval("SELECT count(*) FROM cliente WHERE mesclado_em IS NULL") == 1


async def test_a_change_told_twice_or_late_does_not_bring_old_ids_back(bots):
    days = [datetime(2026, 11, day, tzinfo=UTC) for day in (1, 2, 3)]
    phones = [{"bsuid": f"BR.{n}", "wa_id": f"551190000000{n}"} for n in (1, 2, 3)]
    ana = await becomes(bots[0], phones[0], phones[1], days[0])
    assert await becomes(bots[0], phones[1], phones[2], days[2]) == ana
    assert await becomes(bots[0], phones[0], phones[1], days[0]) == ana
    assert (await address_of(ana))[:2] == ("BR.3", "5511900000003")


async def test_a_change_counts_for_all_messages_that_come_with_it(bots):
    old, new = Sender("5511900000001", "BR.1"), Sender("5511900000002", "BR.2")
    told = Sighting(bots[0], old, None, new)
    met = await conversas_of([(bots[0], new), (bots[0], old), told])
    assert len(set(met)) == 1
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 1


async def test_a_parent_id_names_the_same_person_in_another_portfolio(bots):
    ana = await who(bots[0], bsuid="BR.1", parent_bsuid="BR.ENT.1")
    assert await who(bots[0], bsuid="BR.2", parent_bsuid="BR.ENT.1") == ana
    assert await who(bots[0], bsuid="BR.2") == ana


async def test_two_known_apart_whom_one_message_names_together_are_one(bots):
    by_user, by_phone = await who(bots[0], bsuid="BR.1"), await who(bots[0], wa_id="5511900000001")
    assert by_user != by_phone
    assert await who(bots[0], bsuid="BR.1", wa_id="5511900000001") == by_user
    assert await who(bots[0], wa_id="5511900000001") == by_user


async def test_a_name_makes_nobody_the_same_person(bots):
    assert await who(bots[0], bsuid="BR.1", name="Ana") != await who(bots[0], bsuid="BR.2", name="Ana")


async def test_a_cliente_the_shop_added_is_found_by_what_was_written_down(bots):
    await DB.execute(
        "INSERT INTO cliente (chatbot, phone_key, wa_id) VALUES ($1, $2, $2)", bots[0], "5531980000001"
    )
    assert await who(bots[0], wa_id="553180000001", bsuid="BR.1") == await who(bots[0], bsuid="BR.1")
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 1


# -- what it costs ---------------------------------------------------------------------------------------------


async def test_known_people_cost_one_statement_however_many_they_are(bots, monkeypatch):
    senders = [Sighting(bots[0], Sender(wa_id=f"55119{n:08d}", bsuid=f"BR.{n}")) for n in range(20)]
    await conversas_of(senders)
    statements = []
    connection = DB.connection

    @contextlib.asynccontextmanager
    async def counted():
        async with connection() as one:
            one.add_query_logger(statements.append)
            yield one
            one.remove_query_logger(statements.append)

    monkeypatch.setattr(DB, "connection", counted)
    await conversas_of(senders)
    assert [statement.query for statement in statements] == [identity.FIND]


async def test_that_somebody_was_seen_is_written_once_a_day(bots):
    day = datetime(2026, 11, 1, tzinfo=UTC)
    seen = []
    for hours in (0, 1, 23, 25):
        await conversas_of([Sighting(bots[0], Sender(bsuid="BR.1"), day + timedelta(hours=hours))])
        seen.append(await DB.fetchval("SELECT last_seen FROM identifier"))
    assert [moment - day for moment in seen] == [timedelta(hours=h) for h in (0, 0, 0, 25)]


MANY = """
INSERT INTO cliente (id, chatbot) SELECT n, $1::int FROM generate_series(1, 40000) AS n;
INSERT INTO conversa (chatbot, cliente) SELECT chatbot, id FROM cliente;
INSERT INTO identifier (chatbot, kind, value, cliente)
SELECT chatbot, kind, kind || cliente.id, cliente.id FROM cliente CROSS JOIN (VALUES ('bsuid'), ('wa_id')) AS of (kind);
"""


async def test_people_are_found_through_indices(bots):
    async with DB.transaction():
        await DB.execute(
            "SET LOCAL session_replication_role = replica"
        )  # no triggers: only many rows, quickly
        await DB.execute(MANY.replace("$1", str(bots[0])))
    await DB.execute("ANALYZE cliente, conversa, identifier")
    at = datetime.now(UTC)
    rows = [(bots[0], f"bsuid{n}", None, f"wa_id{n}", at) for n in range(100)]
    async with DB.connection() as one:
        plan = "\n".join(
            row[0] for row in await one.fetch("EXPLAIN " + identity.FIND, *zip(*rows, strict=True))
        )
    assert "Seq Scan" not in plan, plan
    assert plan.count("identifier_pkey") == 3


# -- several processes -----------------------------------------------------------------------------------------


async def test_a_change_and_messages_under_both_ids_at_once_make_one_person(bots):
    old, new = Sender("5511900000001", "BR.1"), Sender("5511900000002", "BR.2")
    for _ in range(3):
        told = [[(bots[0], old)], [(bots[0], new)], [Sighting(bots[0], old, None, new)]] * 3
        await asyncio.gather(*(stored(batch) for batch in told))
    assert await who(bots[0], bsuid="BR.1") == await who(bots[0], bsuid="BR.2")
    assert await DB.fetchval("SELECT count(*) FROM cliente WHERE mesclado_em IS NULL") == 1


async def test_flushes_that_meet_strangers_of_several_chatbots_do_not_block_each_other(bots):
    senders = [(bot, Sender(wa_id=f"55119{n:08d}")) for n in range(20) for bot in bots]
    async with asyncio.timeout(5):
        await asyncio.gather(*(stored(batch) for batch in (senders, senders[::-1]) * 4))
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 40


async def stored(batch):
    async with DB.transaction():
        return await conversas_of(batch)
