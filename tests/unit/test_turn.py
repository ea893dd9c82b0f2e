"""The engine, with a small flow: no database, no network."""

from datetime import timedelta

import msgspec
import pytest

from wabot.errors import FlowFault, NotUnderstood
from wabot.flow import Ask, Choose, Cliente, Context, End, Flow, Go, Handover, Option
from wabot.message import ButtonsMessage, Inbound, ListMessage, words_of
from wabot.testing.chat import SHOP, STARTS, Chat
from wabot.turn import BoundFlow, Scene, State, take_turn


class Mesa(msgspec.Struct):
    prato: str = ""
    pessoas: int = 0


reserva = Flow("reserva", data=Mesa, keywords=["reservar"])
PRATOS = [Option("f", "Feijoada"), Option("m", "Moqueca"), Option("b", "Bobó de camarão")]


@reserva.etapa
async def inicio(ctx: Context[Mesa]):
    return Go(prato, say=f"Olá, {ctx.cliente.primeiro_nome}!")


@reserva.etapa
async def prato(ctx: Context[Mesa]):
    def then(escolhido: Option):
        ctx.data.prato = escolhido.title
        return Go(pessoas)

    return Choose("Qual prato?", among=ctx.doubles.get(list, PRATOS), then=then)


@reserva.etapa
async def pessoas(ctx: Context[Mesa]):
    def check(words: str) -> int:
        if not words.isdecimal():
            raise NotUnderstood("Escreva um número.")
        return int(words)

    async def then(quantas: int):
        if quantas > 20:
            return Handover()
        ctx.data.pessoas = quantas
        ctx.event("mesa.reservada", pessoas=quantas)
        return End(f"{ctx.data.prato} para {quantas}. Até logo!")

    return Ask("Para quantas pessoas?", check=check, then=then)


@pytest.fixture
def ana():
    return Chat(reserva)


async def test_a_conversation_from_greeting_to_end(ana):
    await ana.says("oi")
    ana.sees("Olá, Ana!", "Qual prato?", options=["Feijoada", "Moqueca", "Bobó de camarão"])
    await ana.taps("Moqueca")
    ana.sees("Para quantas pessoas?")
    await ana.says("4")
    ana.sees("Moqueca para 4")
    ana.is_at(None)
    assert ana.events == ["conversa.iniciada", "mesa.reservada", "conversa.encerrada"]


async def test_greeting_and_question_are_one_message(ana):
    await ana.says("oi")
    assert words_of(ana.last) == "Olá, Ana!\n\nQual prato?"


@pytest.mark.parametrize(
    "words", ["2", "2.", "opção 2", "Moqueca", "moqueca!", "MOQUECA", "quero a moqueca", "moq", "Moquéca"]
)
async def test_an_option_may_be_typed_in_many_ways(ana, words):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.says(words)
    ana.sees("Para quantas pessoas?")
    await ana.says("1")
    ana.sees("Moqueca para 1")


@pytest.mark.parametrize("words", ["4", "0", "talvez", "ou", ""])
async def test_what_is_no_option_is_asked_again_with_a_hint(ana, words):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.says(words)
    ana.sees("opç", "Qual prato?", options=["Feijoada", "Moqueca", "Bobó de camarão"])
    ana.is_at("prato")
    assert ana.events[-1] == "resposta.nao_entendida"


async def test_the_flows_own_hint_is_shown(ana):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.taps("Feijoada")
    ana.sees("Para quantas")
    await ana.says("muitas")
    ana.sees("Escreva um número.", "Para quantas pessoas?")


async def test_after_three_misses_a_person_is_offered(ana):
    await ana.says("oi")
    ana.sees("Qual prato?")
    for _ in range(2):
        await ana.says("hum")
        ana.sees("Não entendi")
        assert "atendente" not in words_of(ana.last)
    await ana.says("hum")
    ana.sees("Não entendi", "*atendente*")


async def test_a_tap_on_an_old_question_changes_nothing(ana):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.taps("Feijoada")
    ana.sees("Para quantas")
    await ana.taps("Moqueca")
    ana.sees("pergunta anterior", "Para quantas pessoas?")
    await ana.says("2")
    ana.sees("Feijoada para 2")


