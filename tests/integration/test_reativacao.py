"""Reactivation: whom a campanha chooses, once; what stops it; what it brings beside its control group."""

from datetime import UTC, datetime, time, timedelta

import msgspec
import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime, says
from tests.integration.test_campaigns import a_moment_later, send_all
from tests.live import platform, until

from wabot import (
    BotContext,
    Horario,
    Mailing,
    Recorded,
    consent,
    mailings,
    notices,
    outbox,
    receipts,
    templates,
)
from wabot.db.engine import DB
from wabot.flow import Chatbot
from wabot.plugins.guard import Guard
from wabot.schedule import Schedule
from wabot.testing.simulator.errors import GraphError
from wabot.testing.simulator.writing import Act
from wabot.whatsapp.changes import Key, TemplateStatus
from wabot_reativacao import campanhas, privacidade, publico, resultados
from wabot_reativacao.envio import REATIVACAO
from wabot_reativacao.perfil import pedidos_confirmados
from wabot_reativacao.previa import previa
from wabot_reativacao.tables import Campanha
from wabot_reativacao.vigia import vigiar

NOW = datetime.now(UTC)
JOB = "campanha.reativacao"
BODY = '[{"type": "BODY", "text": "Oi, {{1}}! Volte: {{2}}."}]'


async def add_template(bot, name="saudade", status="APPROVED", category="MARKETING"):
    await DB.execute(
        """INSERT INTO template (chatbot, name, language, category, status, components, parameters)
           VALUES ($1, $2, 'pt_BR', $3, $4, $5, 2)""",
        bot.id, name, category, status, BODY,
    )  # fmt: skip


async def add_campanha(bot, **changes):
    """Started, without quiet hours and without a control group, unless the test says otherwise."""
    fields = {
        "nome": "Saudade", "modelo": "saudade", "idioma": "pt_BR", "parametros": ["{primeiro_nome}", "VOLTE10"],
        "inativo_dias": 30, "minimo_pedidos": 0, "observacao": "", "intervalo_dias": 30, "limite_diario": 500,
        "controle": 0, "silencio_das": "00:00", "silencio_ate": "00:00",
    }  # fmt: skip
    campanha = Campanha(chatbot=bot.id, **(fields | changes))
    await campanha.save()
    await campanhas.iniciar(campanha.id, bot.id)
    return campanha.id


async def add_silent(bot, nome="Ana", days=60, **more):
    """A cliente whom nobody has heard of for so long."""
    cliente = await add_cliente(bot, nome, **more)
    await DB.execute("UPDATE cliente SET criado_em = $2 WHERE id = $1", cliente, NOW - timedelta(days=days))
    return cliente


@pytest_asyncio.fixture
async def bot(bot):
    await add_template(bot)
    return bot


def context(bot):
    return BotContext(Chatbot(bot.id, bot.nome, bot.timezone), datetime.now(UTC))


async def ten_o_clock(bot):
    """The daily run."""
    part = runtime(bot, plugin="reativacao", campaigns=[REATIVACAO])
    schedule = Schedule(FixedRuntimes(part), Guard())
    await schedule.declare()
    await DB.execute(
        "UPDATE agendamento SET next_run = now() - interval '1 second', last_ok = NULL WHERE job = $1", JOB
    )
    await schedule.look()

    async def has_run():  # a live platform may have been the one to run it
        return await DB.fetchval("SELECT last_ok FROM agendamento WHERE job = $1", JOB) is not None

    await until(has_run)
    row = await DB.fetchrow("SELECT last_ok, last_result FROM agendamento WHERE job = $1", JOB)
    assert row["last_ok"], row["last_result"]


async def a_day_later():
    """Everything that was written down is a day older."""
    await DB.execute("UPDATE reativacao.envio SET dia = dia - 1, em = em - interval '1 day'")
    await DB.execute("UPDATE campaign_send SET round = round - 1")


async def chosen(controle=False):
    rows = await DB.fetch("SELECT cliente FROM reativacao.envio WHERE controle = $1 ORDER BY id", controle)
    return [row["cliente"] for row in rows]


async def invited():
    rows = await DB.fetch(
        "SELECT cliente FROM outbox JOIN conversa ON conversa.id = conversa WHERE bulk ORDER BY 1"
    )
    return [row["cliente"] for row in rows]


