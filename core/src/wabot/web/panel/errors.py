"""What went wrong, on a page: what it is, and what to do."""

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, PermissionDeniedException, ValidationException
from litestar.plugins.htmx import ClientRedirect
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap

from wabot.db.away import is_away
from wabot.logs import places
from wabot.web.panel import headers
from wabot.web.panel.csrf import COOKIE, PATH
from wabot.web.panel.frame import page
from wabot.web.panel.guards import NotSignedIn
from wabot.web.panel.places import sign_in_address

log = logging.getLogger(__name__)
AnyRequest = Request[Any, Any, Any]

WORDS = {
    400: ("Pedido inválido", "O que foi enviado não pôde ser lido. Volte e tente de novo."),
    403: ("Sem permissão", "O seu papel não permite isto. Se precisar, peça a um dono do chatbot."),
    404: ("Página não encontrada", "Este endereço não existe, ou não é de um chatbot seu."),
    405: ("Isto não se faz aqui", "Volte à página anterior e use os botões dela."),
    413: ("Grande demais", "O que foi enviado é grande demais. Envie menos de uma vez."),
    500: ("Algo falhou do nosso lado", "Tente de novo. Se continuar, avise quem cuida desta instalação."),
    503: ("Indisponível no momento", "Espere um pouco e tente de novo."),
}
EXPIRED = (
    "A página ficou velha",
    "Por segurança, ela não vale mais. Volte, recarregue a página e tente de novo.",
)
CSRF_FAILED = "CSRF token verification failed"
"""What Litestar's middleware says; it has no class of its own for it."""


def not_signed_in(request: AnyRequest, _: NotSignedIn) -> Response[Any]:
    """To the sign-in page; after it, back to where they were going."""
    address = sign_in_address(request)
    if "hx-request" in request.headers:  # htmx would put the sign-in page into the middle of this one
        return ClientRedirect(address)
    return Redirect(address, status_code=303)


def refused(request: AnyRequest, error: HTTPException) -> Response[Any]:
    title, words = WORDS.get(error.status_code, WORDS[400])
    if isinstance(error, PermissionDeniedException):
        if error.detail == CSRF_FAILED:
            return _expired(request)
        if error.detail and error.detail != PermissionDeniedException().detail:
            words = error.detail
    return _error_page(request, error.status_code, title, words)


def unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    """Our own fault: the log has the place, the person gets no details. That the database is away is told already."""
    if is_away(error):
        return _error_page(request, 503, *WORDS[503])
    log.error("%s %s: %s", request.method, request.scope["path"], places(error))
    return _error_page(request, 500, *WORDS[500])


def _expired(request: AnyRequest) -> Response[Any]:
    """Without the cookie the next page gets a new one: an old one may be signed with a key that is gone."""
    answer = _error_page(request, 403, *EXPIRED)
    answer.delete_cookie(COOKIE, path=PATH)
    return answer


def _error_page(request: AnyRequest, status: int, title: str, words: str) -> Response[Any]:
    answer = page(request, "erro.html", status, title=title, words=words)
    answer.headers.update(headers.PAGE)  # also where the middleware that sets them has been left already
    return answer


HANDLERS: ExceptionHandlersMap = {
    NotSignedIn: not_signed_in,
    HTTPException: refused,
    ValidationException: refused,  # it has another handler for the API, which would go before HTTPException's
    Exception: unexpected,
}
