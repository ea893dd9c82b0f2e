"""`/metrics`: what a process has counted, and on a web process how the installation stands, for Prometheus."""

import contextlib
import hmac
import ipaddress
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request, Response, get
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from wabot.asgi import bind, serving
from wabot.gauges import Gauges
from wabot.metrics import exposition
from wabot.settings import Settings

FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-real-ip", "via")
"""What a proxy adds: then it only seems that somebody on this machine asks."""


def endpoint(token: str, gauges: Gauges | None = None) -> HTTPRouteHandler:
    """`GET /metrics`, for whoever knows the token; if there is none, for programs on this machine."""

    @get("/metrics", include_in_schema=False)
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        _let_in(request, token)
        read = await gauges.read() if gauges else []
        return Response(exposition(read), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    return metrics


def _let_in(request: Request[Any, Any, Any], token: str) -> None:
    if token:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise NotAuthorizedException(
                detail="Envie o valor de METRICS_TOKEN: Authorization: Bearer …",
                headers={"WWW-Authenticate": "Bearer"},
            )
    elif not _is_local(request):
        raise PermissionDeniedException(
            detail="Sem METRICS_TOKEN, as métricas só são mostradas a programas da mesma máquina."
        )


def _is_local(request: Request[Any, Any, Any]) -> bool:
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


@contextlib.asynccontextmanager
async def on_its_own_port(settings: Settings) -> AsyncIterator[None]:
    """While inside, `/metrics` of a process that serves nothing else. Raises PortTaken."""
    app = Litestar([endpoint(settings.metrics_token)], openapi_config=None, logging_config=None)
    listener = bind(settings.host, settings.metrics_port or 0, instead="METRICS_PORT")
    async with serving(app, listener, patience=1):
        yield
