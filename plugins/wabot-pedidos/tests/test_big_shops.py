"""Many products, long names, long orders: everything still fits. `conftest.Conversa` checks each message."""

import re
from random import Random

import msgspec
import pytest

from wabot.message import ButtonsMessage, ListMessage, words_of
from wabot.testing.chat import offers
from wabot.turn import State
from wabot_pedidos.carrinho import Carrinho, Item
from wabot_pedidos.testing import CardapioFixo


@pytest.fixture
def loja(request):
    """The menu the test asks for with `with_menu`."""
    return CardapioFixo(request.param)


def with_menu(menu):
    return pytest.mark.parametrize("loja", [menu], indirect=True, ids=["shop"])


def at_the_summary(chat, itens):
    """A customer who has chosen all this and is asked whether there is anything else."""
    data = msgspec.json.encode(Carrinho(itens=itens))
    chat.state = State(
        "pedidos", "adicionar_mais", 1, data=data, shown=("adicionar", "finalizar", "esvaziar")
    )


@with_menu({"Sucos": {f"Suco {number:02}": 800 for number in range(1, 26)}})
async def test_25_products_come_in_three_pages(ana, pedidos):
    await ana.says("oi")
    ana.sees(options=[f"Suco {n:02}" for n in range(1, 10)] + ["Ver mais"])
    await ana.taps("Ver mais")
    ana.sees(options=[f"Suco {n:02}" for n in range(10, 18)] + ["Ver mais", "Voltar"])
    await ana.says("mais")
    ana.sees(options=[f"Suco {n:02}" for n in range(18, 26)] + ["Voltar"])
    await ana.taps("Voltar")
    ana.sees(options=[f"Suco {n:02}" for n in range(10, 18)] + ["Ver mais", "Voltar"])
    await ana.says("suco 25")
    ana.sees("*Suco 25*", "Quantas unidades")
    await ana.says("1")
    ana.sees("1 × Suco 25 no carrinho")


@with_menu({f"Categoria {number:02}": {f"Prato {number:02}": 100} for number in range(1, 26)})
async def test_25_categories_come_in_pages_too(ana):
    await ana.says("oi")
    ana.sees(options=[f"Categoria {n:02}" for n in range(1, 10)] + ["Ver mais"])
    await ana.taps("Ver mais")
    ana.sees(options=[f"Categoria {n:02}" for n in range(10, 18)] + ["Ver mais", "Voltar"])
    await ana.taps("Categoria 12")
    ana.sees(options=["Prato 12", "Voltar às categorias"])


LONGO = "Feijoada completa da casa com todos os acompanhamentos"


@with_menu(
    {
        "Pratos especiais da casa e da vovó": {LONGO: 4990, LONGO + " e sobremesa": 5990},
        "Bebidas": {"Suco": 1},
    }
)
async def test_a_long_name_is_cut_in_the_list_and_whole_everywhere_else(ana):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?", options=["Pratos especiais da cas…", "Bebidas"])
    await ana.taps("Pratos especiais da cas…")
    ana.sees("Qual você prefere?", options=[*["Feijoada completa da ca…"] * 2, "Voltar às categorias"])
    assert [row.description for row in ana.last.rows] == [
        f"{LONGO} · R$ 49,90",
        "Feijoada completa da casa com todos os acompanhamentos e sob… · R$ 59,90",
        "",
    ]
    await ana.says("1")
    ana.sees(f"*{LONGO}*")
    await ana.says("2")
    ana.sees(f"2 × {LONGO} no carrinho")
    await ana.taps("Finalizar pedido")
    ana.sees(f"2 × {LONGO} — R$ 99,80")


@with_menu({"🍔" * 50: {"🍟" * 50: 100}, "🥤" * 50: {"Suco": 100}})
async def test_names_all_of_emoji_fit_too(ana):
    await ana.says("oi")
    ana.sees("O que vai ser hoje?")
    await ana.says("1")
    ana.sees("Qual você prefere?")
    await ana.says("1")
    ana.sees("🍟" * 50)
    await ana.says("1")
    ana.sees("no carrinho")


