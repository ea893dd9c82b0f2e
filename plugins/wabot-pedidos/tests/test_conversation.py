"""Ordering, told as chats: what a customer says, and what they see."""

import msgspec
import pytest

from wabot.message import ImageMessage, words_of
from wabot_pedidos.carrinho import Item

MENU = ["Marmitas", "Bebidas"]
DEPOIS = ["Adicionar mais", "Finalizar pedido", "Esvaziar carrinho"]
CONFERIR = ["Confirmar", "Adicionar mais", "Cancelar"]


async def put_in_cart(ana, categoria, produto, quantas):
    """From the categories to the cart."""
    await ana.taps(categoria)
    ana.sees("Qual você prefere?")
    await ana.taps(produto)
    ana.sees(f"*{produto}*", "Quantas unidades")
    await ana.says(str(quantas))
    ana.sees(f"× {produto} no carrinho", options=DEPOIS)


async def reach_the_summary(ana, quantas=2):
    """A cart of feijoadas, about to be confirmed."""
    await ana.says("oi")
    ana.sees("O que vai ser hoje?", options=MENU)
    await put_in_cart(ana, "Marmitas", "Feijoada", quantas)
    await ana.taps("Finalizar pedido")
    ana.sees("Confira o seu pedido:", "Posso confirmar?", options=CONFERIR)


async def test_ana_orders_two_feijoadas(ana, pedidos):
    await ana.says("oi")
    ana.sees("Olá, Ana!", "O que vai ser hoje?", options=["Marmitas", "Bebidas"])
    ana.is_at("selecionar_categoria")

    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?", options=["Feijoada", "Moqueca", "Voltar às categorias"])
    ana.is_at("selecionar_produto")

    await ana.taps("Feijoada")
    ana.sees("*Feijoada*, R$ 29,90.", "Quantas unidades você quer?")
    ana.is_at("informar_quantidade")

    await ana.says("2")
    ana.sees("2 × Feijoada no carrinho", "Total até agora: R$ 59,80", options=DEPOIS)
    ana.is_at("adicionar_mais")

    await ana.taps("Finalizar pedido")
    ana.sees("Confira o seu pedido:", "2 × Feijoada — R$ 59,80", "*Total: R$ 59,80*", options=CONFERIR)
    ana.is_at("confirmar_pedido")

    await ana.taps("Confirmar")
    ana.sees("*Pedido nº 1 confirmado!*", "2 × Feijoada — R$ 59,80", "*Total: R$ 59,80*", "Obrigado")
    ana.is_at(None)
    assert pedidos.anotados == [(1, [Item(1, "Feijoada", 2990, 2)])]
    assert ana.events == ["conversa.iniciada", "pedido.confirmado", "conversa.encerrada"]
    assert ana.happened[1].fields == {"pedido": 1, "numero": 1, "total": 5980, "itens": 2}


async def test_a_whole_order_may_be_typed(ana, pedidos):
    for words in ("boa noite", "marmita", "quero a moqueca", "duas", "finalizar", "confirmar"):
        await ana.says(words)
        ana.sees()
    ana.is_at(None)
    assert pedidos.anotados == [(1, [Item(2, "Moqueca", 3490, 2)])]


async def test_ana_orders_two_products(ana, pedidos):
    await ana.says("cardápio")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Marmitas", "Feijoada", 2)
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?", options=MENU)
    await put_in_cart(ana, "Bebidas", "Guaraná", 1)
    await ana.taps("Finalizar pedido")
    ana.sees("2 × Feijoada — R$ 59,80\n1 × Guaraná — R$ 7,90\n*Total: R$ 67,70*")
    await ana.taps("Confirmar")
    ana.sees("Pedido nº 1 confirmado", "R$ 67,70")
    assert pedidos.anotados == [(1, [Item(1, "Feijoada", 2990, 2), Item(3, "Guaraná", 790, 1)])]


async def test_the_same_product_twice_adds_up(ana, pedidos):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Marmitas", "Feijoada", 2)
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Marmitas", "Feijoada", 3)
    await ana.taps("Finalizar pedido")
    ana.sees("5 × Feijoada — R$ 149,50")
    await ana.taps("Confirmar")
    ana.sees("Pedido nº 1 confirmado")
    assert pedidos.anotados == [(1, [Item(1, "Feijoada", 2990, 5)])]