async def stands(campanha):
    row = await DB.fetchrow("SELECT estado, motivo FROM reativacao.campanha WHERE id = $1", campanha)
    return row["estado"], row["motivo"]


async def ordered(bot, cliente, total, ago=timedelta(0)):
    """wabot-pedidos has written down an order."""
    event = Recorded(1, "pedido.confirmado", {"total": total}, datetime.now(UTC) - ago, 1, cliente)
    await pedidos_confirmados(context(bot), [event])


# -- who is chosen -----------------------------------------------------------------------------------------------


async def test_the_silent_are_written_to_in_their_own_words(bot, out, simulator):
    await add_silent(bot, "Ana Souza")
    await add_campanha(bot)
    await ten_o_clock(bot)
    await send_all(out)
    [sent] = simulator.sent
    [body] = sent.body["template"]["components"]
    assert [parameter["text"] for parameter in body["parameters"]] == ["Ana", "VOLTE10"]


async def test_only_those_who_fit_are_chosen_and_the_preview_says_why_the_others_are_not(bot):
    fits = await add_silent(bot)
    await DB.execute("UPDATE cliente SET observacoes = 'Gosta de FEIJOADA' WHERE id = $1", fits)
    await ordered(bot, fits, 5000, timedelta(days=50))
    await add_silent(bot, ativo=False)
    await add_silent(bot, aceita_marketing=False)
    await add_silent(bot, days=3)
    wrote, bought, other = [await add_silent(bot) for _ in range(3)]
    await DB.execute("UPDATE conversa SET last_inbound_at = now() WHERE cliente = $1", wrote)
    await ordered(bot, bought, 5000)
    await ordered(bot, other, 5000, timedelta(days=50))
    await add_silent(bot)
    await add_silent(await add_bot(2))
    campanha = await add_campanha(bot, minimo_pedidos=1, observacao="feijoada")
    seen = await previa(await Campanha.objects().get(Campanha.id == campanha))
    assert {one.motivo: one.quantos for one in seen.fora} == {
        "inativo": 1, "sem_consentimento": 1, "ativo_ha_pouco": 3, "poucos_pedidos": 1, "sem_a_observacao": 1,
    }  # fmt: skip
    assert (seen.publico, seen.mensagens, seen.custo) == (1, 1, 33)
    assert [one.texto for one in seen.amostra] == ["Oi, Ana! Volte: VOLTE10."]
    await ten_o_clock(bot)
    assert await chosen() == await invited() == [fits]


async def test_a_day_takes_no_more_than_its_limit_and_the_next_one_goes_on(bot):
    everybody = {await add_silent(bot) for _ in range(5)}
    await add_campanha(bot, limite_diario=2)
    await ten_o_clock(bot)
    await ten_o_clock(bot)  # run by hand once more
    assert len(await chosen()) == 2
    for _ in range(2):
        await a_day_later()
        await ten_o_clock(bot)
    assert sorted(await invited()) == sorted(everybody)


async def test_nobody_is_chosen_again_before_the_days_are_over_by_whichever_campanha(bot):
    ana = await add_silent(bot, days=100)
    await add_campanha(bot, intervalo_dias=3)
    await add_campanha(bot, nome="Outra", intervalo_dias=3)
    for _ in range(3):
        await ten_o_clock(bot)
        await a_day_later()
    assert await invited() == [ana]
    await ten_o_clock(bot)
    assert await invited() == [ana, ana]


async def test_who_was_merged_with_somebody_chosen_is_not_chosen_again(bot):
    ana, bia = await add_silent(bot), await add_silent(bot, "Bia")
    await add_campanha(bot, limite_diario=1)
    await ten_o_clock(bot)
    [first] = await chosen()
    await DB.execute("UPDATE cliente SET mesclado_em = $2 WHERE id = $1", first, ({ana, bia} - {first}).pop())
    await a_day_later()
    await ten_o_clock(bot)
    assert await chosen() == [first]


