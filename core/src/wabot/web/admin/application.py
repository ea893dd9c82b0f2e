"""Piccolo Admin with what is ours in place of its own: who is signed in, signing out, the language, the page around."""

from collections.abc import Iterable
from typing import Any

from piccolo_admin.endpoints import AdminRouter, TableConfig
from piccolo_admin.translations.data import ENGLISH, PORTUGUESE
from piccolo_api.crud.endpoints import OrderBy
from starlette.authentication import SimpleUser
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from wabot import sessions
from wabot.plugins.registry import Plugin
from wabot.web.admin.changes import Changes
from wabot.web.admin.tables import Shown, all_tables
from wabot.web.panel.frame import static
from wabot.web.panel.guards import SESSION

PRIVATE = ("/tables", "/links", "/forms", "/user")
PUBLIC = ("/meta", "/translations")
KEPT = ("/", "/assets", "/api", "/public")
"""What is left of Piccolo Admin's API. Signing in, passwords, uploads, and pages that fetch from elsewhere are not."""


PLAIN = (
    "type", "asgi", "http_version", "method", "scheme", "raw_path", "query_string", "headers", "client", "server",
    "extensions",
)  # fmt: skip
"""What an ASGI scope has of the request itself, and not of the framework around it."""


class AdminUser(SimpleUser):
    """Somebody of ours, as Piccolo Admin asks for them."""

    def __init__(self, number: int, email: str) -> None:
        super().__init__(email)
        self.user_id = str(number)


def application(plugins: Iterable[Plugin]) -> ASGIApp:
    """Everything under `/admin/`, for a scope with a superuser in it."""
    tables = all_tables(plugins)
    admin = AdminRouter(
        *map(_config, tables.values()),
        page_size=25,
        site_name="wabot",
        default_language_code="pt",
        translations=[PORTUGUESE, ENGLISH],
    )
    admin.user_middleware.clear()  # its CSRF check
    mounts = {route.path: route for route in admin.routes if isinstance(route, Mount)}
    private: Any = mounts["/api"].app.app  # type: ignore[attr-defined] # inside its own check of who is signed in
    public: Any = mounts["/public"].app
    private.router.routes[:] = _only(private.routes, PRIVATE)
    public.router.routes[:] = [*_only(public.routes, PUBLIC), Route("/logout/", _sign_out, methods=["POST"])]
    private.add_exception_handler(ValueError, _unknown)
    mounts["/api"].app = private
    admin.router.routes[:] = [route for route in admin.routes if getattr(route, "path", "") in KEPT]
    admin.template = _page(admin.template)
    return _Scoped(admin, Changes(admin, tables))


def _config(shown: Shown) -> TableConfig:
    key = shown.table._meta.primary_key
    return TableConfig(shown.table, menu_group=shown.group, order_by=[OrderBy(key, ascending=False)])


def _only(routes: Iterable[BaseRoute], prefixes: tuple[str, ...]) -> list[BaseRoute]:
    return [route for route in routes if getattr(route, "path", "").startswith(prefixes)]


def _page(html: str) -> str:
    """Its page, which sends people to the panel's for signing in and for their password."""
    ours = (
        f'<link rel="icon" href="{static("icone.svg")}" type="image/svg+xml">'
        f'<link rel="stylesheet" href="{static("admin.css")}"><script defer src="{static("admin.js")}"></script>'
    )
    return html.replace('lang="en"', 'lang="pt-BR"').replace(
        "<title>Piccolo Admin</title>", f"<title>Administração · wabot</title>{ours}"
    )


async def _unknown(request: Request, error: Exception) -> Response:
    """Piccolo Admin sorts and filters by whatever it is told: a column that is not there would be a fault of ours."""
    return JSONResponse({"detail": "Não há esta coluna, ou o valor não serve para ela."}, status_code=400)


async def _sign_out(request: Request) -> Response:
    if token := request.cookies.get(SESSION):
        await sessions.end(token)
    answer = Response(status_code=200)
    answer.delete_cookie(SESSION)
    return answer


class _Scoped:
    """What Starlette finds: nothing of Litestar's, the whole path, and who is signed in."""

    def __init__(self, admin: ASGIApp, changes: ASGIApp) -> None:
        self._admin, self._changes = admin, changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        person = scope["user"]
        path = scope["raw_path"].decode("ascii", "replace")
        plain = {name: scope[name] for name in PLAIN if name in scope}
        ours: Scope = {
            **plain,
            "path": path,
            "root_path": "/admin",
            "user": AdminUser(person.id, person.email),
        }
        elsewhere: dict[str, ASGIApp] = {
            "/admin": RedirectResponse("/admin/"),  # its page's own links are relative
            "/admin/public/logout/": self._admin,
        }
        await elsewhere.get(path, self._changes)(ours, receive, send)
