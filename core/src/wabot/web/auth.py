"""Who calls the API: a bearer token, and what it may see and change."""

from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from wabot import audit, tokens
from wabot.audit import Actor
from wabot.db.engine import DB
from wabot.web.rest import Access

_READING = {"GET", "HEAD", "OPTIONS"}


async def authorize(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """Guard of everything under /api but the webhook. Raises 401 without a valid token, 403 if it may only read."""
    scheme, _sep, token = connection.headers.get("authorization", "").partition(" ")
    bearer = await tokens.find(token.strip()) if scheme.lower() == "bearer" and token else None
    if bearer is None:
        raise NotAuthorizedException(
            detail="Envie um token válido: Authorization: Bearer TOKEN.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if connection.scope["method"] not in _READING and not bearer.writes:  # type: ignore[typeddict-item]
        raise PermissionDeniedException(detail="Este token só pode ler. Crie outro com --escrita.")
    if bearer.chatbots is not None:
        # a handler that forgets to ask what the token sees can at least write nothing elsewhere
        DB.fence(bearer.chatbots)
    audit.acting(Actor("token", bearer.id, bearer.nome, address_of(connection)))
    connection.scope["auth"] = Access(bearer.chatbots, bearer.writes)


def address_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """Where a request comes from. Of a proxy's word, uvicorn has seen to it: see FORWARDED_ALLOW_IPS."""
    return connection.client.host if connection.client else ""


async def provide_access(request: Request[Any, Access, Any]) -> Access:
    return request.auth
