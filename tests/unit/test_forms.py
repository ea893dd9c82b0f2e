"""From a configuration's types to the inputs of a form, and from what somebody typed back to values."""

import enum
from datetime import date, time
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from wabot import Horario, Reais, Secret
from wabot.plugins.fields import fields_of
from wabot.web.panel import forms


class Entrega(enum.Enum):
    RETIRADA = "Retirada no balcão"
    MOTO = "Moto"


class Bairro(msgspec.Struct, frozen=True):
    nome: Annotated[str, Meta(title="Bairro", min_length=2)] = ""
    taxa: Annotated[Reais, Meta(title="Taxa", ge=0, le=10_000)] = 500
    horas: list[time] = []


class Config(msgspec.Struct, frozen=True):
    nome: Annotated[str, Meta(title="Nome", description="Da loja.", max_length=10)] = "Loja"
    aviso: Annotated[str, Meta(max_length=500)] = ""
    chave: Annotated[Secret, Meta(title="Chave")] = ""
    pratos: Annotated[int, Meta(ge=1, le=99)] = 10
    nota: Annotated[float, Meta(le=5)] = 4.5
    frete: Annotated[Reais, Meta(ge=0, le=10_000)] = 590
    desconto: Reais | None = None
    aberta: bool = True
    entrega: Entrega = Entrega.MOTO
    vezes: Literal[1, 2] = 1
    dias: list[Literal["seg", "ter"]] = []
    corte: time = time(22, 30)
    feriado: date | None = None
    horario: Horario = Horario()
    bairros: Annotated[list[Bairro], Meta(max_length=2)] = []
    extra: dict[str, int] = {}


FIELDS = fields_of(Config)
ALL = {field.name: field for field in FIELDS}


def sent(**changes: Any) -> forms.Typed:
    """The form as it stands for the defaults, with something typed."""
    typed = forms.filled(FIELDS, {})
    return typed | {name: [words] if isinstance(words, str) else words for name, words in changes.items()}


def read(**changes: Any) -> forms.Read:
    return forms.read(FIELDS, sent(**changes))


def bairros(*nomes: str) -> dict[str, Any]:
    rows = [str(n) for n in range(len(nomes))]
    return {"bairros": ["", *rows]} | {f"bairros.{n}.nome": nome for n, nome in zip(rows, nomes, strict=True)}


# -- what becomes of each type -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nome", "text"),
        ("aviso", "long"),
        ("chave", "secret"),
        ("pratos", "integer"),
        ("nota", "number"),
        ("frete", "money"),
        ("desconto", "money"),
        ("aberta", "switch"),
        ("entrega", "choice"),
        ("vezes", "choice"),
        ("dias", "choices"),
        ("corte", "time"),
        ("feriado", "date"),
        ("horario", "group"),
        ("bairros", "list"),
        ("extra", "json"),
    ],
)
def test_each_type_has_its_kind_of_input(name, kind):
    assert ALL[name].kind == kind


def test_a_field_brings_its_label_help_and_limits():
    nome, pratos = ALL["nome"], ALL["pratos"]
    assert (nome.title, nome.help, nome.longest) == ("Nome", "Da loja.", 10)
    assert (pratos.title, pratos.least, pratos.most) == ("Pratos", 1, 99)


def test_a_struct_that_holds_itself_ends_as_json():
    class Menu(msgspec.Struct):
        itens: list["Menu"] = []

    Menu.__annotations__["itens"] = list[Menu]
    deep = fields_of(Menu)
    while deep[0].kind != "json":
        deep = deep[0].parts
    assert deep[0].kind == "json"


