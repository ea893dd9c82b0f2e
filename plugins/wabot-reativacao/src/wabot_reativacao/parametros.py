"""What stands in the placeholders of a template: words of the campanha's, and facts about the cliente in braces.

Nothing here is a format string: what a cliente is called is only ever put in, never read.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from wabot import clean
from wabot_reativacao import texts

FATOS = ("primeiro_nome", "nome", "ultimo_pedido", "pedidos")
"""What may stand in braces."""
DE_PEDIDOS = ("ultimo_pedido", "pedidos")
"""Facts that only those have who have ordered."""
NOME_MAIS_LONGO = 60

_FATO = re.compile(r"\{(\w*)\}")
_LUGAR = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Pessoa(msgspec.Struct, frozen=True):
    """What a message may tell of the cliente it goes to."""

    cliente: int
    nome: str = ""
    pedidos: int = 0
    ultimo_pedido: datetime | None = None


def fatos_em(parametro: str) -> set[str]:
    """The names in braces, known or not."""
    return set(_FATO.findall(parametro))


def preenchidos(parametros: Sequence[str], pessoa: Pessoa, timezone: str) -> tuple[str, ...]:
    """The parameters as they go to this person. None of them is empty: Meta would refuse the message."""
    fatos = _fatos(pessoa, timezone)
    return tuple(_FATO.sub(lambda fato: fatos.get(fato[1], fato[0]), parametro) for parametro in parametros)


def lugares(corpo: str) -> list[str]:
    """The placeholders of a template's body, each once, in order."""
    return list(dict.fromkeys(_LUGAR.findall(corpo)))


def escrito(corpo: str, parametros: Sequence[str]) -> str:
    """The body as the customer reads it."""
    palavras = {str(lugar): palavra for lugar, palavra in enumerate(parametros, 1)}
    return _LUGAR.sub(lambda lugar: palavras.get(lugar[1], lugar[0]), corpo)


def _fatos(pessoa: Pessoa, timezone: str) -> dict[str, str]:
    nome = " ".join(clean(pessoa.nome).split())[:NOME_MAIS_LONGO] or texts.SEM_NOME
    ultimo = pessoa.ultimo_pedido
    return {
        "primeiro_nome": nome.split()[0],
        "nome": nome,
        "ultimo_pedido": f"{ultimo.astimezone(ZoneInfo(timezone)):%d/%m/%Y}" if ultimo else texts.SEM_PEDIDO,
        "pedidos": str(pessoa.pedidos),
    }
