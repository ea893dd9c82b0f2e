"""What stands in a template's placeholders, and what a template must be to be used."""

from datetime import UTC, datetime

import pytest

from wabot_reativacao.modelos import Modelo, _partes, _sem_jeito
from wabot_reativacao.parametros import Pessoa, escrito, fatos_em, lugares, preenchidos

SP = "America/Sao_Paulo"
ANA = Pessoa(1, "Ana Souza", 3, datetime(2026, 10, 2, 1, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("parametro", "pessoa", "words"),
    [
        ("{primeiro_nome}", ANA, "Ana"),
        ("{nome}", ANA, "Ana Souza"),
        ("{ultimo_pedido}", ANA, "01/10/2026"),  # where the shop is it was still the day before
        ("{pedidos}", ANA, "3"),
        ("VOLTE10", ANA, "VOLTE10"),
        ("Oi, {primeiro_nome}!", ANA, "Oi, Ana!"),
        ("{primeiro_nome}", Pessoa(1), "cliente"),
        ("{primeiro_nome}", Pessoa(1, " \n\x00 "), "cliente"),
        ("{ultimo_pedido}", Pessoa(1), "há algum tempo"),
        ("{nome}", Pessoa(1, "{pedidos} {0.__class__}"), "{pedidos} {0.__class__}"),
        ("{nome}", Pessoa(1, "Ana\n\tSouza"), "Ana Souza"),
    ],
)
def test_a_parameter_is_filled_in(parametro, pessoa, words):
    assert preenchidos([parametro], pessoa, SP) == (words,)


def test_a_name_is_never_longer_than_a_message_can_bear():
    assert len(preenchidos(["{nome}"], Pessoa(1, "a" * 5_000), SP)[0]) == 60


def test_the_body_is_shown_as_the_customer_reads_it():
    assert escrito("Oi, {{1}}! Use {{2}}, {{1}}.", ["Ana", "VOLTE10"]) == "Oi, Ana! Use VOLTE10, Ana."
    assert lugares("Oi, {{1}}! Use {{ 2 }}, {{1}}.") == ["1", "2"]


def test_what_is_asked_for_is_told():
    assert fatos_em("{nome} e {saldo}") == {"nome", "saldo"}


USAVEL = Modelo("saudade", "pt_BR", "MARKETING", "APPROVED", "Oi, {{1}}!")


@pytest.mark.parametrize(
    ("modelo", "parametros", "field", "why"),
    [
        (USAVEL, 0, "parametros", "1 parâmetros"),
        (USAVEL, 2, "parametros", "dá 2"),
        (Modelo("saudade", "pt_BR", "MARKETING", "PAUSED", "Oi, {{1}}!"), 1, "modelo", "PAUSED"),
        (Modelo("saudade", "pt_BR", "UTILITY", "APPROVED", "Oi, {{1}}!"), 1, "modelo", "UTILITY"),
        (Modelo("saudade", "pt_BR", "MARKETING", "APPROVED", "", "botões"), 0, "modelo", "botões"),
    ],
)
def test_a_template_that_does_not_fit_is_refused_in_words(modelo, parametros, field, why):
    assert why in modelo.recusa(parametros)[field]
    assert list(modelo.recusa(parametros)) == [field]


def test_a_template_that_fits_is_not_refused():
    assert USAVEL.recusa(1) == {}


@pytest.mark.parametrize(
    ("components", "part"),
    [
        ('[{"type": "BODY", "text": "Oi, {{1}}, {{2}}"}]', ""),
        ('[{"type": "HEADER", "format": "TEXT", "text": "Oi"}, {"type": "BODY", "text": "x"}]', ""),
        ('[{"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Quero"}]}]', ""),
        ('[{"type": "BODY", "text": "Oi, {{nome}}"}]', "com nome"),
        ('[{"type": "BODY", "text": "Oi, {{2}}"}]', "com nome"),
        ('[{"type": "HEADER", "format": "IMAGE"}]', "cabeçalhos"),
        ('[{"type": "HEADER", "format": "TEXT", "text": "Oi, {{1}}"}]', "cabeçalhos"),
        ('[{"type": "BUTTONS", "buttons": [{"type": "URL", "url": "https://x/{{1}}"}]}]', "botões"),
        ('[{"type": "BUTTONS", "buttons": [{"type": "COPY_CODE"}]}]', "botões"),
        ('["x", {"type": "BODY", "text": 7}]', ""),
        ("{}", ""),
        (None, ""),
    ],
)
def test_what_cannot_be_filled_in_is_noticed(components, part):
    assert part in _sem_jeito(_partes(components))
    assert bool(part) == bool(_sem_jeito(_partes(components)))