def test_values_stand_in_the_inputs_as_people_write_them():
    typed = forms.filled(
        FIELDS,
        {
            "frete": 123456,
            "nota": 4.25,
            "bairros": [{"nome": "Centro", "taxa": 0}],
            "chave": "abre-te sésamo",
        },
    )
    assert typed["frete"] == ["R$ 1.234,56"]
    assert typed["nota"] == ["4,25"]
    assert typed["corte"] == ["22:30"]
    assert typed["horario.das"] == ["08:00"]
    assert typed["feriado"] == [""]
    assert typed["bairros"] == ["", "0"]
    assert typed["bairros.0.nome"] == ["Centro"]
    assert typed["bairros.0.taxa"] == ["R$ 0,00"]


def test_a_secret_never_stands_in_an_input():
    assert "abre-te" not in str(forms.filled(FIELDS, {"chave": "abre-te sésamo"}))


def test_a_form_sent_as_it_was_shown_changes_nothing():
    stored = {
        "nome": "Bar",
        "pratos": 3,
        "frete": 0,
        "desconto": 250,
        "aberta": False,
        "entrega": "Retirada no balcão",
        "vezes": 2,
        "dias": ["ter"],
        "corte": "23:00:00",
        "feriado": "2026-12-25",
        "horario": {"das": "18:00:00", "ate": "02:00:00"},
        "bairros": [{"nome": "Centro", "taxa": 700, "horas": ["11:30:00"]}],
        "extra": {"a": 1},
        "aviso": "Olá\nTchau",
        "nota": 3.0,
    }
    found = forms.read(FIELDS, forms.filled(FIELDS, stored))
    assert found.errors == {}
    assert found.values == stored


# -- what was typed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "centavos"),
    [
        ("12,90", 1290),
        ("R$ 12,90", 1290),
        ("R$\xa012,90", 1290),
        ("12", 1200),
        ("12,9", 1290),
        ("12.90", 1290),
        ("1.234", 123400),
        ("1.234,56", 123456),
        ("0", 0),
    ],
)
def test_money_is_understood_as_brazilians_write_it(words, centavos):
    class Preco(msgspec.Struct):
        preco: Reais = 0

    assert forms.read(fields_of(Preco), {"preco": [words]}).values == {"preco": centavos}


@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({"nome": "  Bar \x00"}, {"nome": "Bar"}),
        ({"aviso": "um\r\ndois"}, {"aviso": "um\ndois"}),
        ({"nota": "4,5"}, {"nota": 4.5}),
        ({"nota": "4.5"}, {"nota": 4.5}),
        ({"desconto": ""}, {"desconto": None}),
        ({"aberta": [""]}, {"aberta": False}),
        ({"aberta": ["", "sim"]}, {"aberta": True}),
        ({"entrega": "Moto"}, {"entrega": "Moto"}),
        ({"vezes": "2"}, {"vezes": 2}),
        ({"dias": ["", "seg", "ter"]}, {"dias": ["seg", "ter"]}),
        ({"corte": "08:05"}, {"corte": "08:05:00"}),
        ({"feriado": "2026-12-25"}, {"feriado": "2026-12-25"}),
        ({"bairros": [""]}, {"bairros": []}),
        ({"extra": '{"x": 1}'}, {"extra": {"x": 1}}),
        ({"chave": "nova"}, {"chave": "nova"}),
        ({"chave.apagar": "sim"}, {"chave": ""}),
    ],
)
def test_what_was_typed_becomes_a_value(changes, values):
    found = read(**changes)
    assert found.errors == {}
    assert {name: found.values[name] for name in values} == values


def test_a_secret_left_empty_is_kept():
    assert "chave" not in read(chave="").values


def test_a_field_that_was_not_on_the_page_is_not_touched():
    assert forms.read(FIELDS, {}) == forms.Read({}, {})


