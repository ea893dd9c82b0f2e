"""Answering and sending when things go wrong: a plugin's fault, Meta's refusals, silence, statuses in any order."""

import msgspec
import pytest
import pytest_asyncio
from tests.live import give, platform, until

from wabot import chatbots, outbox, receipts
from wabot.attend import RETRY_AFTER
from wabot.db.engine import DB
from wabot.flow import Choose, Context, End, Flow
from wabot.testing.simulator.updates import status_update
from wabot.turn import BoundFlow


class Nada(msgspec.Struct):
    pass


eco = Flow("eco", data=Nada)


@eco.etapa
async def inicio(ctx: Context[Nada]):
    words = ctx.message.text
    if words == "quebra":
        raise ValueError("segredo da cliente")
    if words == "demora":
        raise TimeoutError
    await DB.execute("INSERT INTO anotado (words) VALUES ($1)", words)
    if words == "meio":
        raise ValueError("after writing")
    if words == "escolha":
        return Choose("Sim?", among=["Sim", "Não"], then=lambda _: End("fim"))
    ctx.event("eco.disse", palavras=len(words))
    return End(f"eco: {words}")


@pytest_asyncio.fixture
async def live(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, plugin=None) as running:
        await DB.execute("CREATE TABLE anotado (words text)")
        await give(running.process, flows=(BoundFlow(eco),))
        yield running


async def all_sent():
    return await DB.fetchval("SELECT count(*) FROM outbox WHERE state IN ('pendente', 'enviando')") == 0


def tell_status(live, customer, wamid, status, number):
    """A status webhook with our id in it, as Meta would send it."""
    bot = live.simulator.bots[live.bot.phone_number_id]
    update = status_update(bot, customer.phone, wamid, status, callback=outbox.callback_of(number))
    live.simulator.courier.send(bot, update, lane=wamid)


async def reply_cut_off(live):
    """Whether the connection broke under a reply, not only under the blue ticks that go before it."""
    return any(fault == "reset" and b"biz_opaque" in body for fault, body in live.simulator.struck)


async def state_of(wamid):
    return await DB.fetchval("SELECT state FROM inbox WHERE wamid = $1", wamid)


async def test_state_reply_event_and_the_plugins_own_rows_commit_together(live):
    ana = live.simulator.customer("Ana")
    wamid = await ana.says("olá")
    await ana.sees("eco: olá")
    assert await state_of(wamid) == "atendida"
    assert await DB.fetchval("SELECT words FROM anotado") == "olá"
    assert [row["name"] for row in await DB.fetch("SELECT name FROM event ORDER BY id")] == [
        "conversa.iniciada",
        "eco.disse",
        "conversa.encerrada",
        "mensagem.atendida",
    ]


async def test_a_turn_that_fails_leaves_nothing_behind_but_its_reason(live, monkeypatch):
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", (60,))
    ana = live.simulator.customer("Ana")
    wamid = await ana.says("meio")

    async def tried():
        return await DB.fetchval("SELECT tries FROM inbox WHERE wamid = $1", wamid) == 1

    await until(tried)
    assert await DB.fetchval("SELECT count(*) FROM anotado") == 0
    assert await DB.fetchval("SELECT error FROM inbox WHERE wamid = $1", wamid) == "ValueError: after writing"
    assert await state_of(wamid) == "pendente"


@pytest.mark.parametrize("words", ["quebra", "demora"])
async def test_a_message_nobody_can_answer_is_set_aside_and_the_customer_is_told(
    live, monkeypatch, caplog, words
):
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", (0,) * len(RETRY_AFTER))
    ana = live.simulator.customer("Ana")
    wamid = await ana.says(words)
    await ana.sees("Tivemos um problema")
    assert await state_of(wamid) == "morta"
    await ana.says("e agora?")
    await ana.sees("eco: e agora?")
    assert "segredo da cliente" not in caplog.text


async def test_one_customers_fault_does_not_hold_up_another(live, monkeypatch):
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", (60,))
    ana, bia = live.simulator.customer("Ana"), live.simulator.customer("Bia")
    await ana.says("quebra")
    await bia.says("oi")
    await bia.sees("eco: oi")


