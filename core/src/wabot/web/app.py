"""The web application: Meta's webhook, the REST API of the core and the plugins, health."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from wabot.logs import set_up
from wabot.process import Process, running
from wabot.settings import load
from wabot.web import health, problems, webhook
from wabot.web.auth import authorize, provide_access
from wabot.web.clientes import ClienteController
from wabot.web.rest import provide_listing


def create_app(opened: Callable[[], AbstractAsyncContextManager[Process]]) -> Litestar:
    """The application for a process that is opened when the server starts and closed when it stops.

    Plugins' routes are mounted when it has opened: only then it is known which plugins work.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with opened() as process:
            app.state.process = process
            for plugin in process.registry.plugins.values():
                if plugin.declared.routes:
                    app.register(_behind_token(f"/api/{plugin.id}", plugin.declared.routes))
            yield

    return Litestar(
        [
            webhook.verify,
            webhook.receive,
            health.healthz,
            health.readyz,
            _behind_token("/api", [ClienteController]),
        ],
        lifespan=[lifespan],
        dependencies={"process": Provide(_provide_process)},
        plugins=[problems.plugin],
        exception_handlers={
            Exception: problems.unexpected,
            UnicodeDecodeError: problems.unreadable,
            RecursionError: problems.unreadable,
        },
        openapi_config=OpenAPIConfig(
            title="wabot",
            version="1",
            path="/schema",
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        ),
        logging_config=None,
    )


def from_environment() -> Litestar:
    """The application on its own, as a server that makes several processes of it imports it."""
    settings = load()
    set_up(settings.log_level, settings.log_format)
    return create_app(lambda: running(settings, worker=False))


def _behind_token(path: str, handlers: Sequence[Any]) -> Router:
    """Endpoints for whoever has a token: the core's, or a plugin's under its own id."""
    return Router(
        path,
        route_handlers=handlers,
        guards=[authorize],
        dependencies={"access": Provide(provide_access), "listing": Provide(provide_listing)},
    )


async def _provide_process(request: Request[Any, Any, Any]) -> Process:
    process: Process = request.app.state.process
    return process
