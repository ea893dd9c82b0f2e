"""`/api/metricas/…`: each report as JSON, or as a spreadsheet. Mounted by the core, behind its tokens."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Generic, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import QueryParameter
from msgspec import Meta

from wabot import DB, Access, Invalid
from wabot_metricas.reports import MOST_DAYS, REPORTS, Report, run

T = TypeVar("T")

USUAL = timedelta(days=29)
"""Back from the last day, where no first one is given: thirty days."""
EARLIEST = date(2020, 1, 1)
ZONE = "SELECT timezone FROM chatbot WHERE id = $1"

Bot = Annotated[int, QueryParameter(ge=1, le=2**31 - 1, description="De qual chatbot.")]
De = Annotated[
    date | None, QueryParameter(description="O primeiro dia. Sem ele, trinta dias antes de acabar.")
]
Ate = Annotated[
    date | None, QueryParameter(description="O último dia, no fuso do chatbot. Sem ele, o de hoje.")
]
Formato = Annotated[
    Literal["json", "csv"], QueryParameter(description="csv: uma planilha, com uma linha de títulos.")
]


class Periodo(msgspec.Struct, Generic[T], frozen=True):
    """A report: its rows, and what they are about."""

    chatbot: Annotated[int, Meta(description="De qual chatbot.")]
    de: Annotated[date, Meta(description="O primeiro dia.")]
    ate: Annotated[date, Meta(description="O último dia.")]
    fuso: Annotated[str, Meta(description="O fuso horário dos dias.", examples=["America/Sao_Paulo"])]
    linhas: Annotated[list[T], Meta(description="Os números.")]


class About(msgspec.Struct, frozen=True):
    """A report that can be asked for."""

    nome: Annotated[str, Meta(description="O endereço: /api/metricas/nome/.", examples=["funil"])]
    titulo: Annotated[str, Meta(description="Como se chama.")]
    descricao: Annotated[str, Meta(description="O que diz, em uma frase.")]


class AboutAll(msgspec.Struct, frozen=True):
    relatorios: Annotated[list[About], Meta(description="Os relatórios que há.")]


@dataclass
class _AlsoCsv(Operation):
    """For the OpenAPI document: the other thing that may come."""

    def __post_init__(self) -> None:
        answer = (self.responses or {}).get("200")
        if isinstance(answer, OpenAPIResponse) and answer.content is not None:
            answer.content["text/csv"] = OpenAPIMediaType(Schema(type=OpenAPIType.STRING))


@get("/", summary="Lista os relatórios", tags=("metricas",), sync_to_thread=False)
def everything() -> AboutAll:
    return AboutAll([About(report.name, report.title, report.sentence) for report in REPORTS.values()])


def _handler(report: Report) -> HTTPRouteHandler:
    async def show(
        access: NamedDependency[Access],
        chatbot: Bot,
        de: De = None,
        ate: Ate = None,
        formato: Formato = "json",
    ) -> Any:
        zone = await DB.fetchval(ZONE, chatbot) if access.sees(chatbot) else None
        if zone is None:
            raise Invalid(chatbot="Este chatbot não existe.")
        first, last = _period(de, ate, datetime.now(UTC).astimezone(ZoneInfo(zone)).date())
        rows = await run(report.name, chatbot, first, last, zone)
        if formato == "csv":
            return _sheet(report, rows)
        return Periodo(chatbot, first, last, zone, list(rows))

    show.__annotations__["return"] = Periodo[report.row]  # type: ignore[name-defined]
    route = get(
        f"/{report.name}",
        summary=report.title,
        description=report.sentence,
        tags=("metricas",),
        operation_id=f"Metricas{report.row.__name__}",
        operation_class=_AlsoCsv,
    )
    return route(show)


def _period(de: date | None, ate: date | None, today: date) -> tuple[date, date]:
    """The days asked for. Raises Invalid."""
    last = ate or today
    if not EARLIEST <= last <= today + timedelta(days=1):  # it may be tomorrow already where the caller is
        raise Invalid(ate=f"Escolha um dia de {EARLIEST:%d/%m/%Y} até hoje.")
    first = de or last - USUAL
    if first > last:
        raise Invalid(de="O primeiro dia vem depois do último.")
    if (last - first).days >= MOST_DAYS:
        raise Invalid(de=f"São dias demais: um relatório abrange até {MOST_DAYS}.")
    return first, last


def _sheet(report: Report, rows: Sequence[Any]) -> Response[str]:
    """No cell holds anybody's words, so none can be a formula."""
    text = io.StringIO("\ufeff")  # without the mark, Excel takes UTF-8 for something else
    text.seek(0, io.SEEK_END)
    csv.writer(text, lineterminator="\r\n").writerows(_lines(report, rows))
    headers = {"Content-Disposition": f'attachment; filename="{report.name}.csv"'}
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def _lines(report: Report, rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    yield report.row.__struct_fields__
    for row in rows:
        yield msgspec.structs.astuple(row)


ROUTES = [everything, *map(_handler, REPORTS.values())]
