"""The days that somebody wants to see, as they ask for them in the address of the page."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from wabot_metricas.reports import MOST_DAYS

PRONTOS = (7, 30, 90)
"""Periods to choose with one click, in days up to today."""
PADRAO = 30


class Periodo(NamedTuple):
    """Both days are included."""

    de: date
    ate: date
    pronto: int = 0
    """Which of the ready ones it is; 0: none."""
    erro: str = ""
    """Why it is not what was asked for."""

    @property
    def dias(self) -> list[date]:
        return [self.de + timedelta(days=n) for n in range((self.ate - self.de).days + 1)]


def ler(query: Mapping[str, str], hoje: date) -> Periodo:
    """`?dias=7`, or `?de=2026-11-01&ate=2026-11-25`. What makes no sense becomes the usual period, and says so."""
    if query.get("de") or query.get("ate"):
        return _entre(query.get("de", ""), query.get("ate", ""), hoje)
    return _ultimos(next((n for n in PRONTOS if query.get("dias") == str(n)), PADRAO), hoje)


def _ultimos(dias: int, hoje: date, erro: str = "") -> Periodo:
    return Periodo(hoje - timedelta(days=dias - 1), hoje, dias, erro)


def _entre(de: str, ate: str, hoje: date) -> Periodo:
    try:
        inicio, fim = date.fromisoformat(de), date.fromisoformat(ate) if ate else hoje
    except ValueError:
        return _ultimos(PADRAO, hoje, "Escolha as duas datas do período.")
    if fim < inicio:
        return _ultimos(PADRAO, hoje, "O período termina antes de começar.")
    if (fim - inicio).days >= MOST_DAYS:
        return _ultimos(PADRAO, hoje, f"O período pode ter até {MOST_DAYS} dias.")
    return Periodo(inicio, fim)
