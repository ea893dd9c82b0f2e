"""Counting: what a conversation adds to the totals, and where it is said to have stopped."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from wabot_metricas.contagem import FAIXAS, Contagem, faixa
from wabot_metricas.eventos import Atendida, Envios, NaoEntendida

NOON = datetime(2026, 11, 24, 12, 40, tzinfo=UTC)
HOUR = datetime(2026, 11, 24, 12, tzinfo=UTC)


def attended(
    *caminho, flow="", etapa="", iniciada=False, encerrada=False, primeira=False, espera=100, respostas=1
):
    places = tuple(f"pedidos.{one}" for one in caminho)
    return Atendida(flow, etapa, places, iniciada, encerrada, primeira, espera, respostas)


@pytest.fixture
def contagem():
    return Contagem(ZoneInfo("America/Sao_Paulo"), {})


def funnel(contagem, medida):
    return {
        place.etapa: total for place, total in contagem.totais.items() if place.medida == medida and total
    }


def test_a_conversation_stops_where_it_stands(contagem):
    contagem.add(attended("inicio", "produto", iniciada=True), NOON, 1, 7)
    contagem.add(attended("quantidade"), NOON, 1, 7)
    assert funnel(contagem, "chegaram") == {"inicio": 1, "produto": 1, "quantidade": 1}
    assert funnel(contagem, "pararam") == {"quantidade": 1}


def test_one_that_goes_back_has_still_come_further_and_counts_each_etapa_once(contagem):
    contagem.add(attended("inicio", "produto", iniciada=True), NOON, 1, 7)
    contagem.add(attended("quantidade"), NOON, 1, 7)
    contagem.add(attended("produto"), NOON, 1, 7)
    assert funnel(contagem, "chegaram") == {"inicio": 1, "produto": 1, "quantidade": 1}
    assert funnel(contagem, "pararam") == {"produto": 1}


def test_one_that_ends_has_stopped_nowhere(contagem):
    contagem.add(attended("inicio", iniciada=True), NOON, 1, 7)
    contagem.add(attended(encerrada=True), NOON, 1, 7)
    assert (funnel(contagem, "pararam"), funnel(contagem, "concluiram")) == ({}, {"inicio": 1})
    assert (contagem.percursos, contagem.encerrados) == ({}, {1})


def test_it_counts_in_the_hour_in_which_it_began(contagem):
    contagem.add(attended("inicio", iniciada=True), NOON, 1, 7)
    contagem.add(attended("produto"), NOON + timedelta(hours=5), 1, 7)
    assert {place.hora for place in contagem.totais if place.medida == "chegaram"} == {HOUR}


def test_one_whose_beginning_was_not_seen_is_in_no_funnel(contagem):
    contagem.add(attended("produto", flow="pedidos", etapa="inicio"), NOON, 1, 7)
    assert funnel(contagem, "chegaram") == {}
    assert funnel(contagem, "recebidas") == {"inicio": 1}


def test_somebody_is_present_once_a_day_where_the_bot_is(contagem):
    late = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)  # still the 24th in São Paulo
    for at in (NOON, late, late + timedelta(hours=1)):
        contagem.add(attended(), at, 1, 7)
    assert list(contagem.presentes) == [(date(2026, 11, 24), 7), (date(2026, 11, 25), 7)]


def test_whoever_was_erased_since_is_nobody(contagem):
    contagem.add(attended(), NOON, 1, 0)
    assert contagem.presentes == {}


def test_an_hour_is_one_of_the_bots_clocks():
    kolkata = Contagem(ZoneInfo("Asia/Kolkata"), {})
    kolkata.add(NaoEntendida("pedidos", "produto"), NOON, 1, 7)  # 18:10 there
    assert [place.hora for place in kolkata.totais] == [datetime(2026, 11, 24, 12, 30, tzinfo=UTC)]


def test_what_was_sent_counts_in_its_own_hour_and_may_be_taken_back(contagem):
    contagem.add(Envios(HOUR, "marketing", enviadas=3), NOON, 0, 0)
    contagem.add(Envios(HOUR, "marketing", enviadas=-1, lidas=1), NOON + timedelta(days=2), 0, 0)
    assert {(p.medida, p.classe): n for p, n in contagem.totais.items() if n} == {
        ("enviadas", "marketing"): 2,
        ("lidas", "marketing"): 1,
    }


@pytest.mark.parametrize("espera", [10, 37, 104, 999, 1001, 8_400, 86_400_000])
def test_a_wait_is_kept_within_five_percent(espera):
    assert 10 ** (faixa(espera) / FAIXAS) == pytest.approx(espera, rel=0.05)