async def test_the_same_product_at_a_new_price_is_charged_the_new_price_and_says_so(ana, loja):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Marmitas", "Feijoada", 2)
    loja["Feijoada"].preco = 3500
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("R$ 35,00")
    await ana.says("1")
    ana.sees("Total até agora: R$ 105,00")


async def test_an_order_gets_the_next_number(ana):
    for numero in (1, 2):
        await reach_the_summary(ana)
        await ana.taps("Confirmar")
        ana.sees(f"Pedido nº {numero} confirmado!")


# -- the shop changes while the customer types ---------------------------------------------------------------


@pytest.mark.parametrize("change", ["removed", "switched off", "sold out"])
async def test_a_product_that_goes_while_the_quantity_is_typed_is_not_sold(ana, loja, change):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("Quantas unidades")
    match change:
        case "removed":
            del loja["Feijoada"]
        case "switched off":
            loja["Feijoada"].disponivel = False
        case "sold out":
            loja["Feijoada"].estoque = 0
    await ana.says("2")
    ana.sees("acabou de esgotar", "Qual você prefere?", options=["Moqueca", "Voltar às categorias"])


async def test_a_category_switched_off_is_left(ana, loja):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    loja.inativas.add("Marmitas")
    await ana.says("1")
    ana.sees("Os produtos dessa categoria acabaram.", "Qual você prefere?", options=["Guaraná"])


async def test_a_category_emptied_offers_the_others(ana, loja):
    loja.prateleira.append(type(loja["Guaraná"])(9, 2, "Suco", 900))
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Bebidas")
    ana.sees("Qual você prefere?")
    await ana.taps("Suco")
    ana.sees("Quantas")
    loja["Suco"].estoque = loja["Guaraná"].estoque = 0
    await ana.says("1")
    ana.sees("esgotar", "Os produtos dessa categoria acabaram.", options=["Feijoada", "Moqueca"])


async def test_a_shop_that_sells_out_in_mid_conversation_says_so_and_ends(ana, loja):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    loja.prateleira.clear()
    await ana.says("1")
    ana.sees("não temos nada disponível")
    assert words_of(ana.last).count("Olá") == 0
    ana.is_at(None)
    assert ana.events == ["conversa.iniciada", "pedido.cardapio_vazio", "conversa.encerrada"]


async def test_with_one_category_nobody_is_asked_which(ana, loja):
    del loja["Guaraná"]
    await ana.says("oi")
    ana.sees("Olá, Ana!", "Qual você prefere?", options=["Feijoada", "Moqueca"])


async def test_an_empty_shop_says_so_and_ends(ana, loja):
    loja.prateleira.clear()
    await ana.says("oi")
    ana.sees("Olá, Ana! No momento não temos nada disponível")
    ana.is_at(None)
    assert ana.events == ["conversa.iniciada", "pedido.cardapio_vazio", "conversa.encerrada"]


async def test_when_one_category_is_left_after_another_was_chosen_it_is_offered(ana, loja):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Bebidas", "Guaraná", 1)
    loja["Guaraná"].estoque = 0
    await ana.taps("Adicionar mais")
    ana.sees("Qual você prefere?", options=["Feijoada", "Moqueca"])
    assert "acabaram" not in words_of(ana.last)


# -- stock ---------------------------------------------------------------------------------------------------


async def test_more_than_the_stock_is_not_sold(ana, loja):
    loja["Feijoada"].estoque = 3
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("Quantas")
    await ana.says("4")
    ana.sees("Temos só 3 de Feijoada")
    await ana.says("3")
    ana.sees("3 × Feijoada no carrinho")


async def test_the_last_one_is_offered_as_such(ana, loja):
    loja["Feijoada"].estoque = 1
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("Quantas")
    await ana.says("2")
    ana.sees("Temos só mais 1 unidade de Feijoada")