async def test_what_is_written_in_a_burst_is_answered_in_order(live):
    ana = live.simulator.customer("Ana")
    for number in range(20):
        await ana.says(f"{number}")
    for number in range(20):
        await ana.sees(f"eco: {number}")


async def test_delivered_three_times_it_is_answered_once(live):
    live.simulator.faults.duplicate = 3
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("eco: oi")
    await until(all_sent)
    assert len(live.simulator.sent) == 1


async def test_what_meta_refuses_for_a_while_is_sent_later(live):
    live.simulator.faults.throttle_rate = 1
    ana = live.simulator.customer("Ana")
    await ana.says("oi")

    async def refused():
        return await DB.fetchval("SELECT error_code FROM outbox") == 130429

    await until(refused)
    live.simulator.faults.throttle_rate = 0
    await ana.sees("eco: oi", within=20)


async def test_what_meta_never_takes_is_given_up_and_the_next_one_goes(live, monkeypatch):
    ana = live.simulator.customer("Ana")
    await ana.says("x" * 5000)  # the echo is longer than a text may be: two messages
    await ana.sees("eco: x")
    monkeypatch.setattr(live.simulator, "accept", _refusing(131026))
    await ana.says("oi")

    async def failed():
        return await DB.fetchval("SELECT error_code FROM outbox WHERE state = 'falhou'") == 131026

    await until(failed)


async def test_a_person_who_mends_the_credentials_sees_everything_go(live, monkeypatch):
    accept = live.simulator.accept
    monkeypatch.setattr(live.simulator, "accept", _refusing(190))
    ana = live.simulator.customer("Ana")
    await ana.says("oi")

    async def held():
        return await DB.fetchval("SELECT code FROM number_hold") == 190

    await until(held)
    assert tuple(await DB.fetchrow("SELECT state, refused FROM outbox")) == ("pendente", 0)
    await ana.says("e agora?")
    monkeypatch.setattr(live.simulator, "accept", accept)
    vault = live.process.vault
    await chatbots.change(live.bot.id, {"access_token": "token-de-acesso"}, vault)
    await ana.sees("eco: oi")
    await ana.sees("eco: e agora?")


async def test_a_number_that_was_mended_at_meta_starts_again_by_itself(live, monkeypatch):
    accept = live.simulator.accept
    monkeypatch.setattr(live.simulator, "accept", _refusing(131042))
    ana = live.simulator.customer("Ana")
    await ana.says("oi")

    async def held():
        return await DB.fetchval("SELECT code FROM number_hold") == 131042

    await until(held)
    monkeypatch.setattr(live.simulator, "accept", accept)
    await DB.execute(
        "UPDATE outbox SET retry_at = NULL; UPDATE number_hold SET next_try = now()"
    )  # a minute later
    await ana.sees("eco: oi")


def _refusing(code):
    from wabot.testing.simulator.checks import GraphError

    def accept(bot, body):
        raise GraphError(code, "undeliverable")

    return accept


async def test_silence_after_the_post_is_settled_by_the_status_and_not_sent_again(live, monkeypatch):
    monkeypatch.setattr("wabot.outbox.UNCLEAR_AFTER", 60.0)
    live.simulator.faults.reset_rate = 1
    ana = live.simulator.customer("Ana")
    await ana.says("oi")

    await until(lambda: reply_cut_off(live))
    live.simulator.faults.reset_rate = 0
    number = await DB.fetchval("SELECT id FROM outbox")
    tell_status(live, ana, "wamid.X", "sent", number)

    async def settled():
        return dict(await DB.fetchrow("SELECT state, status, wamid FROM outbox")) == {
            "state": "enviada",
            "status": "sent",
            "wamid": "wamid.X",
        }

    await until(settled)
    assert live.simulator.sent == []