async def test_the_control_group_is_chosen_and_not_written_to_and_stays_the_same(bot):
    everybody = [await add_silent(bot) for _ in range(60)]
    campanha = await add_campanha(bot, controle=50)
    await ten_o_clock(bot)
    control, written = await chosen(controle=True), await chosen()
    assert sorted(control + written) == everybody
    assert 10 < len(control) < 50
    assert await invited() == sorted(written)
    await DB.execute("DELETE FROM reativacao.envio")
    await DB.execute("DELETE FROM campaign_send")
    await ten_o_clock(bot)
    assert sorted(await chosen(controle=True)) == sorted(control)
    await add_campanha(bot, nome="Outra")
    await ten_o_clock(bot)
    assert await DB.fetchval("SELECT count(*) FROM reativacao.envio WHERE campanha <> $1", campanha) == 0


async def test_who_turns_out_to_be_left_out_was_not_chosen(bot, monkeypatch):
    ana = await add_silent(bot)
    await add_campanha(bot)
    original = publico.escolher

    async def then_she_opts_out(*args, **kwargs):
        await original(*args, **kwargs)
        await DB.execute("UPDATE cliente SET aceita_marketing = false WHERE id = $1", ana)

    monkeypatch.setattr(publico, "escolher", then_she_opts_out)
    await ten_o_clock(bot)
    assert (await chosen(), await invited()) == ([], [])


# -- saying no ---------------------------------------------------------------------------------------------------


async def test_a_no_between_the_invitation_and_the_sending_is_obeyed(bot, out, simulator):
    ana = await add_silent(bot)
    await add_campanha(bot)
    await ten_o_clock(bot)
    await consent.record(ana, accepts=False, who="cliente", how="palavra", wording="PARAR", source="wamid.1")
    await send_all(out)
    assert simulator.sent == []
    assert await DB.fetchval("SELECT error FROM outbox") == outbox.OPTED_OUT
    assert [entry.wording for entry in await consent.ledger(bot.id, ana)][-1] == "PARAR"


@pytest.mark.parametrize("way", ["word", "word to a person", "button", "preference"])
async def test_whichever_way_the_customer_says_no_the_waiting_message_does_not_go(
    database_uri, tmp_path, way
):
    async with platform(database_uri, tmp_path, plugin="reativacao") as running:
        running.simulator.templates.add(
            running.bot.business_account_id,
            {
                "name": "saudade",
                "language": "pt_BR",
                "category": "MARKETING",
                "components": msgspec.json.decode(BODY),
            },
        )
        await add_template(running.bot)
        ana = running.simulator.customer("Ana")
        await ana.says("oi")

        async def attended():
            return bool(await DB.fetchval("SELECT state = 'atendida' FROM inbox"))

        await until(attended)
        cliente = await DB.fetchval("SELECT id FROM cliente")
        await DB.execute("UPDATE cliente SET aceita_marketing = true, criado_em = now() - interval '90 days'")
        await DB.execute(
            "UPDATE conversa SET last_inbound_at = now() - interval '90 days', person = $1", "person" in way
        )
        campanha = await add_campanha(running.bot)
        mailing = await DB.fetchval("SELECT mailing FROM reativacao.campanha")
        await Mailing(running.bot.id, mailing).pause()  # until she has said it
        await ten_o_clock(running.bot)
        assert await chosen() == [cliente]
        if way == "preference":
            await ana.chooses_marketing("stop")
        elif way == "button":
            act = Act(type="tap", option="Parar promoções", title="Parar promoções")
            await running.simulator.write(ana.phone, act)[1]
        else:
            await ana.says("PARAR")

        async def said():
            return not await DB.fetchval("SELECT aceita_marketing FROM cliente")

        await until(said)
        await Mailing(running.bot.id, mailing).resume()

        async def ended():
            return await DB.fetchval("SELECT state = 'falhou' FROM outbox WHERE bulk")

        await until(ended)
        assert await DB.fetchval("SELECT error FROM outbox WHERE bulk") == outbox.OPTED_OUT
        assert [sent for sent in running.simulator.sent if sent.body["type"] == "template"] == []
        [entry] = [entry for entry in await consent.ledger(running.bot.id, cliente) if not entry.accepts]
        assert entry.who == "cliente"
        assert (await stands(campanha))[0] == "ativa"