async def test_what_is_in_the_cart_counts_against_the_stock(ana, loja):
    loja["Feijoada"].estoque = 3
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Marmitas", "Feijoada", 2)
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("Quantas")
    await ana.says("2")
    ana.sees("Temos só mais 1 unidade")
    await ana.says("1")
    ana.sees("1 × Feijoada no carrinho", "R$ 89,70")
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("já colocou no carrinho tudo o que temos de Feijoada", options=DEPOIS)


async def test_the_maximum_per_item_is_the_shops(conversa):
    ana = conversa(maximo_por_item=5)
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("Quantas")
    await ana.says("muitas")
    ana.sees("de 1 a 5")
    await ana.says("6")
    ana.sees("até 5 unidades")
    await ana.says("5")
    ana.sees("5 × Feijoada no carrinho")


async def test_the_maximum_per_item_counts_what_is_in_the_cart(conversa):
    ana = conversa(maximo_por_item=5)
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Marmitas", "Feijoada", 3)
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("Quantas")
    await ana.says("3")
    ana.sees("5 unidades", "no carrinho já há 3")
    await ana.says("2")
    ana.sees("2 × Feijoada no carrinho")
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("já tem no carrinho o máximo de 5 unidades", options=DEPOIS)


# -- what is not an answer -----------------------------------------------------------------------------------


async def test_a_tap_on_an_old_menu_does_not_order_the_wrong_thing(ana):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Bebidas")
    ana.sees(
        "pergunta anterior", "Qual você prefere?", options=["Feijoada", "Moqueca", "Voltar às categorias"]
    )
    ana.is_at("selecionar_produto")


async def test_a_picture_instead_of_a_number_is_explained(ana):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("Quantas")
    await ana.sends("image", "quero 2")
    ana.sees("Consigo ler só texto", "Quantas unidades")
    await ana.sends("audio")
    ana.sees("Consigo ler só texto", "Quantas unidades")
    await ana.says("2")
    ana.sees("2 × Feijoada no carrinho")


async def test_a_product_shows_its_picture_with_the_question(ana, loja):
    loja["Feijoada"].imagem_url = "https://example.com/feijoada.jpg"
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    ana.sees("*Feijoada*", "Quantas unidades")
    assert isinstance(ana.last, ImageMessage)
    assert ana.last.link == "https://example.com/feijoada.jpg"


# -- before confirming ---------------------------------------------------------------------------------------

WAYS_TO_CONFIRM = pytest.mark.parametrize(
    "confirms", ["taps", "types", "types the number", "types a sentence"]
)


async def confirm(ana, how):
    match how:
        case "taps":
            await ana.taps("Confirmar")
        case "types":
            await ana.says("confirmar")
        case "types the number":
            await ana.says("1")
        case "types a sentence":
            await ana.says("pode confirmar sim")


@WAYS_TO_CONFIRM
async def test_any_way_to_confirm_confirms(ana, pedidos, confirms):
    await reach_the_summary(ana)
    await confirm(ana, confirms)
    ana.sees("Pedido nº 1 confirmado")
    assert len(pedidos.anotados) == 1


@WAYS_TO_CONFIRM
async def test_a_price_that_changed_unseen_is_never_charged(ana, loja, pedidos, confirms):
    await reach_the_summary(ana)
    loja["Feijoada"].preco = 3500
    await confirm(ana, confirms)
    ana.sees("Feijoada mudou de R$ 29,90 para R$ 35,00", "*Total: R$ 70,00*", options=CONFERIR)
    assert pedidos.anotados == []
    await confirm(ana, confirms)
    ana.sees("Pedido nº 1 confirmado", "R$ 70,00")
    assert pedidos.anotados == [(1, [Item(1, "Feijoada", 3500, 2)])]


@WAYS_TO_CONFIRM
async def test_a_quantity_reduced_unseen_is_never_ordered(ana, loja, pedidos, confirms):
    await reach_the_summary(ana, quantas=3)
    loja["Feijoada"].estoque = 1
    await confirm(ana, confirms)
    ana.sees("Temos só 1 de Feijoada; ajustei", "1 × Feijoada", options=CONFERIR)
    assert pedidos.anotados == []
    await confirm(ana, confirms)
    ana.sees("Pedido nº 1 confirmado", "R$ 29,90")


