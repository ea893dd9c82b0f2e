"""Errors as RFC 9457 problem documents, one entry per wrong field."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.plugins.problem_details import (
    ProblemDetailsConfig,
    ProblemDetailsException,
    ProblemDetailsPlugin,
)
from litestar.response.base import ASGIResponse

from wabot.db.away import is_away
from wabot.errors import WrongFields
from wabot.explain import field_of, in_portuguese
from wabot.logs import places
from wabot.web.rest import Invalid
from wabot.web.strict import UNREADABLE

log = logging.getLogger(__name__)

FENCED = "WB001"
"""The SQLSTATE of the fence between chatbots."""

NOT_NOW = "O banco de dados não responde agora. Tente de novo em instantes."

TITLES = {
    400: "Pedido inválido",
    401: "Falta identificação",
    403: "Sem permissão",
    404: "Não encontrado",
    405: "Método não permitido",
    409: "Conflito",
    413: "Corpo grande demais",
    415: "Tipo de corpo não aceito",
    422: "Não dá para atender",
    429: "Muitas tentativas",
    500: "Erro interno",
    503: "Indisponível no momento",
}
PLAIN = {
    404: "Não há nada neste endereço.",
    405: "Este endereço não aceita este método; o cabeçalho Allow diz quais aceita.",
    413: "O corpo passa do tamanho que este endereço aceita.",
}
"""What is said where Litestar itself refuses, in English."""


def _problem(error: HTTPException) -> ProblemDetailsException:
    headers = dict(error.headers or {})
    if "GET" in headers.get("allow", ""):
        headers["allow"] += ", HEAD"
    title = TITLES.get(error.status_code, "Erro")
    return ProblemDetailsException(
        detail=_detail(error),
        status_code=error.status_code,
        title=title,
        type_="about:blank",
        headers=headers,
        extra=_errors(error),
    )


def _detail(error: HTTPException) -> str:
    if error.detail in _ENGLISH.get(error.status_code, ()):
        return PLAIN[error.status_code]
    if isinstance(error, ValidationException) and not isinstance(error, Invalid):
        return Invalid.DETAIL
    return error.detail


_ENGLISH = {404: ("Not Found",), 405: ("Method Not Allowed",), 413: ("Request Entity Too Large",)}


def _errors(error: HTTPException) -> dict[str, Any]:
    if not isinstance(error, ValidationException) or not isinstance(error.extra, list):
        return {}
    return {"errors": [_entry(item) for item in error.extra]}


def _entry(item: dict[str, Any]) -> dict[str, Any]:
    if "field" in item:  # our own: see rest.Invalid
        return item
    key, message = item.get("key"), item["message"]
    return {"field": field_of(key, message) or "", "message": in_portuguese(message)}


def refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    return _problem(error).to_response(request)


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Our own fault: the log has the place, the caller gets no details. That the database is away is told already."""
    if is_away(error):
        return _problem(HTTPException(status_code=503, detail=NOT_NOW)).to_response(request)
    if getattr(error, "sqlstate", "") == FENCED:
        log.error(
            "%s %s: a write to another chatbot's rows was refused", request.method, request.scope["path"]
        )
        return _problem(HTTPException(status_code=404, detail="Não encontrado.")).to_response(request)
    log.error("%s %s: %s", request.method, request.scope["path"], places(error))
    detail = "Algo falhou do nosso lado. Tente de novo; se continuar, avise o suporte."
    return _problem(HTTPException(status_code=500, detail=detail)).to_response(request)


def told(request: Request[Any, Any, Any], error: Exception) -> ASGIResponse:
    """The same for whoever answers without the framework."""
    told = refused(request, error) if isinstance(error, HTTPException) else unexpected(request, error)
    return told.to_asgi_response(None, request)


def wrong_fields(request: Request[Any, Any, Any], error: WrongFields) -> Response[Any]:
    """What the parts below the web found wrong, at the field."""
    return _problem(Invalid(**error.fields)).to_response(request)


def unreadable(request: Request[Any, Any, Any], _: Exception) -> Response[Any]:
    """Bytes that are no UTF-8, or JSON nested deeper than anybody needs: the caller's fault, whatever raised it."""
    return _problem(Invalid(corpo=UNREADABLE)).to_response(request)


plugin = ProblemDetailsPlugin(
    ProblemDetailsConfig(
        exception_to_problem_detail_map={HTTPException: _problem, ValidationException: _problem}
    )
)
