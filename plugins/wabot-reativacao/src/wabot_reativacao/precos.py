"""What Meta charges for a delivered template message to Brazil: a dated table, precos.json, and no constant.

Prices have four decimal places, so they are counted in tenths of a thousandth of a real, and come to centavos only
where many of them are added up. Meta changes them on the first day of a quarter at most. The monthly tiers of utility
and authentication are left out: what is told is at most too much.
"""

from collections.abc import Iterable
from datetime import date
from importlib.resources import files

import msgspec

POR_CENTAVO = 100


class Tabela(msgspec.Struct, frozen=True):
    """Prices since a day. In R$ 0,0001, by category."""

    desde: date
    fonte: str
    precos: dict[str, int]


class _Arquivo(msgspec.Struct, frozen=True):
    unidade: str
    tabelas: list[Tabela]


TABELAS = msgspec.json.decode(
    files("wabot_reativacao").joinpath("precos.json").read_bytes(), type=_Arquivo
).tabelas


def tabela_de(dia: date) -> Tabela:
    """The table in force on a day; before the first one, that one."""
    antes = [tabela for tabela in TABELAS if tabela.desde <= dia]
    return max(antes, key=lambda tabela: tabela.desde) if antes else min(TABELAS, key=lambda t: t.desde)


def preco(categoria: str, dia: date) -> int:
    """Of one message, in R$ 0,0001. A category we have no price for costs what marketing does: the most."""
    precos = tabela_de(dia).precos
    return precos.get(categoria.upper(), precos["MARKETING"])


def em_centavos(mensagens: Iterable[tuple[str, date, int]]) -> int:
    """What these cost (category, day, how many), rounded up to the centavo."""
    return -(-sum(preco(categoria, dia) * quantas for categoria, dia, quantas in mensagens) // POR_CENTAVO)