async def test_a_price_that_changes_and_changes_back_is_asked_again(ana, loja, pedidos):
    await reach_the_summary(ana)
    loja["Feijoada"].preco = 3500
    await ana.says("confirmar")
    ana.sees("R$ 35,00")
    loja["Feijoada"].preco = 2990
    await ana.says("confirmar")
    ana.sees("*Total: R$ 59,80*", options=CONFERIR)
    assert pedidos.anotados == []


async def test_the_confirmar_under_an_older_summary_does_not_confirm_another_cart(ana, pedidos):
    await reach_the_summary(ana)
    old = ana.last.buttons[0]
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Bebidas", "Guaraná", 1)
    await ana.taps("Finalizar pedido")
    ana.sees("*Total: R$ 67,70*")
    await ana._send("tap", "Confirmar", option=old.id, shown="[Confirmar] (the older one)")
    ana.sees("não está mais disponível", "*Total: R$ 67,70*", options=CONFERIR)
    assert pedidos.anotados == []


async def test_the_confirmar_of_a_finished_order_does_not_order_again(ana, pedidos):
    await reach_the_summary(ana)
    await ana.taps("Confirmar")
    ana.sees("Pedido nº 1 confirmado")
    await ana.taps("Confirmar")
    ana.sees("conversa que já terminou", "O que vai ser hoje?")
    assert len(pedidos.anotados) == 1


async def test_an_item_that_vanished_from_the_cart_is_told(ana, loja, pedidos):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Marmitas", "Feijoada", 2)
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Bebidas", "Guaraná", 1)
    loja["Feijoada"].estoque = 0
    await ana.taps("Finalizar pedido")
    ana.sees("Feijoada esgotou e saiu do seu carrinho.", "1 × Guaraná", "*Total: R$ 7,90*")
    assert "2 × Feijoada" not in words_of(ana.last)
    await ana.taps("Confirmar")
    ana.sees("Pedido nº 1 confirmado", "R$ 7,90")
    assert pedidos.anotados == [(1, [Item(3, "Guaraná", 790, 1)])]


async def test_a_cart_that_vanished_altogether_begins_again(ana, loja):
    await reach_the_summary(ana)
    del loja["Feijoada"]
    await ana.says("confirmar")
    ana.sees("Feijoada esgotou", "O seu carrinho está vazio.", "O que vai ser hoje?", options=MENU)
    await put_in_cart(ana, "Bebidas", "Guaraná", 1)
    await ana.taps("Finalizar pedido")
    ana.sees("1 × Guaraná")
    assert "Feijoada" not in words_of(ana.last)


async def test_a_shop_that_closed_before_the_confirmation_says_so(ana, loja):
    await reach_the_summary(ana)
    loja.prateleira.clear()
    await ana.taps("Confirmar")
    ana.sees("Feijoada esgotou", "não temos nada disponível")
    ana.is_at(None)


async def test_stock_that_went_at_the_very_moment_of_confirming_shows_the_summary_again(ana, loja, pedidos):
    class VendidoAgora(type(pedidos)):
        async def confirmar(self, *args, **kwargs):
            """Somebody else was a moment faster."""
            loja["Feijoada"].estoque = 1
            return await super().confirmar(*args, **kwargs)

    ana.doubles = {
        kind: VendidoAgora(loja) if double is pedidos else double for kind, double in ana.doubles.items()
    }
    await reach_the_summary(ana)
    await ana.taps("Confirmar")
    ana.sees("o estoque mudou", "Temos só 1 de Feijoada", "1 × Feijoada — R$ 29,90", options=CONFERIR)
    assert "pedido.confirmado" not in ana.events
    await ana.taps("Confirmar")
    ana.sees("Pedido nº 1 confirmado", "R$ 29,90")


async def test_adicionar_mais_at_the_summary_keeps_the_cart(ana):
    await reach_the_summary(ana)
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?", options=MENU)
    await put_in_cart(ana, "Bebidas", "Guaraná", 2)
    await ana.taps("Finalizar pedido")
    ana.sees("2 × Feijoada", "2 × Guaraná", "*Total: R$ 75,60*")


