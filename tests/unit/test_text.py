"""Words: cleaning, comparing and fitting them, and money."""

import time

import pytest

from wabot.text import clean, fold, reais, shorten, size, split

CLEANED = [
    ("plain words stay", "Olá, tudo bem?", "Olá, tudo bem?"),
    ("lines and tabs stay", "um\n\tdois\r\n", "um\n\tdois\r\n"),
    ("NUL goes", "a\x00b", "ab"),
    ("bells and escapes go", "a\x07\x1b[31mb\x7f", "a[31mb"),
    ("a lone surrogate becomes a mark", "oi \ud83c!", "oi \ufffd!"),
    ("one at the end too", "oi \ud83c", "oi \ufffd"),
    ("two halves become their emoji", "\ud83c\udf55", "🍕"),
    ("a joined emoji stays whole", "👩‍🍳", "👩‍🍳"),
    ("a byte order mark stays, being harmless", "\ufeffoi", "\ufeffoi"),
]


@pytest.mark.parametrize(("words", "expected"), [row[1:] for row in CLEANED], ids=[row[0] for row in CLEANED])
def test_clean_words_fit_into_a_database(words, expected):
    assert clean(words) == expected
    assert clean(words).encode()


FOLDED = [
    ("accents and case", "CARDÁPIO", "cardapio"),
    ("punctuation at the edges", "  ¿Cardápio!! ", "cardapio"),
    ("punctuation inside stays", "p.f. do dia", "p.f. do dia"),
    ("spaces become one", "sim \n\t por favor", "sim por favor"),
    ("a cedilla", "Opção", "opcao"),
    ("wide letters", "ＳＩＭ", "sim"),
    ("a markdown asterisk", "*Sim*", "sim"),
    ("an underscore at an edge", "_sim_", "sim"),
    ("an emoji beside words", "🍕 pizza 🍕", "pizza"),
    ("an emoji alone is all there is", "👍", "👍"),
    ("a sign alone", " ? ", "?"),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("words", "expected"), [row[1:] for row in FOLDED], ids=[row[0] for row in FOLDED])
def test_words_are_folded_for_comparing(words, expected):
    assert fold(words) == expected
    assert fold(fold(words)) == expected


def test_two_emoji_are_not_the_same_answer():
    assert fold("👍") != fold("👎")


def test_a_customer_cannot_stall_a_worker_with_punctuation():
    started = time.perf_counter()
    fold("a" + "!" * 60_000 + "b")
    assert time.perf_counter() - started < 1  # a regular expression took a minute


def test_an_emoji_counts_twice():
    assert (size("oi"), size("ação"), size("🍕"), size("")) == (2, 4, 2, 0)


@pytest.mark.parametrize(
    ("words", "limit", "expected"),
    [
        ("Feijoada", 8, "Feijoada"),
        ("Feijoada", 7, "Feijoa…"),
        ("Arroz com feijão", 7, "Arroz…"),
        ("🍕🍕🍕", 6, "🍕🍕🍕"),
        ("🍕🍕🍕", 5, "🍕🍕…"),
        ("🍕🍕🍕", 4, "🍕…"),  # never half an emoji
        ("Feijoada", 1, "…"),
    ],
)
def test_shortened_words_fit(words, limit, expected):
    assert shorten(words, limit) == expected
    assert size(shorten(words, limit)) <= limit


def test_shortening_a_very_long_text_is_quick():
    started = time.perf_counter()
    assert size(shorten("🍕" * 500_000, 4096)) <= 4096
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    ("words", "limit", "expected"),
    [
        ("oi", 10, ["oi"]),
        ("", 10, []),
        ("   ", 10, []),
        ("arroz com feijão", 9, ["arroz", "com", "feijão"]),
        ("arroz\ncom feijão", 10, ["arroz", "com feijão"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("🍕🍕🍕", 5, ["🍕🍕", "🍕"]),
        ("🍕🍕", 1, ["🍕", "🍕"]),  # a limit too small for an emoji must not turn in circles
        ("  abcdefgh", 5, ["  abc", "defgh"]),  # no blank piece before the first word
    ],
)
def test_long_words_are_split_between_words(words, limit, expected):
    assert split(words, limit) == expected


def test_nothing_is_lost_in_splitting():
    words = "Feijoada 🍲 completa, couve e laranja.\n" * 300
    pieces = split(words, 4096)
    assert all(0 < size(piece) <= 4096 for piece in pieces)
    assert " ".join(pieces).split() == words.split()


@pytest.mark.parametrize(
    ("centavos", "expected"),
    [
        (0, "R$ 0,00"),
        (5, "R$ 0,05"),
        (2990, "R$ 29,90"),
        (123456, "R$ 1.234,56"),
        (123456789, "R$ 1.234.567,89"),
        (-2990, "-R$ 29,90"),
    ],
)
def test_money_as_brazilians_read_it(centavos, expected):
    assert reais(centavos) == expected