async def test_silence_after_the_post_without_a_status_sends_a_reply_again(live, monkeypatch):
    monkeypatch.setattr("wabot.outbox.UNCLEAR_AFTER", 0.2)
    live.simulator.faults.reset_rate = 1
    ana = live.simulator.customer("Ana")
    await ana.says("oi")

    await until(lambda: reply_cut_off(live))
    live.simulator.faults.reset_rate = 0
    await ana.sees("eco: oi")


async def test_statuses_only_go_forward_whatever_their_order(live):
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("eco: oi")

    async def read():
        return await DB.fetchval("SELECT status FROM outbox") == "read"

    async def told():
        return (
            await DB.fetchval("SELECT sent_at IS NOT NULL AND delivered_at IS NOT NULL FROM outbox")
            and await read()
        )

    await until(told)  # they come in any order
    row = await DB.fetchrow("SELECT * FROM outbox")
    assert row["sent_at"] <= row["delivered_at"] <= row["read_at"]
    assert msgspec.json.decode(row["pricing"])["category"] == "service"
    for late in ("sent", "failed", "delivered"):
        tell_status(live, ana, row["wamid"], late, row["id"])
    await until(_receipts_applied)
    assert await read()


async def _receipts_applied():
    return not await receipts.waiting()


async def test_statuses_of_somebody_elses_messages_keep_none_of_ours_waiting(live, monkeypatch):
    monkeypatch.setattr("wabot.receipts.MOST", 5)
    ana = live.simulator.customer("Ana")
    for number in range(20):
        tell_status(live, ana, f"wamid.stranger{number}", "sent", 10**9 + number)
    await ana.says("oi")
    await ana.sees("eco: oi")

    async def read():
        return await DB.fetchval("SELECT status FROM outbox") == "read"

    await until(read)


async def test_a_failed_status_marks_the_message_as_failed(live):
    live.simulator.faults.statuses = False
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("eco: oi")
    await until(all_sent)
    live.simulator.faults.statuses = True
    live.simulator.fail(live.simulator.sent[0].wamid, 131047)

    async def failed():
        row = await DB.fetchrow("SELECT state, status, error_code FROM outbox")
        return tuple(row) == ("falhou", "failed", 131047)

    await until(failed)


async def test_a_reaction_is_stored_and_not_answered(live):
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("eco: oi")
    wamid = await ana.reacts("👍")

    async def attended():
        return await state_of(wamid) == "atendida"

    await until(attended)
    assert len(live.simulator.sent) == 1


async def test_the_customer_sees_blue_ticks(live):
    ana = live.simulator.customer("Ana")
    await ana.sees_ticks(await ana.says("oi"))


async def test_someone_without_a_phone_is_answered_by_their_user_id(live):
    ana = live.simulator.customer("Ana")
    ana.phone.hides_number = True
    await ana.says("oi")
    await ana.sees("eco: oi")
    assert live.simulator.sent[0].body["recipient"] == ana.phone.bsuid
    assert "to" not in live.simulator.sent[0].body
    ana.phone.hides_number = False
    await ana.says("agora com telefone")
    await ana.sees("eco: agora com telefone")
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 1


async def test_switching_a_plugin_on_is_heard_by_a_running_process(live):
    await DB.execute("UPDATE chatbot SET nome = 'Outro nome' WHERE id = $1", live.bot.id)

    async def heard():
        runtime = live.process.runtimes.get(live.bot.id)
        return runtime is not None and runtime.chatbot.nome == "Outro nome"

    await until(heard, within=2)


async def test_crashes_between_claim_and_post_use_up_none_of_a_messages_tries(live, monkeypatch):
    """A code that is tried three times in all is, though two workers died with the message in hand."""
    await DB.execute("ALTER TABLE outbox ALTER tries SET DEFAULT 2")
    accept = live.simulator.accept
    monkeypatch.setattr(live.simulator, "accept", _refusing(1))
    ana = live.simulator.customer("Ana")
    await ana.says("oi")

    async def refused():
        return await DB.fetchval("SELECT refused FROM outbox") == 1

    await until(refused)
    monkeypatch.setattr(live.simulator, "accept", accept)
    await ana.sees("eco: oi")
