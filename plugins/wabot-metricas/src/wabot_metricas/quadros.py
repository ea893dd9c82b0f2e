"""What the page shows of each report: a table whose columns may be drawn as a chart."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from wabot import reais
from wabot_metricas.palavras import dia, inteiro, nome, porcento, tempo
from wabot_metricas.periodo import Periodo

Desenho = Literal["barras", "linhas", "deitadas"]
Formato = Literal["numero", "reais", "tempo"]


class Coluna(NamedTuple):
    titulo: str
    campo: str
    palavras: Callable[[Any], str] = inteiro
    desenhada: bool = True


class Celula(NamedTuple):
    palavras: str
    valor: int | float | None


class Quadro(NamedTuple):
    """A report as it is shown. `linhas` are the heading of each row and its cells."""

    relatorio: str
    titulo: str
    explicacao: str
    primeira: str
    colunas: Sequence[Coluna]
    linhas: list[tuple[str, list[Celula]]]
    desenho: Desenho
    formato: Formato = "numero"

    @property
    def vazio(self) -> bool:
        return not any(celula.valor for _, celulas in self.linhas for celula in celulas)


def linha(cabeca: str, row: Any, colunas: Iterable[Coluna]) -> tuple[str, list[Celula]]:
    """A row of a report, or of a day that has none, in words and numbers."""
    valores = [getattr(row, coluna.campo, None) for coluna in colunas]
    return cabeca, [
        Celula("–" if valor is None else coluna.palavras(valor), valor)
        for coluna, valor in zip(colunas, valores, strict=True)
    ]


def por_dia(
    relatorio: str,
    titulo: str,
    explicacao: str,
    rows: Iterable[Any],
    periodo: Periodo,
    colunas: Sequence[Coluna],
    desenho: Desenho = "barras",
    formato: Formato = "numero",
) -> Quadro:
    """A row for every day of the period, also for those of which the report tells nothing."""
    achadas = {row.dia: row for row in rows}
    linhas = [linha(dia(cada), achadas.get(cada), colunas) for cada in periodo.dias]
    return Quadro(relatorio, titulo, explicacao, "Dia", colunas, linhas, desenho, formato)


def mensagens(rows: Iterable[Any], periodo: Periodo) -> Quadro:
    return por_dia(
        "mensagens_por_dia",
        "Mensagens por dia",
        "O que os clientes escreveram, e o que o chatbot respondeu.",
        rows,
        periodo,
        [Coluna("Recebidas", "recebidas"), Coluna("Respostas", "respostas")],
    )


class _Hora(NamedTuple):
    recebidas: int
    respostas: int


def horas(rows: Iterable[Any], zona: ZoneInfo) -> Quadro:
    """The hours of all days together: when customers write."""
    recebidas: Counter[int] = Counter()
    respostas: Counter[int] = Counter()
    for row in rows:
        hora = row.hora.astimezone(zona).hour
        recebidas[hora] += row.recebidas
        respostas[hora] += row.respostas
    colunas = [Coluna("Recebidas", "recebidas"), Coluna("Respostas", "respostas")]
    linhas = [linha(f"{h}h", _Hora(recebidas[h], respostas[h]), colunas) for h in range(24)]
    explicacao = "Todos os dias do período somados: a que horas os clientes escrevem."
    return Quadro("mensagens_por_hora", "Mensagens por hora", explicacao, "Hora", colunas, linhas, "barras")


def clientes(rows: Iterable[Any], periodo: Periodo) -> Quadro:
    return por_dia(
        "clientes",
        "Clientes",
        "Quantos escreveram em cada dia, e quantos deles pela primeira vez.",
        rows,
        periodo,
        [Coluna("Ativos", "ativos"), Coluna("Novos", "novos")],
    )


def respostas(rows: Iterable[Any], periodo: Periodo) -> Quadro:
    return por_dia(
        "tempo_de_resposta",
        "Tempo de resposta",
        "Da chegada da mensagem até a resposta escrita: metade sai até a mediana, 95 de cada 100 até o percentil 95.",
        rows,
        periodo,
        [
            Coluna("Mediana", "p50", tempo),
            Coluna("Percentil 95", "p95", tempo),
            Coluna("Respondidas", "respondidas", desenhada=False),
        ],
        "linhas",
        "tempo",
    )


def funis(rows: Sequence[Any]) -> list[Quadro]:
    """One for each flow, its etapas in order."""
    colunas = [
        Coluna("Chegaram", "chegaram"),
        Coluna("Pararam", "pararam"),
        Coluna("Concluíram", "concluiram", desenhada=False),
        Coluna("Parada", "taxa_de_parada", porcento, desenhada=False),
    ]
    explicacao = "Quantas conversas chegaram a cada etapa, e quantas não passaram dela."
    return [
        Quadro(
            "funil",
            f"Funil: {nome(flow)}",
            explicacao,
            "Etapa",
            colunas,
            [linha(nome(row.etapa), row, colunas) for row in rows if row.flow == flow],
            "deitadas",
        )
        for flow in dict.fromkeys(row.flow for row in rows)
    ]


MAIS_ETAPAS = 12
"""Etapas with what was not understood, the worst first. The download has all."""


def nao_entendidas(rows: Sequence[Any]) -> Quadro:
    colunas = [
        Coluna("Não entendidas", "nao_entendidas"),
        Coluna("Recebidas", "recebidas", desenhada=False),
        Coluna("Parte", "taxa", porcento, desenhada=False),
    ]
    piores = [row for row in rows if row.nao_entendidas][:MAIS_ETAPAS]
    um_so = len({row.flow for row in piores}) == 1
    linhas = [
        linha(nome(row.etapa) if um_so else f"{nome(row.flow)}: {nome(row.etapa)}", row, colunas)
        for row in piores
    ]
    explicacao = "Respostas que não serviam à pergunta. Muitas em uma etapa: a pergunta pode ser mais clara."
    return Quadro("nao_entendidas", "Não entendidas", explicacao, "Etapa", colunas, linhas, "deitadas")


def entregas(rows: Iterable[Any], periodo: Periodo) -> Quadro:
    return por_dia(
        "entregas",
        "Entregas e leituras",
        "Do que a Meta aceitou: o que chegou ao aparelho e o que foi lido, por quem deixa que se saiba.",
        rows,
        periodo,
        [
            Coluna("Enviadas", "enviadas"),
            Coluna("Entregues", "entregues"),
            Coluna("Lidas", "lidas"),
            Coluna("Falhas", "falhas"),
            Coluna("Entrega", "taxa_de_entrega", porcento, desenhada=False),
            Coluna("Leitura", "taxa_de_leitura", porcento, desenhada=False),
        ],
        "linhas",
    )


CATEGORIAS = {
    "marketing": "Marketing",
    "utility": "Utilidade",
    "authentication": "Autenticação",
    "authentication_international": "Autenticação internacional",
    "service": "Atendimento",
    "referral_conversion": "Vinda de anúncio",
}


def custo(rows: Sequence[Any]) -> Quadro:
    """In money; while no price is known, in messages."""
    conhecido = any(row.custo for row in rows)
    colunas = [
        Coluna("Custo", "custo", reais, desenhada=conhecido),
        Coluna("Cobradas", "cobradas", desenhada=not conhecido),
        Coluna("Grátis", "gratis", desenhada=False),
    ]
    linhas = [linha(CATEGORIAS.get(row.categoria, nome(row.categoria)), row, colunas) for row in rows]
    explicacao = "O que a Meta cobra, pelos preços que estão na configuração do plugin."
    formato: Formato = "reais" if conhecido else "numero"
    return Quadro(
        "custo", "Custo por categoria", explicacao, "Categoria", colunas, linhas, "deitadas", formato
    )


def pedidos(rows: Iterable[Any], periodo: Periodo) -> Quadro:
    return por_dia(
        "pedidos",
        "Pedidos e faturamento",
        "Pedidos confirmados na conversa.",
        rows,
        periodo,
        [
            Coluna("Faturamento", "faturamento", reais),
            Coluna("Pedidos", "pedidos", desenhada=False),
            Coluna("Itens", "itens", desenhada=False),
            Coluna("Ticket médio", "ticket_medio", reais, desenhada=False),
            Coluna("Desistências", "desistencias", desenhada=False),
        ],
        formato="reais",
    )