async def test_a_tap_on_an_option_that_vanished_says_so():
    menu = list(PRATOS)
    ana = Chat(reserva, doubles={list: menu})
    await ana.says("oi")
    ana.sees("Qual prato?")
    menu.pop(0)
    await ana.taps("Feijoada")
    ana.sees("não está mais disponível", options=["Moqueca", "Bobó de camarão"])


async def test_a_number_counts_among_what_the_customer_saw():
    menu = list(PRATOS)
    ana = Chat(reserva, doubles={list: menu})
    await ana.says("oi")
    ana.sees("Qual prato?")
    menu.pop(0)
    await ana.says("2")
    ana.sees("Para quantas")
    await ana.says("1")
    ana.sees("Moqueca para 1")


async def test_a_tap_from_a_finished_conversation_begins_anew(ana):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.taps("Feijoada")
    ana.sees("quantas")
    await ana.says("1")
    ana.sees("Até logo")
    await ana.taps("Moqueca")
    ana.sees("já terminou", "Qual prato?")


async def test_thanks_after_the_end_do_not_start_again(ana):
    await ana.says("Muito obrigada!")
    ana.sees("Por nada")
    ana.is_at(None)


@pytest.mark.parametrize("kind", ["image", "audio", "sticker", "location", "unknown"])
async def test_a_picture_instead_of_an_answer_is_explained(ana, kind):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.sends(kind)
    ana.sees("Toque em uma das opções", "Qual prato?")
    await ana.taps("Feijoada")
    ana.sees("quantas")
    await ana.sends(kind)
    ana.sees("texto", "Para quantas pessoas?")


@pytest.mark.parametrize("kind", ["reaction", "system", "revoke", "edit", "group"])
async def test_what_nobody_expects_an_answer_to_gets_none(ana, kind):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.sends(kind)
    ana.sees_nothing()
    ana.is_at("prato")


async def test_menu_starts_over_from_anywhere(ana):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.taps("Feijoada")
    ana.sees("quantas")
    await ana.says("Menu")
    ana.sees("Qual prato?")


async def test_cancelar_ends_the_flow(ana):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.says("cancelar")
    ana.sees("cancelei")
    ana.is_at(None)
    await ana.says("cancelar")
    ana.sees("Não há nada em andamento")


async def test_sair_opts_out_at_once(ana):
    await ana.says("PARAR")
    ana.sees("não vai mais receber")
    assert ana.opted_out
    assert "cliente.saiu" in ana.events


async def test_a_person_takes_over_until_menu(ana):
    await ana.says("falar com atendente")
    ana.sees("Vou chamar uma pessoa")
    await ana.says("alô?")
    ana.sees_nothing()
    await ana.says("menu")
    ana.sees("Qual prato?")


@pytest.mark.parametrize("words", ["PARAR", "Parar promoções", "Não quero receber."])
async def test_who_talks_to_a_person_can_stop_marketing_too(ana, words):
    await ana.says("falar com atendente")
    ana.sees("Vou chamar uma pessoa")
    await ana.says(words)
    ana.sees_nothing()
    assert "cliente.saiu" in ana.events
    assert ana.state.person


async def test_a_flow_may_hand_over(ana):
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.taps("Feijoada")
    ana.sees("quantas")
    await ana.says("50")
    ana.sees("Vou chamar uma pessoa")
    assert ana.state.person


async def test_an_option_titled_like_a_global_word_is_the_option():
    ana = Chat(reserva, doubles={list: [Option("c", "Cancelar"), Option("m", "Menu")]})
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.says("cancelar")
    ana.sees("Para quantas")