@pytest.mark.parametrize("code", [131026, 131047, 131049, 131050, 130472])
async def test_what_meta_says_not_to_send_again_is_not_sent_again(bot, out, simulator, monkeypatch, code):
    ana = await add_silent(bot)
    await DB.execute(
        "UPDATE cliente SET wa_id = '14155550123', phone_key = NULL WHERE id = $1", ana
    )  # one form only
    await add_campanha(bot)
    await ten_o_clock(bot)
    asked = []

    def refuse(*given):
        asked.append(given)
        raise GraphError(code)

    monkeypatch.setattr(simulator, "accept", refuse)
    for _ in range(3):
        await send_all(out)
        await a_moment_later()
    assert len(asked) == 1
    assert tuple(await DB.fetchrow("SELECT state, error_code FROM outbox")) == ("falhou", code)
    assert await DB.fetchval("SELECT aceita_marketing FROM cliente WHERE id = $1", ana) is (
        code != consent.STOPPED
    )


# -- pausing, stopping -------------------------------------------------------------------------------------------


async def test_a_paused_campanha_sends_nothing_and_goes_on_when_it_is_resumed(bot, out, simulator):
    await add_silent(bot)
    campanha = await add_campanha(bot)
    await ten_o_clock(bot)
    await campanhas.pausar(campanha, bot.id)
    await add_silent(bot)
    await ten_o_clock(bot)
    await send_all(out)
    assert (simulator.sent, len(await chosen())) == ([], 1)
    await campanhas.retomar(campanha, bot.id)
    await send_all(out)
    assert len(simulator.sent) == 1


async def test_those_who_were_withdrawn_may_be_chosen_by_another_campanha(bot, out, simulator):
    ana = await add_silent(bot)
    campanha = await add_campanha(bot)
    await ten_o_clock(bot)
    await campanhas.parar(campanha, bot.id)
    await send_all(out)
    assert simulator.sent == []
    assert (await resultados.de([campanha]))[campanha].avisados.pessoas == 0
    await add_campanha(bot, nome="Outra")
    await a_day_later()
    await ten_o_clock(bot)
    await send_all(out)
    assert await chosen() == [ana, ana]
    assert len(simulator.sent) == 1


async def test_a_template_that_meta_pauses_stops_the_campanha_with_its_reason(bot, out, simulator):
    for _ in range(9):
        await add_silent(bot)
    campanha = await add_campanha(bot)
    await ten_o_clock(bot)
    await out.deliver_bulk()
    sent = len(simulator.sent)
    told = TemplateStatus("PAUSED", until=datetime.now(UTC) + timedelta(hours=3))
    await templates.note_status(bot.id, Key("saudade", "pt_BR"), told, datetime.now(UTC))
    await a_moment_later()
    await send_all(out)
    await vigiar(context(bot))
    await a_moment_later()
    await templates.note_status(
        bot.id, Key("saudade", "pt_BR"), TemplateStatus("APPROVED"), datetime.now(UTC)
    )
    await send_all(out)
    assert 0 < len(simulator.sent) == sent < 9  # a person decides whether it goes on
    estado, motivo = await stands(campanha)
    assert estado == "pausada"
    assert "pausou o modelo “saudade”" in motivo
    await campanhas.retomar(campanha, bot.id)
    await a_moment_later()
    await send_all(out)
    assert len(simulator.sent) == 9


async def test_a_number_in_danger_stops_its_campanhas(bot, out, simulator):
    campanha = await add_campanha(bot)
    await mailings.brake(bot.id, mailings.SPAM_SAID)
    await vigiar(context(bot))
    assert await stands(campanha) == ("pausada", mailings.SPAM_SAID)


async def test_a_number_whose_quality_turns_red_sends_no_more_at_once(bot, out, simulator):
    await add_silent(bot)
    campanha = await add_campanha(bot)
    await ten_o_clock(bot)
    value = {"event": "FLAGGED", "display_phone_number": bot.numero, "current_limit": "TIER_2K"}
    await DB.execute(
        """INSERT INTO notice (chatbot, business_account_id, field, raw, digest)
           VALUES ($1, 'x', 'phone_number_quality_update', $2, 'x')""",
        bot.id,
        msgspec.json.encode({"value": value}),
    )
    await notices.apply()
    await send_all(out)
    assert simulator.sent == []
    await vigiar(context(bot))
    assert (await stands(campanha))[0] == "pausada"
    with pytest.raises(Exception, match="vermelha"):
        await campanhas.retomar(campanha, bot.id)


