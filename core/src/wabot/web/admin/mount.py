"""`/admin/` behind the panel's guard, CSRF check and headers. Piccolo Admin is loaded when somebody first asks."""

import asyncio
from dataclasses import replace
from typing import Any

from litestar import Request, Response, Router, asgi
from litestar.middleware import DefineMiddleware
from litestar.response import Redirect
from litestar.types import Receive, Scope, Send

from wabot.plugins.registry import Registry
from wabot.settings import Settings
from wabot.web.panel import errors
from wabot.web.panel.csrf import Csrf, csrf_config
from wabot.web.panel.guards import NotSignedIn, superuser
from wabot.web.panel.headers import PAGE, POLICY, SafeHeaders

HEADERS = PAGE | {
    # its icons bring their own styles; its scripts all come from its package
    "Content-Security-Policy": POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
}


def router(settings: Settings, registry: Registry) -> Router:
    """For the application."""
    admin = _OnDemand(registry)

    @asgi("/", is_mount=True, copy_scope=True, guards=[superuser])
    async def everything(scope: Scope, receive: Receive, send: Send) -> None:
        await (await admin.app())(scope, receive, send)

    # a script of Piccolo Admin's reads the token from this cookie
    csrf = replace(
        csrf_config(settings), cookie_name="csrftoken", cookie_path="/admin", cookie_httponly=False
    )
    return Router(
        "/admin",
        route_handlers=[everything],
        middleware=[SafeHeaders(HEADERS), DefineMiddleware(Csrf, config=csrf)],
        exception_handlers={**errors.HANDLERS, NotSignedIn: _not_signed_in},
        include_in_schema=False,
    )


class _OnDemand:
    """Importing and building it takes a second, which no webhook should wait for: in a thread, once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = asyncio.Lock()
        self._app: Any = None

    async def app(self) -> Any:
        async with self._lock:
            if self._app is None:
                self._app = await asyncio.to_thread(self._made)
        return self._app

    def _made(self) -> Any:
        from wabot.web.admin.application import application

        return application(self._registry.plugins.values())


def _not_signed_in(request: Request[Any, Any, Any], error: NotSignedIn) -> Response[Any]:
    """A script is told so; a person is sent to the sign-in page."""
    if "/api/" in request.scope["raw_path"].decode("latin-1"):
        return Response({"detail": "Entre de novo."}, status_code=401, media_type="application/json")
    return Redirect("/painel/entrar/?next=/admin/", status_code=303)