async def test_more_than_ten_options_are_paged():
    ana = Chat(reserva, doubles={list: [Option(str(n), f"Prato {n}") for n in range(1, 25)]})
    await ana.says("oi")
    ana.sees("Qual prato?", options=[*(f"Prato {n}" for n in range(1, 10)), "Ver mais"])
    await ana.taps("Ver mais")
    ana.sees("Qual prato?", options=[*(f"Prato {n}" for n in range(10, 18)), "Ver mais", "Voltar"])
    await ana.taps("Ver mais")
    ana.sees("Qual prato?", options=[*(f"Prato {n}" for n in range(18, 25)), "Voltar"])
    await ana.says("2")
    ana.sees("quantas")
    await ana.says("1")
    ana.sees("Prato 19 para 1")


async def test_every_option_stands_on_exactly_one_page():
    for count in range(1, 60):
        ana = Chat(reserva, doubles={list: [Option(str(n), f"P{n}", "d") for n in range(count)]})
        await ana.says("oi")
        seen = []
        while True:
            ana._unread.clear()
            rows = [row for row in ana.last.rows if not row.id.split(":")[1].startswith("~")]
            assert len(ana.last.rows) <= 10
            seen += [row.title for row in rows]
            if "Ver mais" not in [row.title for row in ana.last.rows]:
                break
            await ana.taps("Ver mais")
        assert seen == [f"P{n}" for n in range(count)]


async def test_ver_mais_may_be_typed():
    ana = Chat(reserva, doubles={list: [Option(str(n), f"Prato {n}") for n in range(1, 13)]})
    await ana.says("oi")
    ana.sees("Qual prato?")
    await ana.says("ver mais")
    ana.sees("Qual prato?", options=["Prato 10", "Prato 11", "Prato 12", "Voltar"])
    await ana.says("picanha")
    ana.sees("Não entendi", options=["Prato 10", "Prato 11", "Prato 12", "Voltar"])
    await ana.says("voltar")
    ana.sees("Qual prato?", options=[*(f"Prato {n}" for n in range(1, 10)), "Ver mais"])


async def test_three_short_options_are_buttons_and_long_ones_a_list():
    ana = Chat(
        reserva, doubles={list: [Option("x", "Um prato de nome bem comprido mesmo"), Option("y", "B")]}
    )
    await ana.says("oi")
    assert isinstance(ana.last, ListMessage)
    assert ana.last.rows[0].title == "Um prato de nome bem co…"
    assert ana.last.rows[0].description == "Um prato de nome bem comprido mesmo"
    bia = Chat(reserva)
    await bia.says("oi")
    assert isinstance(bia.last, ButtonsMessage)


async def test_words_too_long_for_one_message_go_ahead_of_it():
    flow = Flow("longo", data=Mesa)

    @flow.etapa
    async def inicio(ctx):
        return Choose("palavra " * 200, among=PRATOS, then=lambda _: End("fim"))

    ana = Chat(flow)
    await ana.says("oi")
    ana.sees("palavra")
    ana.sees("Escolha uma opção:", options=["Feijoada", "Moqueca", "Bobó de camarão"])


async def test_an_upgraded_flow_without_a_migration_restarts_politely():
    ana = Chat(reserva, state=State(flow="reserva", etapa="prato", version=0))
    await ana.says("1")
    ana.sees("Atualizamos", "Qual prato?")


async def test_state_that_cannot_be_read_restarts_politely():
    ana = Chat(reserva, state=State(flow="reserva", etapa="prato", version=1, data=b'{"pessoas": "muitas"}'))
    await ana.says("1")
    ana.sees("Atualizamos", "Qual prato?")


async def test_a_flow_that_was_switched_off_restarts_politely(ana):
    ana.state = State(flow="pizzaria", etapa="sabor", version=1)
    await ana.says("calabresa")
    ana.sees("Atualizamos", "Qual prato?")


async def test_a_bot_without_flows_is_silent():
    ana = Chat()
    await ana.says("oi")
    ana.sees_nothing()


