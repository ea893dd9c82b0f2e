"""msgspec's findings as a person reads them."""

from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from wabot.explain import field_of, in_portuguese, wrong_fields


class Item(msgspec.Struct, forbid_unknown_fields=True):
    nome: Annotated[str, Meta(min_length=2, max_length=5)]
    preco: Annotated[int, Meta(ge=0, le=100)] = 0
    estoque: int | None = None
    status: Literal["novo", "velho"] = "novo"
    fotos: Annotated[list[str], Meta(max_length=1)] = []
    ativo: bool = True


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "Falta este campo."),
        ({"nome": "abc", "cor": 1}, "Este campo não existe."),
        ({"nome": 1}, "Esperava um texto."),
        ({"nome": "a"}, "Precisa de pelo menos 2 caracteres."),
        ({"nome": "abcdef"}, "Pode ter no máximo 5 caracteres."),
        ({"nome": "abc", "preco": -1}, "Precisa ser no mínimo 0."),
        ({"nome": "abc", "preco": 101}, "Precisa ser no máximo 100."),
        ({"nome": "abc", "estoque": "x"}, "Esperava um número inteiro ou nada."),
        ({"nome": "abc", "status": "usado"}, "Não é um dos valores aceitos."),
        ({"nome": "abc", "fotos": ["a", "b"]}, "Pode ter no máximo 1 itens."),
        ({"nome": "abc", "ativo": []}, "Esperava verdadeiro ou falso."),
    ],
)
def test_what_is_wrong_is_said_in_portuguese(value, said):
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(value, Item)
    assert in_portuguese(str(error.value)) == said


def test_a_missing_field_is_named_where_it_is_missing():
    message = "Object missing required field `quantidade` - at `$.itens[0]`"
    assert field_of("itens[0]", message) == "itens[0].quantidade"
    assert field_of("data", "Object contains unknown field `cor`") == "cor"
    assert field_of("preco", "Expected `int`, got `str` - at `$.preco`") == "preco"


class Pedido(msgspec.Struct, forbid_unknown_fields=True):
    itens: Annotated[list[Item], Meta(max_length=2)]
    cliente: int
    melhor: Item | None = None


def test_every_wrong_field_is_named_not_only_the_first():
    item = {"nome": "abc"}
    value = {"itens": [item | {"preco": -1, "cor": 1}, 7, item], "melhor": {"ativo": "sim"}, "troco": 1}
    assert dict(wrong_fields(value, Pedido)) == {
        "itens[0].preco": "Precisa ser no mínimo 0.",
        "itens[0].cor": "Este campo não existe.",
        "itens[1]": "Esperava um objeto.",
        "cliente": "Falta este campo.",
        "melhor.nome": "Falta este campo.",
        "melhor.ativo": "Esperava verdadeiro ou falso.",
        "troco": "Este campo não existe.",
    }
    assert dict(wrong_fields({"itens": [item] * 3, "cliente": 1}, Pedido)) == {
        "itens": "Pode ter no máximo 2 itens."
    }
    assert dict(wrong_fields([], Pedido)) == {"corpo": "Esperava um objeto."}
    assert dict(wrong_fields({"itens": [item], "cliente": 1}, Pedido)) == {}