async def test_adicionar_mais_after_a_change_takes_the_change_over(ana, loja):
    await reach_the_summary(ana)
    loja["Feijoada"].preco = 3500
    await ana.taps("Confirmar")
    ana.sees("mudou de R$ 29,90 para R$ 35,00")
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Bebidas", "Guaraná", 1)
    await ana.taps("Finalizar pedido")
    ana.sees("*Total: R$ 77,90*")
    assert "mudou" not in words_of(ana.last)


async def test_an_emptied_cart_is_empty(ana):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Marmitas", "Feijoada", 2)
    await ana.taps("Esvaziar carrinho")
    ana.sees("esvaziei o carrinho", "O que vai ser hoje?", options=MENU)
    await put_in_cart(ana, "Bebidas", "Guaraná", 1)
    await ana.taps("Finalizar pedido")
    ana.sees("*Total: R$ 7,90*")


@pytest.mark.parametrize("how", ["taps", "types"])
async def test_cancelling_at_the_summary_orders_nothing(ana, loja, pedidos, how):
    loja["Feijoada"].estoque = 5
    await reach_the_summary(ana)
    await (ana.taps("Cancelar") if how == "taps" else ana.says("cancelar"))
    ana.sees("cancelei o pedido")
    ana.is_at(None)
    assert (pedidos.anotados, loja["Feijoada"].estoque) == ([], 5)
    assert ana.events == ["conversa.iniciada", "pedido.desistiu", "conversa.encerrada"]
    assert ana.happened[1].fields == {"total": 5980}


async def test_cancelar_works_before_the_summary_too(ana, pedidos):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.says("cancelar")
    ana.sees("cancelei")
    ana.is_at(None)
    assert pedidos.anotados == []


# -- the shop's own words, and names -------------------------------------------------------------------------


async def test_the_shop_greets_and_says_goodbye_in_its_own_words(conversa):
    ana = conversa(saudacao="Bem-vinda ao {Cantinho}!", despedida="Fica pronto em 40 minutos.")
    await ana.says("oi")
    ana.sees("Bem-vinda ao {Cantinho}!\n\nO que vai ser hoje?")
    await put_in_cart(ana, "Marmitas", "Feijoada", 1)
    await ana.taps("Finalizar pedido")
    ana.sees("Confira")
    await ana.taps("Confirmar")
    ana.sees("Pedido nº 1 confirmado", "Fica pronto em 40 minutos.")
    assert "Obrigado" not in words_of(ana.last)


@pytest.mark.parametrize("nome", ["", "   "])
async def test_a_customer_without_a_name_is_greeted_too(conversa, nome):
    someone = conversa(nome=nome)
    await someone.says("oi")
    someone.sees("Olá! 👋")


@pytest.mark.parametrize("nome", ["{Chave}", "{0}", "%s"])
async def test_names_with_braces_are_only_names(conversa, loja, nome):
    loja["Feijoada"].nome = nome
    someone = conversa(nome=nome)
    await someone.says("oi")
    someone.sees(f"Olá, {nome}!")
    await put_in_cart(someone, "Marmitas", nome, 1)
    await someone.taps("Finalizar pedido")
    someone.sees(f"1 × {nome}")


async def test_a_customer_in_the_wrong_category_goes_back(ana):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Bebidas")
    ana.sees("Qual você prefere?")
    await ana.says("voltar")
    ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    ana.sees("Qual você prefere?")
    await ana.taps("Voltar às categorias")
    ana.sees("O que vai ser hoje?")


async def test_a_cart_keeps_its_code_and_every_other_has_another(conversa):
    codes = []
    for _ in range(2):
        ana = conversa()
        await ana.says("oi")
        ana.sees("O que vai ser hoje?")
        await put_in_cart(ana, "Marmitas", "Feijoada", 1)
        codes.append(msgspec.json.decode(ana.state.data)["codigo"])
    await ana.taps("Adicionar mais")
    ana.sees("O que vai ser hoje?")
    await put_in_cart(ana, "Bebidas", "Guaraná", 1)
    assert msgspec.json.decode(ana.state.data)["codigo"] == codes[1] != codes[0] != ""