@pytest.mark.parametrize(
    ("changes", "name", "why"),
    [
        ({"nome": "x" * 11}, "nome", "Pode ter no máximo 10 caracteres."),
        ({"pratos": "dez"}, "pratos", "Escreva um número inteiro, só com algarismos."),
        ({"pratos": "100"}, "pratos", "Precisa ser no máximo 99."),
        ({"pratos": ""}, "pratos", "Preencha este campo."),
        ({"pratos": "9" * 5000}, "pratos", "Escreva um número inteiro, só com algarismos."),
        ({"pratos": "٣"}, "pratos", "Escreva um número inteiro, só com algarismos."),
        ({"nota": "nan"}, "nota", "Escreva um número, como 12 ou 12,5."),
        ({"nota": "9"}, "nota", "Precisa ser no máximo 5."),
        ({"frete": "doze"}, "frete", "Escreva um valor em reais, como 12,90."),
        ({"frete": "12,999"}, "frete", "Escreva um valor em reais, como 12,90."),
        ({"frete": "1.23"}, "frete", None),
        ({"frete": "100,01"}, "frete", "Precisa ser no máximo R$ 100,00."),
        ({"frete": "-1"}, "frete", "Precisa ser no mínimo R$ 0,00."),
        ({"entrega": "Drone"}, "entrega", "Escolha uma das opções."),
        ({"dias": ["", "dom"]}, "dias", "Escolha uma das opções."),
        ({"corte": "25:00"}, "corte", "Escreva uma hora, como 08:30."),
        ({"feriado": "31/02/2026"}, "feriado", "Escreva uma data, como 31/12/2026."),
        ({"horario.ate": "tarde"}, "horario.ate", "Escreva uma hora, como 08:30."),
        ({"extra": "{"}, "extra", "Isto não é JSON válido."),
        ({"extra": "[" * 100_000}, "extra", "Isto não é JSON válido."),
        ({"extra": '{"x": "y"}'}, "extra", "Esperava um número inteiro."),
        (bairros("x"), "bairros.0.nome", "Precisa de pelo menos 2 caracteres."),
        (bairros("Sé", "Brás", "Lapa"), "bairros", "Pode ter no máximo 2 itens."),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_input(changes, name, why):
    assert read(**changes).errors == ({name: why} if why else {})


def test_every_error_is_told_at_once_in_the_order_of_the_page():
    found = read(
        nome="x" * 11,
        frete="x",
        **{"horario.das": "x", "bairros": ["", "4", "2"], "bairros.4.taxa": "x", "bairros.2.nome": ""},
    )
    assert list(found.errors) == ["nome", "frete", "horario.das", "bairros.4.taxa", "bairros.2.nome"]
    assert found.values["pratos"] == 10


# -- rows ----------------------------------------------------------------------------------------------------


def test_a_row_is_added_with_its_defaults_and_taken_away_again():
    typed = sent()
    assert forms.add_row(FIELDS, typed, "bairros") == "bairros.0"
    assert typed["bairros.0.taxa"] == ["R$ 5,00"]
    assert forms.add_row(FIELDS, typed, "bairros.0.horas") == "bairros.0.horas.0"
    assert forms.add_row(FIELDS, typed, "bairros") == "bairros.1"
    forms.remove_row(typed, "bairros.0")
    assert forms.rows_of(typed, "bairros") == ["1"]


@pytest.mark.parametrize(
    "path", ["nome", "nada", "bairros.x", "bairros.0.nada", "horario", "", "...", "bairros.0.0.0"]
)
def test_only_lists_get_rows(path):
    typed = sent()
    assert forms.add_row(FIELDS, typed, path) == ""
    assert typed == sent()


def test_rows_are_bounded_and_their_numbers_are_numbers():
    typed: forms.Typed = {"bairros": ["", "0", "0", "x", "-1", *map(str, range(500))]}
    assert forms.rows_of(typed, "bairros") == [str(n) for n in range(forms.MOST_ROWS)]
    assert forms.add_row(FIELDS, typed, "bairros") == ""


def test_an_error_is_listed_with_what_its_input_is_called():
    named = {"nome": "Nome", "horario.ate": "Até", "bairros.3.taxa": "Taxa", "bairros.0.horas.1": "Horas"}
    assert {path: forms.title_of(FIELDS, path) for path in named} == named
