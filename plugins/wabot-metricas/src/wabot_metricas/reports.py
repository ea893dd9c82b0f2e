"""The reports: each is a named SQL file that reads the roll-up, and the shape of its rows.

`run` is all that the API and the panel need. What a report says, in a sentence, stands on top of its file.
"""

from collections.abc import Sequence
from datetime import date, datetime
from importlib.resources import files
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from wabot import DB

MOST_DAYS = 366
"""The longest period of a report."""

Dia = Annotated[date, Meta(description="O dia, no fuso do chatbot.")]
Fluxo = Annotated[str, Meta(description="O fluxo da conversa.", examples=["pedidos"])]
Etapa = Annotated[str, Meta(description="A etapa do fluxo.", examples=["selecionar_produto"])]
Taxa = Annotated[float, Meta(description="De 0 a 1; nulo onde não há do que falar.")] | None
Centavos = Annotated[int, Meta(description="Em centavos.")]
Milissegundos = Annotated[int, Meta(description="Em milissegundos, com erro de até 5%.")]


class MensagensPorHora(msgspec.Struct, frozen=True):
    hora: Annotated[datetime, Meta(description="O começo da hora, no fuso do chatbot.")]
    recebidas: Annotated[int, Meta(description="Mensagens que os clientes escreveram.")]
    respostas: Annotated[int, Meta(description="Mensagens que o bot escreveu em resposta.")]


class MensagensPorDia(msgspec.Struct, frozen=True):
    dia: Dia
    recebidas: Annotated[int, Meta(description="Mensagens que os clientes escreveram.")]
    respostas: Annotated[int, Meta(description="Mensagens que o bot escreveu em resposta.")]


class Clientes(msgspec.Struct, frozen=True):
    dia: Dia
    ativos: Annotated[int, Meta(description="Clientes que escreveram neste dia.")]
    novos: Annotated[int, Meta(description="Os que escreveram pela primeira vez.")]


class TempoDeResposta(msgspec.Struct, frozen=True):
    dia: Annotated[date, Meta(description="O dia; nulo: o período todo.")] | None
    respondidas: Annotated[int, Meta(description="Mensagens que tiveram resposta.")]
    p50: Milissegundos
    p95: Milissegundos


class Funil(msgspec.Struct, frozen=True):
    flow: Fluxo
    etapa: Etapa
    chegaram: Annotated[int, Meta(description="Conversas que chegaram a esta etapa.")]
    pararam: Annotated[int, Meta(description="As que não passaram dela: desistiram, ou ainda estão nela.")]
    concluiram: Annotated[int, Meta(description="As que terminaram o fluxo nela.")]
    taxa_de_parada: Taxa


class NaoEntendidas(msgspec.Struct, frozen=True):
    flow: Fluxo
    etapa: Etapa
    nao_entendidas: Annotated[int, Meta(description="Respostas que não serviam à pergunta.")]
    recebidas: Annotated[int, Meta(description="Todas as mensagens recebidas nesta etapa.")]
    taxa: Taxa


class Entregas(msgspec.Struct, frozen=True):
    dia: Annotated[date, Meta(description="O dia do envio, no fuso do chatbot.")]
    enviadas: Annotated[int, Meta(description="Mensagens que a Meta aceitou.")]
    entregues: Annotated[int, Meta(description="As que chegaram ao aparelho.")]
    lidas: Annotated[int, Meta(description="As que foram lidas, por quem deixa que se saiba.")]
    falhas: Annotated[int, Meta(description="As que a Meta aceitou e não entregou.")]
    taxa_de_entrega: Taxa
    taxa_de_leitura: Taxa


class Custo(msgspec.Struct, frozen=True):
    categoria: Annotated[str, Meta(description="A categoria da Meta.", examples=["marketing"])]
    cobradas: Annotated[int, Meta(description="Mensagens que a Meta cobra.")]
    gratis: Annotated[int, Meta(description="Mensagens que ela não cobra.")]
    custo: Annotated[int, Meta(description="Em centavos; nulo se o preço não está na configuração.")] | None


class Pedidos(msgspec.Struct, frozen=True):
    dia: Dia
    pedidos: Annotated[int, Meta(description="Pedidos confirmados na conversa.")]
    desistencias: Annotated[int, Meta(description="Os que o cliente cancelou no resumo.")]
    itens: Annotated[int, Meta(description="Unidades pedidas.")]
    faturamento: Centavos
    ticket_medio: Annotated[int, Meta(description="Em centavos; nulo sem pedidos.")] | None


class Report(msgspec.Struct, frozen=True):
    """What can be asked for: `name` is its SQL file and its address."""

    name: str
    title: str
    row: type[msgspec.Struct]

    @property
    def sql(self) -> str:
        return files("wabot_metricas").joinpath("sql", f"{self.name}.sql").read_text(encoding="utf-8")

    @property
    def sentence(self) -> str:
        """What it says: the first line of its file."""
        return self.sql.partition("\n")[0].removeprefix("-- ")


REPORTS = {
    report.name: report
    for report in (
        Report("mensagens_por_hora", "Mensagens por hora", MensagensPorHora),
        Report("mensagens_por_dia", "Mensagens por dia", MensagensPorDia),
        Report("clientes", "Clientes", Clientes),
        Report("tempo_de_resposta", "Tempo de resposta", TempoDeResposta),
        Report("funil", "Funil", Funil),
        Report("nao_entendidas", "Não entendidas", NaoEntendidas),
        Report("entregas", "Entregas e leituras", Entregas),
        Report("custo", "Custo por categoria", Custo),
        Report("pedidos", "Pedidos e faturamento", Pedidos),
    )
}
"""Every report by its name."""


async def run(name: str, chatbot: int, de: date, ate: date, zone: str) -> Sequence[Any]:
    """The rows of a report from the day `de` to the day `ate`, both included, as days go in `zone`.

    Each is of the type `REPORTS[name].row`. Who may see the chatbot is the caller's to know. Raises KeyError for
    a report that does not exist and ValueError for a period that ends before it begins or is too long.
    """
    if not 0 <= (ate - de).days < MOST_DAYS:
        raise ValueError(f"from {de} to {ate}: a period has 1 to {MOST_DAYS} days")
    report = REPORTS[name]
    rows = await DB.fetch(report.sql, chatbot, de, ate, zone)
    there = ZoneInfo(zone)
    return [report.row(**{name: _local(value, there) for name, value in row.items()}) for row in rows]


def _local(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone) if isinstance(value, datetime) else value
