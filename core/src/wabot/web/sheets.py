"""`/api/clientes/exportar/` and `/api/clientes/importar/`: lists of clientes as CSV, streamed both ways."""

import io
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import QueryParameter
from litestar.response import Stream

from wabot import planilha
from wabot.db.tables import Cliente
from wabot.importing import MOST_LINES, Mode, Report, take
from wabot.planilha import NotASheet
from wabot.web.clientes import Filters, add_last_interaction, check_chatbot, provide_filters, shown
from wabot.web.rest import Access, Invalid, Listing

LARGEST_FILE = 20 * 1024 * 1024
"""Bytes."""
IN_MEMORY = 1024 * 1024
BATCH = 1000
HEADING = ("id", "chatbot", *planilha.COLUMNS, "criado_em", "ultima_interacao")
MANY = (
    f"Até {LARGEST_FILE // 1024**2} MiB e {MOST_LINES} linhas em UTF-8, separadas por vírgula ou ponto e vírgula. "
    f"Colunas: {', '.join(planilha.COLUMNS)}; a ordem não importa e só uma de telefone e bsuid é obrigatória. "
    "Quem já existe (mesmo telefone ou BSUID) é atualizado; células vazias deixam o que há."
)


@dataclass
class _TakesCsv(Operation):
    """Litestar describes no body that is read as it comes."""

    def __post_init__(self) -> None:
        text = OpenAPIMediaType(
            Schema(type=OpenAPIType.STRING), example="nome,telefone\nAna,+55 31 98000-0001\n"
        )
        self.request_body = RequestBody({"text/csv": text}, description=MANY, required=True)


class SheetController(Controller):
    path = "/clientes"
    tags = ("clientes",)
    dependencies = {"filters": provide_filters}  # noqa: RUF012 - as Litestar wants it

    @get("/exportar", media_type="text/csv", summary="Exporta clientes em CSV, com os filtros da lista")
    async def export(
        self,
        access: NamedDependency[Access],
        filters: NamedDependency[Filters],
        chatbot: Annotated[
            int | None, QueryParameter(ge=1, le=2**31 - 1, description="Só os deste chatbot.")
        ] = None,
    ) -> Stream:
        """A cell that a spreadsheet would run as a formula begins with an apostrophe, which an import takes away."""
        listing = Listing(limit=BATCH, chatbot=chatbot)
        headers = {"Content-Disposition": 'attachment; filename="clientes.csv"'}
        return Stream(_lines(listing, access, filters), media_type="text/csv; charset=utf-8", headers=headers)

    @post(
        "/importar",
        status_code=200,
        request_max_body_size=LARGEST_FILE,
        operation_class=_TakesCsv,
        summary="Importa clientes de um CSV",
    )
    async def take(
        self,
        request: Request[Any, Any, Any],
        access: NamedDependency[Access],
        chatbot: Annotated[int, QueryParameter(ge=1, le=2**31 - 1, description="De quem são os clientes.")],
        modo: Annotated[
            Mode,
            QueryParameter(
                description="tudo: um erro e nada é gravado. validas: só as linhas com erro ficam de fora. "
                "simular: nada é gravado."
            ),
        ] = "tudo",
    ) -> Report:
        """The file is read to its end before anything is written: a slow sender holds no transaction open."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
            raise ClientException(detail="Envie o corpo como text/csv.", status_code=415)
        await check_chatbot(access, chatbot)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            async for chunk in request.stream():
                file.write(chunk)
            file.seek(0)
            try:
                report = await take(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), chatbot, modo)
            except NotASheet as error:
                raise Invalid(corpo=str(error)) from None
        if modo == "tudo" and report.recusados:
            raise _Refused(report)
        return report


class _Refused(Invalid):
    """All or nothing, and it was nothing."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.detail = f"Nada foi importado: {report.recusados} linhas têm erros."
        self.extra = [{"field": e.field, "message": e.message, "line": e.line} for e in report.erros]


async def _lines(listing: Listing, access: Access, filters: Filters) -> AsyncIterator[str]:
    """A batch at a time, each beginning after the last id of the one before: no transaction stays open."""
    yield "\ufeff" + planilha.write([HEADING])  # without the mark, Excel takes UTF-8 for something else
    scope = (Cliente.mesclado_em.is_null(), *filters.where, *listing.scope(Cliente.chatbot, access))
    last = 0
    while rows := await Cliente.objects().where(Cliente.id > last, *scope).order_by(Cliente.id).limit(BATCH):
        last = rows[-1].id
        batch = [shown(row) for row in rows]
        await add_last_interaction(batch)
        yield planilha.write([getattr(cliente, name) for name in HEADING] for cliente in batch)