async def test_two_flows_are_offered_by_menu_and_started_by_keyword():
    pizza = Flow("pizza", data=Mesa, title="Pizza", keywords=["pizza"])

    @pizza.etapa
    async def sabor(ctx):
        return Choose("Qual sabor?", among=["Calabresa", "Atum"], then=lambda escolha: End(f"{escolha}!"))

    ana = Chat(reserva, pizza)
    await ana.says("oi")
    ana.sees("Como posso ajudar?", options=["Reserva", "Pizza"])
    await ana.taps("Pizza")
    ana.sees("Qual sabor?")
    await ana.says("reservar")
    ana.sees("Qual prato?")
    await ana.says("menu")
    ana.sees("Como posso ajudar?")
    await ana.says("2")
    ana.sees("Qual sabor?")
    await ana.says("atum")
    ana.sees("Atum!")


async def test_a_circle_of_gos_is_named():
    volta = Flow("volta", data=Mesa)

    @volta.etapa
    async def aqui(ctx):
        return Go(aqui)

    with pytest.raises(FlowFault, match=r"volta\.aqui: more than 10"):
        await Chat(volta).says("oi")


@pytest.mark.parametrize("garbage", [None, "texto", 42])
async def test_garbage_from_an_etapa_is_named(garbage):
    torto = Flow("torto", data=Mesa)

    @torto.etapa
    async def inicio(ctx):
        return garbage

    with pytest.raises(FlowFault, match=r"torto\.inicio gave"):
        await Chat(torto).says("oi")


async def test_a_go_to_a_strangers_etapa_is_named():
    torto = Flow("torto", data=Mesa)

    @torto.etapa
    async def inicio(ctx):
        return Go(prato)

    with pytest.raises(FlowFault, match="prato', which is not an etapa"):
        await Chat(torto).says("oi")


async def test_speaking_over_an_unread_reply_fails_with_the_whole_conversation(ana):
    await ana.says("oi")
    with pytest.raises(AssertionError) as failure:
        await ana.says("olá?")
    assert "     Ana: oi\n     bot: Olá, Ana!\n" in str(failure.value)
    assert "▢ Feijoada" in str(failure.value)
    assert "(at prato)" in str(failure.value)


# -- late messages, and who speaks ---------------------------------------------------------------------------

WAITING = State(flow="reserva", etapa="pessoas", version=1, data=b'{"prato":"Moqueca"}', misses=1)


async def turn_of(words, ago=timedelta(0), state=WAITING):
    message = Inbound(wamid="wamid.1", at=STARTS - ago, kind="text", text=words)
    return await take_turn([BoundFlow(reserva)], state, Scene(SHOP, Cliente(1), STARTS), message)


@pytest.mark.parametrize("words", ["4", "menu", "cancelar", "reservar", "atendente"])
@pytest.mark.parametrize(
    "state", [WAITING, State(), State(person=True)], ids=["waiting", "idle", "with a person"]
)
async def test_a_message_more_than_a_day_late_changes_nothing_and_is_not_answered(words, state):
    turn = await turn_of(words, timedelta(hours=24, seconds=1), state)
    assert (turn.state, turn.replies, turn.opted_out) == (state, (), False)
    assert [(event.name, event.fields) for event in turn.events] == [("mensagem.atrasada", {"horas": 24})]


async def test_a_message_that_is_a_day_late_at_most_is_answered():
    assert (await turn_of("4", timedelta(hours=24))).replies


async def test_who_wanted_to_be_left_alone_a_day_ago_is():
    turn = await turn_of("sair", timedelta(days=2))
    assert turn.opted_out
    assert (turn.state, turn.replies) == (WAITING, ())
    assert [event.name for event in turn.events] == ["mensagem.atrasada", "cliente.saiu"]


@pytest.mark.parametrize(
    ("words", "state", "flow"),
    [
        ("4", WAITING, "reserva"),
        ("muitas", WAITING, "reserva"),
        ("obrigada", State(), ""),
        ("cancelar", WAITING, ""),
    ],
    ids=["its last words", "a question again", "thanks", "the engine's word"],
)
async def test_a_turn_tells_which_flow_spoke(words, state, flow):
    assert (await turn_of(words, state=state)).flow == flow


def test_a_flow_is_reopened_by_a_template():
    with pytest.raises(ValueError, match="reopen is a TemplateMessage, not str"):
        Flow("torto", data=Mesa, reopen="continue")