async def test_quiet_hours_hold_what_waits(bot, out, simulator):
    await add_silent(bot)
    campanha = await add_campanha(bot)
    await ten_o_clock(bot)
    mailing = await DB.fetchval("SELECT mailing FROM reativacao.campanha WHERE id = $1", campanha)
    await Mailing(bot.id, mailing).keep_quiet(Horario(time(0), time(23, 59, 59)))
    await send_all(out)
    assert simulator.sent == []


# -- what it brings ----------------------------------------------------------------------------------------------


async def test_results_stand_beside_those_of_the_control_group(bot, out, simulator):
    for _ in range(40):
        await add_silent(bot)
    campanha = await add_campanha(bot, controle=50)
    await ten_o_clock(bot)
    await send_all(out)
    written, control = await chosen(), await chosen(controle=True)
    await DB.execute("UPDATE reativacao.envio SET em = em - interval '1 hour'")
    await DB.execute(
        """UPDATE outbox SET delivered_at = now(), read_at = now(),
           pricing = '{"category": "marketing", "billable": true}'"""
    )
    await says(written[0], "obrigado")
    await ordered(bot, written[0], 5000)
    await ordered(bot, written[1], 2500)
    await ordered(bot, control[0], 1000)
    await ordered(bot, control[0], 500)

    async def look():
        return (await resultados.de([campanha]))[campanha]

    before = await look()
    assert msgspec.structs.astuple(before.avisados) == (len(written),) * 4 + (1, 2, 7500)
    assert msgspec.structs.astuple(before.controle) == (len(control), 0, 0, 0, 0, 1, 1500)
    assert before.custo == -(-3217 * len(written) // 100)
    assert before.receita_a_mais == 7500 - 1500 * len(written) // len(control)
    await resultados.apurar(context(bot))
    assert await resultados.apurar(context(bot)) == "Resultados atualizados: 0."
    await DB.execute("DELETE FROM outbox")  # kept for a few days only
    assert await look() == before


async def test_an_order_after_the_window_or_before_the_message_counts_for_nothing(bot):
    ana = await add_silent(bot)
    campanha = await add_campanha(bot)
    await ten_o_clock(bot)
    await ordered(bot, ana, 5000, timedelta(hours=1))
    await DB.execute("UPDATE reativacao.envio SET em = em - interval '31 days'")
    await ordered(bot, ana, 5000)
    assert (await resultados.de([campanha]))[campanha].avisados.receita == 0


async def test_an_event_with_a_strange_total_is_an_order_all_the_same(bot):
    ana = await add_silent(bot)
    for total in ("50", -1, 2**60, None):
        await ordered(bot, ana, total)
    assert tuple(await DB.fetchrow("SELECT pedidos, total FROM reativacao.perfil")) == (4, 0)


async def test_a_statuss_price_tells_what_was_free(bot, out, simulator):
    await add_silent(bot)
    campanha = await add_campanha(bot)
    await ten_o_clock(bot)
    await send_all(out)
    await DB.execute(
        """INSERT INTO receipt (chatbot, wamid, status, outbox, at, raw, pricing)
           SELECT chatbot, wamid, 'delivered', id, now(), '',
               '{"billable": false, "category": "marketing", "type": "free_entry_point"}' FROM outbox"""
    )
    await receipts.apply()
    found = (await resultados.de([campanha]))[campanha]
    assert (found.avisados.entregues, found.custo) == (1, 0)


# -- a person ----------------------------------------------------------------------------------------------------


async def test_what_is_kept_about_a_person_is_handed_over_and_let_go_of(bot):
    ana = await add_silent(bot)
    campanha = await add_campanha(bot)
    await ten_o_clock(bot)
    await ordered(bot, ana, 5000)
    held = await privacidade.exportar(bot.id, ana)
    assert [one["campanha"] for one in held["campanhas"]] == ["Saudade"]
    assert held["pedidos"][0]["pedidos"] == 1
    assert await privacidade.apagar(bot.id, ana) == 2
    assert await privacidade.exportar(bot.id, ana) == {"campanhas": [], "pedidos": []}
    assert (await resultados.de([campanha]))[campanha].avisados.pessoas == 1
    assert await conversa_of(ana)
