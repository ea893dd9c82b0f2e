"""Two clientes who are one person: nothing waits in vain, nothing is answered twice, consent is the stricter one."""

import asyncio
import contextlib
from datetime import UTC, datetime

import msgspec
import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime
from tests.live import until

from wabot import consent, merges
from wabot.attend import Attendant
from wabot.courtesies import Courtesies
from wabot.db.engine import DB
from wabot.flow import Context, End, Flow
from wabot.merges import NotMerged
from wabot.plugins.guard import Guard
from wabot.turn import BoundFlow
from wabot.unmerge import NotUndone, unmerge


class Nada(msgspec.Struct):
    pass


eco = Flow("eco", data=Nada)
gates: dict[str, asyncio.Event] = {}


@eco.etapa
async def inicio(ctx: Context[Nada]):
    if gate := gates.get(ctx.message.text):
        await gate.wait()
    return End(f"eco: {ctx.message.text}")


class SilentGraph:
    """Stands in for Meta: takes the blue ticks and nothing else."""

    async def mark_read(self, *_, **__):
        return True


@pytest_asyncio.fixture
async def bot(database):
    return await add_bot()


@pytest.fixture
def attendant(bot):
    part = msgspec.structs.replace(runtime(bot), flows=(BoundFlow(eco),))
    return Attendant(FixedRuntimes(part), Courtesies(SilentGraph()), Guard())


@pytest_asyncio.fixture
async def ana_and_bia(bot):
    return await add_cliente(bot, "Ana"), await add_cliente(bot, "Bia")


async def writes(cliente, words, second):
    """A message of this cliente, sent in that second of the minute."""
    text = msgspec.json.encode({"id": words, "type": "text", "text": {"body": words}})
    await DB.execute(
        """INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw)
           SELECT chatbot, id, $2, 'text', '2026-11-25 10:00'::timestamptz + $3 * interval '1 s', $4
           FROM conversa WHERE cliente = $1""",
        cliente,
        words,
        second,
        text,
    )


async def answers_to(cliente):
    rows = await DB.fetch(
        "SELECT content FROM outbox WHERE conversa = $1 ORDER BY id", await conversa_of(cliente)
    )
    return [msgspec.json.decode(row["content"])["body"] for row in rows]


async def join(bot, survivor, absorbed):
    return await merges.join(bot.id, survivor, absorbed, "teste", "teste")


@contextlib.asynccontextmanager
async def a_turn_is_taken(attendant, cliente, words):
    """While inside, the answer to these words is still being thought about."""
    gates[words] = asyncio.Event()
    turn = asyncio.create_task(attendant.attend(await conversa_of(cliente)))

    async def held():
        free = await DB.fetch(
            "SELECT 1 FROM conversa WHERE cliente = $1 FOR NO KEY UPDATE SKIP LOCKED", cliente
        )
        return not free

    await until(held)
    yield
    gates.pop(words).set()
    await turn


async def test_what_waits_in_both_conversas_is_answered_once_and_in_order(bot, attendant, ana_and_bia):
    ana, bia = ana_and_bia
    for cliente, words, second in ((ana, "1", 1), (bia, "2", 2), (ana, "3", 3), (bia, "4", 4)):
        await writes(cliente, words, second)
    await join(bot, ana, bia)
    await asyncio.gather(*[attendant.attend(await conversa_of(cliente)) for cliente in (bia, ana, ana)])
    assert await answers_to(ana) == ["eco: 1", "eco: 2", "eco: 3", "eco: 4"]
    assert await answers_to(bia) == []


@pytest.mark.parametrize("busy", [0, 1], ids=["the survivor's", "the absorbed one's"])
async def test_a_merge_does_not_wait_for_a_turn_and_overtakes_nothing(bot, attendant, ana_and_bia, busy):
    ana, bia = ana_and_bia
    who = ana_and_bia[busy]
    await writes(who, "1", 1)
    async with a_turn_is_taken(attendant, who, "1"):
        await writes(bia, "2", 2)
        async with asyncio.timeout(5):
            await join(bot, ana, bia)
        await writes(ana, "3", 3)
        if busy:
            await attendant.attend(await conversa_of(ana))
            assert await answers_to(ana) == [], "3 must not overtake 2, which waits behind a turn"
    for cliente in (bia, ana):  # the sweeper rings for both
        await attendant.attend(await conversa_of(cliente))
    assert [*await answers_to(bia), *await answers_to(ana)] == ["eco: 1", "eco: 2", "eco: 3"]


async def test_a_message_stored_for_the_absorbed_one_after_the_merge_is_answered_too(
    bot, attendant, ana_and_bia
):
    ana, bia = ana_and_bia
    await join(bot, ana, bia)
    await writes(bia, "atrasada", 1)
    for cliente in (bia, ana):
        await attendant.attend(await conversa_of(cliente))
    assert await answers_to(ana) == ["eco: atrasada"]


async def test_replies_that_wait_go_on_in_the_survivors_conversa(bot, ana_and_bia):
    ana, bia = ana_and_bia
    for state in ("pendente", "enviando", "enviada", "falhou"):
        await DB.execute(
            "INSERT INTO outbox (chatbot, conversa, content, state) VALUES ($1, $2, '{}', $3)",
            bot.id,
            await conversa_of(bia),
            state,
        )
    made = await join(bot, ana, bia)
    moved = await DB.fetch("SELECT state FROM outbox WHERE conversa = $1 ORDER BY id", await conversa_of(ana))
    assert [row["state"] for row in moved] == ["pendente", "enviando"], "what is over is history, and stays"
    await unmerge(bot.id, made.id)
    assert await DB.fetchval("SELECT count(*) FROM outbox WHERE conversa = $1", await conversa_of(bia)) == 4


