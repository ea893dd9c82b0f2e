"""Overrides and filters in a turn: what another plugin changes of a flow, by name."""

from dataclasses import replace

import msgspec
import pytest

from wabot import texts
from wabot.errors import PluginFailed
from wabot.flow import Ask, Chatbot, Choose, Cliente, End, Flow, Go, Handover
from wabot.message import Inbound, words_of
from wabot.parts import Bound, Filter, Override, Say
from wabot.testing.chat import STARTS
from wabot.turn import BoundFlow, Scene, State, take_turn


class Pedido(msgspec.Struct):
    produto: str = ""


loja = Flow("loja", data=Pedido)


@loja.etapa
async def inicio(ctx):
    def then(produto):
        ctx.data.produto = produto
        return Go(confirmar)

    return Choose(f"O que vai ser? {ctx.config}", among=["Feijoada", "Moqueca"], then=then)


@loja.etapa
async def confirmar(ctx):
    return Ask(f"{ctx.data.produto}: confirma?", check=str, then=lambda _: End("Pronto."))


async def hears(words, *, state=None, overrides=None, filters=(), down=frozenset(), incomplete=False):
    bound = BoundFlow(loja, "da loja", "loja", overrides or {})
    scene = Scene(
        Chatbot(1, "Loja"), Cliente(1, "Ana"), STARTS, filters=filters, down=down, incomplete=incomplete
    )
    message = Inbound(wamid="w", at=STARTS, kind="text", text=words)
    return await take_turn([bound], state or State(), scene, message)


def said(turn):
    return [words_of(reply) for reply in turn.replies]


async def shorter(ctx):
    return Ask(f"{ctx.config}: {ctx.data.produto}?", check=str, then=lambda _: Go("inicio"))


async def with_notice(ctx, etapa):
    asked = await etapa(ctx)
    return replace(asked, text=f"Frete grátis! {asked.text}")


CHOSEN = State("loja", "inicio", 1, b"{}", ("feijoada", "moqueca"))


async def test_an_etapa_is_replaced_with_the_overriding_plugins_configuration():
    override = Override("loja.confirmar", replace=shorter)
    overrides = {"confirmar": Bound("frete", override, "do frete")}
    turn = await hears("1", state=CHOSEN, overrides=overrides)
    assert said(turn) == ["do frete: Feijoada?"]
    back = await hears("sim", state=turn.state, overrides=overrides)
    assert said(back) == ["O que vai ser? da loja"]


async def test_an_etapa_is_wrapped_and_keeps_its_own_configuration():
    overrides = {"inicio": Bound("frete", Override("loja.inicio", wrap=with_notice), "do frete")}
    turn = await hears("oi", overrides=overrides)
    assert said(turn) == ["Frete grátis! O que vai ser? da loja"]
    assert said(await hears("2", state=turn.state, overrides=overrides)) == ["Moqueca: confirma?"]


async def test_the_override_is_to_blame_for_what_it_raises():
    async def breaks(ctx):
        raise KeyError

    with pytest.raises(PluginFailed) as failed:
        await hears("oi", overrides={"inicio": Bound("frete", Override("loja.inicio", replace=breaks))})
    assert failed.value.plugin == "frete"


async def test_a_plugin_that_is_down_keeps_the_conversation_where_it_is():
    turn = await hears("1", state=CHOSEN, down=frozenset({"loja"}))
    assert (said(turn), turn.state) == ([texts.FORA_DO_AR], CHOSEN)


async def test_a_customer_of_a_plugin_that_is_down_may_still_ask_for_a_person():
    turn = await hears("atendente", state=CHOSEN, down=frozenset({"loja"}))
    assert turn.state.person


async def test_a_conversation_whose_plugin_is_missing_is_kept_for_when_it_is_back():
    sumido = State("pizzaria", "sabor", 1)
    turn = await hears("1", state=sumido, incomplete=True)
    assert (said(turn), turn.state) == ([texts.FORA_DO_AR], sumido)


def gate(answer):
    async def look(ctx):
        return answer

    return (Bound("horario", Filter("horario", look)),)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, "Feijoada: confirma?"),
        (Say("Estamos fechados."), "Estamos fechados."),
        (Handover("Um momento."), "Um momento."),
        (Inbound(wamid="w", at=STARTS, kind="text", text="2"), "Moqueca: confirma?"),
    ],
    ids=["lets it through", "answers", "hands over", "changes it"],
)
async def test_a_filter(answer, expected):
    assert said(await hears("1", state=CHOSEN, filters=gate(answer))) == [expected]


async def test_a_filters_answer_leaves_the_conversation_where_it_is():
    assert (await hears("1", state=CHOSEN, filters=gate(Say("Fechado.")))).state == CHOSEN


async def test_a_filter_that_gives_nonsense_can_be_left_out():
    with pytest.raises(PluginFailed) as failed:
        await hears("1", state=CHOSEN, filters=gate(7))
    assert (failed.value.plugin, failed.value.skippable) == ("horario", True)
    assert said(await hears("1", state=CHOSEN, filters=gate(7), down=frozenset({"horario"})))


@pytest.mark.parametrize(
    "wrong",
    [{"etapa": "loja"}, {"etapa": "loja.x"}, {"etapa": "loja.x", "replace": shorter, "wrap": with_notice}],
)
def test_an_override_that_cannot_be_is_refused_where_its_author_sees_it(wrong):
    with pytest.raises(ValueError, match="override"):
        Override(**wrong)
