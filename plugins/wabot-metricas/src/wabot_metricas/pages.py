"""The plugin's page in the panel: every report of a period, drawn, in numbers, and as a sheet to keep."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from wabot import Html, PageContext, Planilha, reais
from wabot_metricas import quadros
from wabot_metricas.palavras import inteiro, porcento, tempo
from wabot_metricas.periodo import PRONTOS, Periodo, ler
from wabot_metricas.reports import REPORTS, run


async def metricas(ctx: PageContext) -> Html | Planilha:
    """`?baixar=funil` is that report as a sheet, whole, with the names that the API uses."""
    zona = ZoneInfo(ctx.bot.timezone)
    hoje = ctx.now.astimezone(zona).date()
    periodo = ler(ctx.query, hoje)
    if (baixar := ctx.query.get("baixar", "")) in REPORTS:
        return await _planilha(ctx, baixar, periodo)
    rows = {name: await _rows(ctx, name, periodo) for name in REPORTS}
    return Html(
        "metricas.html",
        {
            "periodo": periodo,
            "prontos": PRONTOS,
            "hoje": hoje,
            "resumo": _resumo(rows),
            "quadros": _quadros(rows, periodo, zona),
            "sem_preco": any(row.cobradas and row.custo is None for row in rows["custo"]),
        },
    )


async def _rows(ctx: PageContext, name: str, periodo: Periodo) -> Sequence[Any]:
    return await run(name, ctx.bot.id, periodo.de, periodo.ate, ctx.bot.timezone)


async def _planilha(ctx: PageContext, name: str, periodo: Periodo) -> Planilha:
    rows = await _rows(ctx, name, periodo)
    campos = REPORTS[name].row.__struct_fields__
    return Planilha(f"{name}-{periodo.de}-{periodo.ate}.csv", [campos, *map(msgspec.structs.astuple, rows)])


def _quadros(rows: dict[str, Sequence[Any]], periodo: Periodo, zona: ZoneInfo) -> list[quadros.Quadro]:
    return [
        quadros.mensagens(rows["mensagens_por_dia"], periodo),
        quadros.horas(rows["mensagens_por_hora"], zona),
        quadros.clientes(rows["clientes"], periodo),
        quadros.respostas(rows["tempo_de_resposta"], periodo),
        *quadros.funis(rows["funil"]),
        quadros.nao_entendidas(rows["nao_entendidas"]),
        quadros.pedidos(rows["pedidos"], periodo),
        quadros.entregas(rows["entregas"], periodo),
        quadros.custo(rows["custo"]),
    ]


def _resumo(rows: dict[str, Sequence[Any]]) -> list[tuple[str, str]]:
    """The period in a line: what it is, and how much."""

    def soma(name: str, campo: str) -> int:
        return sum(getattr(row, campo) for row in rows[name])

    recebidas = soma("mensagens_por_dia", "recebidas")
    espera = next((row.p50 for row in rows["tempo_de_resposta"] if row.dia is None), None)
    return [
        ("Mensagens recebidas", inteiro(recebidas)),
        ("Clientes novos", inteiro(soma("clientes", "novos"))),
        ("Metade respondida em até", "–" if espera is None else tempo(espera)),
        (
            "Não entendidas",
            porcento(soma("nao_entendidas", "nao_entendidas") / recebidas) if recebidas else "–",
        ),
        ("Pedidos", inteiro(soma("pedidos", "pedidos"))),
        ("Faturamento", reais(soma("pedidos", "faturamento"))),
    ]