async def test_the_person_stands_where_they_stood_last(bot, ana_and_bia):
    ana, bia = ana_and_bia
    await DB.execute("UPDATE conversa SET flow = 'pedidos', last_inbound_at = now() WHERE cliente = $1", bia)
    made = await join(bot, ana, bia)
    assert await DB.fetchval("SELECT flow FROM conversa WHERE cliente = $1", ana) == "pedidos"
    await unmerge(bot.id, made.id)
    assert await DB.fetchval("SELECT flow FROM conversa WHERE cliente = $1", ana) == ""


async def accepting(*clientes):
    rows = await DB.fetch("SELECT id FROM cliente WHERE aceita_marketing AND ativo")
    return {row["id"] for row in rows} & set(clientes)


@pytest.mark.parametrize(("ana_accepts", "bia_accepts"), [(True, False), (False, True)])
async def test_consent_is_the_stricter_of_the_two(bot, ana_accepts, bia_accepts):
    ana = await add_cliente(bot, aceita_marketing=ana_accepts)
    bia = await add_cliente(bot, aceita_marketing=bia_accepts)
    made = await join(bot, ana, bia)
    assert await accepting(ana, bia) == set()
    await unmerge(bot.id, made.id)
    assert await accepting(ana, bia) == {ana} if ana_accepts else {bia}


async def test_two_who_accept_are_written_to_once(bot, ana_and_bia):
    await join(bot, *ana_and_bia)
    assert await accepting(*ana_and_bia) == {ana_and_bia[0]}


@pytest.mark.parametrize("by", [0, 1], ids=["the survivor's row", "the absorbed one's row"])
async def test_an_opt_out_after_the_merge_holds_for_both_even_when_it_is_undone(bot, ana_and_bia, by):
    made = await join(bot, *ana_and_bia)
    await says_stop(ana_and_bia[by])
    assert await accepting(*ana_and_bia) == set()
    await unmerge(bot.id, made.id)
    assert await accepting(*ana_and_bia) == set()


async def says_stop(cliente):
    await consent.record(cliente, accepts=False, who="cliente", how="palavra na conversa")


async def test_an_opt_out_written_to_the_absorbed_one_by_a_turn_that_knew_of_no_merge_counts(
    bot, ana_and_bia
):
    ana, bia = ana_and_bia
    made = await join(bot, ana, bia)
    await DB.execute(
        """INSERT INTO consent (chatbot, cliente, accepts, who, how, at)
           VALUES ($1, $2, false, 'cliente', 'palavra na conversa', now())""",
        bot.id,
        bia,
    )
    assert await accepting(ana, bia) == set()
    await unmerge(bot.id, made.id)
    assert await accepting(ana, bia) == set()


async def test_an_older_word_that_arrives_late_does_not_undo_the_stricter_consent(bot):
    ana, bia = await add_cliente(bot), await add_cliente(bot, aceita_marketing=False)
    await join(bot, ana, bia)
    await consent.record(ana, accepts=True, who="cliente", how="antes", at=datetime(2026, 11, 1, tzinfo=UTC))
    assert await accepting(ana) == set()


async def test_merges_are_undone_last_first(bot, ana_and_bia):
    ana, bia = ana_and_bia
    caio = await add_cliente(bot, "Caio")
    first, second = await join(bot, bia, caio), await join(bot, ana, bia)
    pointing = "SELECT mesclado_em FROM cliente ORDER BY id"
    assert [row[0] for row in await DB.fetch(pointing)] == [None, ana, ana]
    with pytest.raises(NotUndone, match=f"Desfaça antes a mescla {second.id}"):
        await unmerge(bot.id, first.id)
    await unmerge(bot.id, second.id)
    assert [row[0] for row in await DB.fetch(pointing)] == [None, None, bia]
    await unmerge(bot.id, first.id)
    with pytest.raises(NotUndone, match="já foi desfeita"):
        await unmerge(bot.id, first.id)
    assert [row[0] for row in await DB.fetch(pointing)] == [None, None, None]


async def test_an_id_that_went_to_somebody_else_stays_there_when_a_merge_is_undone(bot, ana_and_bia):
    ana, bia = ana_and_bia
    await DB.execute("UPDATE cliente SET phone_key = '5511900000001' WHERE id = $1", bia)
    made = await join(bot, ana, bia)
    await DB.execute("UPDATE cliente SET phone_key = NULL WHERE id = $1", ana)
    caio = await add_cliente(bot, "Caio")
    await DB.execute("UPDATE cliente SET phone_key = '5511900000001' WHERE id = $1", caio)
    await unmerge(bot.id, made.id)
    assert await DB.fetchval("SELECT cliente FROM identifier") == caio
    assert await DB.fetchval("SELECT phone_key FROM cliente WHERE id = $1", bia) is None


async def test_only_two_different_living_clientes_of_the_chatbot_can_be_merged(bot, ana_and_bia):
    ana, bia = ana_and_bia
    other = await add_cliente(await add_bot(2))
    for absorbed, why in ((ana, "são o mesmo"), (other, "não tem o cliente"), (2**40, "não tem o cliente")):
        with pytest.raises(NotMerged, match=why):
            await join(bot, ana, absorbed)
    await join(bot, ana, bia)
    with pytest.raises(NotMerged, match=f"já foi mesclado ao cliente {ana}"):
        await join(bot, ana, bia)
    with pytest.raises(NotUndone, match="não tem a mescla"):
        await unmerge((await add_bot(3)).id, 1)


async def test_merges_from_both_ends_at_once_do_not_block_each_other(bot, ana_and_bia):
    ana, bia = ana_and_bia
    async with asyncio.timeout(5):
        done = await asyncio.gather(join(bot, ana, bia), join(bot, bia, ana), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["Merge", "NotMerged"]
