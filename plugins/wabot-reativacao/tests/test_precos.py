"""Prices: from the dated table, exact to the centavo."""

from datetime import date

import pytest

from wabot_reativacao import precos
from wabot_reativacao.precos import Tabela, em_centavos, preco, tabela_de

DIA = date(2026, 11, 25)


def test_a_marketing_message_costs_what_the_table_of_its_day_says(monkeypatch):
    tabelas = [
        Tabela(date(2026, 10, 1), "a", {"MARKETING": 3217}),
        Tabela(date(2027, 1, 1), "b", {"MARKETING": 3300}),
    ]
    monkeypatch.setattr(precos, "TABELAS", tabelas)
    days = [date(2026, 1, 1), DIA, date(2026, 12, 31), date(2027, 1, 1)]
    assert [preco("marketing", day) for day in days] == [3217, 3217, 3217, 3300]


def test_a_category_without_a_price_costs_the_most():
    assert preco("marketing_lite", DIA) == preco("MARKETING", DIA)


@pytest.mark.parametrize(("messages", "centavos"), [(0, 0), (1, 33), (100, 3217), (10_000, 321_700)])
def test_many_messages_are_added_up_before_they_are_rounded(messages, centavos):
    assert em_centavos([("MARKETING", DIA, messages)]) == centavos


def test_every_table_says_since_when_it_holds_and_where_it_is_from():
    assert all(tabela.fonte and tabela.precos["MARKETING"] for tabela in precos.TABELAS)
    assert tabela_de(DIA).desde == date(2026, 10, 1)
