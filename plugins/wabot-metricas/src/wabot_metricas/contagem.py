"""Counting: what a batch of events adds to the roll-up. Nothing here does I/O."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import log10
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from wabot_metricas.eventos import Atendida, Confirmado, Desistiu, Envios, Evento, NaoEntendida

FAIXAS = 24
"""Steps to a power of ten in which waits are kept: within 5% of the wait, and some sixty from 20 ms to 10 s."""


class Lugar(NamedTuple):
    """What is counted, where: a row of the roll-up."""

    medida: str
    hora: datetime
    flow: str = ""
    etapa: str = ""
    classe: str = ""


class Percurso(msgspec.Struct):
    """A conversation on its way through a flow. It counts in the hour in which it began."""

    hora: datetime
    flow: str
    etapa: str = ""
    """Where it stands."""
    etapas: list[str] = []
    """Where it has been."""


class Contagem:
    """Adds up events in their order; `percursos` are those of the conversas that are on their way already."""

    def __init__(self, zone: ZoneInfo, percursos: dict[int, Percurso]) -> None:
        self._zone, self.percursos = zone, percursos
        self.totais: Counter[Lugar] = Counter()
        self.presentes: dict[tuple[date, int], datetime] = {}
        """Who wrote on which day, and the hour in which they did first."""
        self.encerrados: set[int] = set()
        """The conversas whose way is over."""

    def add(self, event: Evento, at: datetime, conversa: int, cliente: int) -> None:
        hora = self._hora(at)
        match event:
            case Atendida():
                self._atendida(event, hora, conversa)
                if cliente:  # else they have been erased since
                    self.presentes.setdefault((at.astimezone(self._zone).date(), cliente), hora)
            case NaoEntendida(flow, etapa):
                self.totais[Lugar("nao_entendidas", hora, flow, etapa)] += 1
            case Envios():
                self._envios(event)
            case Confirmado(total, itens):
                self.totais[Lugar("pedidos", hora)] += 1
                self.totais[Lugar("itens", hora)] += itens
                self.totais[Lugar("faturamento", hora)] += total
            case Desistiu():
                self.totais[Lugar("desistencias", hora)] += 1

    def ativo(self, hora: datetime) -> None:
        """Somebody wrote for the first time on a day."""
        self.totais[Lugar("ativos", hora)] += 1

    def _hora(self, at: datetime) -> datetime:
        """The hour as clocks show it where the bot is, which may be half an hour off from elsewhere's."""
        return at.astimezone(self._zone).replace(minute=0, second=0, microsecond=0).astimezone(UTC)

    def _atendida(self, event: Atendida, hora: datetime, conversa: int) -> None:
        self.totais[Lugar("recebidas", hora, event.flow, event.etapa)] += 1
        self.totais[Lugar("respostas", hora, event.flow, event.etapa)] += event.respostas
        self.totais[Lugar("novos", hora)] += event.primeira
        if event.respostas:
            self.totais[Lugar("espera", hora, classe=str(faixa(event.espera)))] += 1
        if event.iniciada and event.caminho:
            self.percursos[conversa] = Percurso(hora, event.caminho[0].partition(".")[0])
            self.encerrados.discard(conversa)
        if percurso := self.percursos.get(conversa):
            self._anda(percurso, [place.partition(".")[2] for place in event.caminho])
            if event.encerrada:
                self._conta("pararam", percurso, -1)
                self._conta("concluiram", percurso)
                del self.percursos[conversa]
                self.encerrados.add(conversa)

    def _anda(self, percurso: Percurso, caminho: Sequence[str]) -> None:
        """It stands where it came to last; every etapa on the way counts once, however often it is seen."""
        for etapa in caminho:
            if percurso.etapa:
                self._conta("pararam", percurso, -1)
            percurso.etapa = etapa
            self._conta("pararam", percurso)
            if etapa not in percurso.etapas:
                percurso.etapas.append(etapa)
                self._conta("chegaram", percurso)
                self._conta("lugar", percurso, len(percurso.etapas))

    def _conta(self, medida: str, percurso: Percurso, many: int = 1) -> None:
        self.totais[Lugar(medida, percurso.hora, percurso.flow, percurso.etapa)] += many

    def _envios(self, event: Envios) -> None:
        hora = self._hora(event.hora)
        for medida in ("enviadas", "entregues", "lidas", "falhas", "cobradas", "gratis"):
            self.totais[Lugar(medida, hora, classe=event.categoria)] += getattr(event, medida)


def faixa(espera: int) -> int:
    """The step of a wait in milliseconds; 10 ** (step / FAIXAS) is the wait again, nearly.

    >>> faixa(1), faixa(100), round(10 ** (faixa(1500) / FAIXAS))
    (0, 48, 1468)
    """
    return round(FAIXAS * log10(max(1, espera)))
