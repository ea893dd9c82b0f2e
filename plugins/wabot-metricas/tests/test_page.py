"""What stands on the page of the reports: which days, in which words, in which order."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from wabot_metricas import quadros
from wabot_metricas.palavras import inteiro, nome, porcento, tempo
from wabot_metricas.periodo import Periodo, ler
from wabot_metricas.reports import Custo, Funil, MensagensPorHora, NaoEntendidas, TempoDeResposta

HOJE = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("query", "de", "ate"),
    [
        ({}, date(2026, 10, 27), HOJE),
        ({"dias": "7"}, date(2026, 11, 19), HOJE),
        ({"dias": "8"}, date(2026, 10, 27), HOJE),
        ({"de": "2026-11-01", "ate": "2026-11-01"}, date(2026, 11, 1), date(2026, 11, 1)),
        ({"de": "2026-11-20", "ate": ""}, date(2026, 11, 20), HOJE),
    ],
)
def test_the_period_is_what_was_asked_for(query, de, ate):
    assert ler(query, HOJE)[:2] == (de, ate)
    assert not ler(query, HOJE).erro


@pytest.mark.parametrize(
    ("de", "ate", "why"),
    [
        ("2026-11-02", "2026-11-01", "antes de começar"),
        ("2020-01-01", "2026-11-01", "até 366 dias"),
        ("ontem", "hoje", "as duas datas"),
        ("", "2026-11-01", "as duas datas"),
    ],
)
def test_a_period_that_makes_no_sense_becomes_the_usual_one_and_says_why(de, ate, why):
    periodo = ler({"de": de, "ate": ate}, HOJE)
    assert periodo.pronto == 30
    assert why in periodo.erro


def test_numbers_are_written_as_in_brazil():
    assert (inteiro(12345), porcento(0.1254), nome("selecionar_produto")) == (
        "12.345",
        "12,5%",
        "Selecionar produto",
    )
    assert [tempo(ms) for ms in (840, 2400, 125_000, 11_400_000)] == [
        "0,8 s",
        "2,4 s",
        "2 min 05 s",
        "3 h 10 min",
    ]


def test_a_day_without_answers_has_its_row():
    rows = [TempoDeResposta(None, 3, 800, 900), TempoDeResposta(HOJE, 3, 800, 2400)]
    quadro = quadros.respostas(rows, Periodo(HOJE - timedelta(days=1), HOJE))
    assert [(dia, [celula.palavras for celula in celulas]) for dia, celulas in quadro.linhas] == [
        ("24/11", ["–", "–", "–"]),
        ("25/11", ["0,8 s", "2,4 s", "3"]),
    ]


def test_hours_are_those_of_the_shop():
    rows = [MensagensPorHora(datetime(2026, 11, day, 15, tzinfo=UTC), 2, 3) for day in (1, 2)]
    quadro = quadros.horas(rows, ZoneInfo("America/Sao_Paulo"))
    assert [(hora, celulas[0].valor) for hora, celulas in quadro.linhas if celulas[0].valor] == [("12h", 4)]


def test_each_flow_has_a_funnel_of_its_own():
    rows = [Funil(flow, "inicio", 10, 4, 0, 0.4) for flow in ("pedidos", "reserva")]
    assert [quadro.titulo for quadro in quadros.funis(rows)] == ["Funil: Pedidos", "Funil: Reserva"]


def test_a_flow_is_named_where_there_are_several():
    rows = [NaoEntendidas("pedidos", "inicio", 3, 9, 0.3), NaoEntendidas("reserva", "inicio", 2, 9, 0.2)]
    assert [nome for nome, _ in quadros.nao_entendidas(rows).linhas] == ["Pedidos: Inicio", "Reserva: Inicio"]
    assert [nome for nome, _ in quadros.nao_entendidas(rows[:1]).linhas] == ["Inicio"]


def test_while_no_price_is_known_messages_are_drawn_instead_of_money():
    quadro = quadros.custo([Custo("marketing", 10, 0, None)])
    assert [coluna.titulo for coluna in quadro.colunas if coluna.desenhada] == ["Cobradas"]
    assert quadro.linhas[0][1][0].palavras == "–"
    assert not quadro.vazio
