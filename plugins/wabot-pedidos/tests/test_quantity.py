"""How many: what people write, and what it means."""

import pytest

from wabot_pedidos.quantidade import quantidade


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("2", 2),
        (" 2 ", 2),
        ("2.", 2),
        ("2!", 2),
        ("02", 2),
        ("２", 2),  # full width
        ("999999", 999999),
        ("uma", 1),
        ("Um", 1),
        ("dois", 2),
        ("DUAS", 2),
        ("três", 3),
        ("tres", 3),
        ("dez", 10),
        ("catorze", 14),
        ("dezenove", 19),
        ("vinte", 20),
        ("meia dúzia", 6),
        ("meia-dúzia", 6),
        ("uma dúzia", 12),
        ("duas dúzias", 24),
        ("um par", 2),
        ("2x", 2),
        ("2 un", 2),
        ("3 unidades", 3),
        ("1 unidade", 1),
        ("2 porções", 2),
        ("quatro latas", 4),
        ("quero 2", 2),
        ("eu quero duas", 2),
        ("vou querer 3", 3),
        ("me vê duas", 2),
        ("só uma", 1),
        ("2 por favor", 2),
        ("duas, por favor", 2),
        ("Quero 2 unidades, por favor!", 2),
        ("0", 0),
    ],
)
def test_a_quantity_may_be_written_in_many_ways(words, meant):
    assert quantidade(words) == meant


@pytest.mark.parametrize(
    "words",
    [
        *("", " ", "muitas", "umas", "um monte", "uma e meia", "1 ou 2", "2 mesas de 4", "R$ 2", "👍"),
        *("-1", "- 2", "−1", "–1", "2,5", "2, 5", "2.5", "1/2", "2-3", "1234567", "2️⃣3️⃣ talvez"),
    ],
)
def test_what_is_no_quantity_is_none(words):
    assert quantidade(words) is None


@pytest.mark.parametrize(
    ("words", "produto"),
    [
        ("2 feijoada", "Feijoada"),
        ("duas feijoadas", "Feijoada"),
        ("quero 2 Feijoadas, por favor", "Feijoada"),
        ("2 unidades de feijoada", "Feijoada"),
        ("2 coca-cola", "Coca-Cola"),
        ("2 suco (500 ml)", "Suco (500 ml)"),
    ],
)
def test_the_product_may_be_named_with_the_quantity(words, produto):
    assert quantidade(words, produto) == 2


def test_another_products_name_is_not_understood():
    assert quantidade("2 moquecas", "Feijoada") is None


def test_a_very_long_answer_is_read_in_no_time():
    assert quantidade("2 " * 20_000, "Feijoada") is None
    assert quantidade("quero " * 10_000) is None