@pytest.mark.parametrize("length", [9, 40, 100])
@with_menu({"Tudo": {f"{number:03} " + "x" * 96: 1990 for number in range(60)}})
async def test_a_summary_of_60_items_fits_into_messages_and_ends_in_one(ana, loja, length):
    for produto in loja.prateleira:
        produto.nome = produto.nome[:length]
    at_the_summary(ana, [Item(p.id, p.nome, p.preco, 3) for p in loja.prateleira])
    await ana.says("finalizar pedido")
    seen = " ".join(" ".join(ana.read_all()).split())  # a message may end in the middle of a line
    for produto in loja.prateleira:
        assert f"3 × {produto.nome} — R$ 59,70" in seen
    assert "*Total: R$ 3.582,00*" in seen
    assert [offer.title for offer in offers(ana.last)] == ["Confirmar", "Adicionar mais", "Cancelar"]
    await ana.taps("Confirmar")
    ana.sees("*Pedido nº 1 confirmado!*", "*Total: R$ 3.582,00*", "Obrigado")
    ana.sees_nothing()


@with_menu({"Tudo": {f"{number:03} " + "x" * 96: 1990 for number in range(60)}})
async def test_60_changes_at_once_are_all_told(ana, loja):
    at_the_summary(ana, [Item(p.id, p.nome, 100, 3) for p in loja.prateleira])
    await ana.says("finalizar pedido")
    seen = "\n".join(ana.read_all())
    assert seen.count("mudou de") == 60
    assert len(offers(ana.last)) == 3


@with_menu({"Tudo": {"Suco": 800}})
async def test_a_short_order_is_repeated_whole_in_the_last_message(ana):
    at_the_summary(ana, [Item(1, "Suco", 800, 2)])
    await ana.says("finalizar")
    ana.sees("2 × Suco")
    await ana.taps("Confirmar")
    ana.sees("confirmado", "2 × Suco — R$ 16,00")


CARDAPIO = {f"Categoria {c}": {f"Prato {c}.{n}": 1000 + 100 * c + n for n in range(4)} for c in range(3)}
BACK = re.compile(r"voltar|cancel|sair|menu|encerrar|atendente|\bn[ãa]o\b", re.I)
FINISH = re.compile(r"finaliz|confirm|conclu|fechar|\bsim\b", re.I)
MORE = re.compile(r"adicionar|\bmais\b", re.I)


class Robot:
    """Knows nothing of the flow: takes some row of a list, says 2 when asked in words, and presses on to the end."""

    def __init__(self, rng):
        self.rng, self.items, self.chosen = rng, 1 + (rng.random() < 0.4), 0

    async def answers(self, chat):
        match chat.last:
            case ListMessage(rows=rows):
                await chat.taps(self.rng.choice([row.title for row in rows if not BACK.search(row.title)]))
            case ButtonsMessage(buttons=buttons):
                await chat.taps(self._button([button.title for button in buttons]))
            case _:
                self.chosen += 1
                await chat.says("2")

    def _button(self, titles):
        wanted = FINISH if self.chosen >= self.items else MORE
        for pattern in (wanted, FINISH):
            for title in titles:
                if self.chosen and pattern.search(title):
                    return title
        return self.rng.choice([title for title in titles if not BACK.search(title)])


@pytest.mark.parametrize("seed", range(50))
@with_menu(CARDAPIO)
async def test_a_robot_that_knows_nothing_of_the_flow_gets_its_order(ana, pedidos, seed):
    robot = Robot(Random(seed))
    await ana.says("oi")
    for _ in range(20):
        ana.read_all()
        if ana.state.etapa == "":
            break
        await robot.answers(ana)
    assert re.search(r"Pedido nº 1 confirmado", words_of(ana.last))
    assert len(pedidos.anotados) == 1
    assert sum(item.quantidade for item in pedidos.anotados[0][1]) == 2 * robot.items
