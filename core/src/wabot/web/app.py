"""The web application: Meta's webhook, the REST API of the core and the plugins, the panel, health."""

import logging
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.di import Provide
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ServiceUnavailableException,
)
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from wabot.errors import WabotError
from wabot.logs import places, set_up
from wabot.plugins.registry import Plugin
from wabot.process import Process, running
from wabot.settings import load
from wabot.web import health, problems, webhook
from wabot.web.admin import mount as admin
from wabot.web.auth import authorize, provide_access
from wabot.web.clientes import ClienteController
from wabot.web.opening import opening
from wabot.web.panel import errors
from wabot.web.panel import mount as panel
from wabot.web.panel.frame import template_config
from wabot.web.privacy import PrivacyController, RetentionController
from wabot.web.rest import provide_listing

log = logging.getLogger(__name__)


def create_app(opened: Callable[[], AbstractAsyncContextManager[Process]]) -> Litestar:
    """The application for a process that is opened when the server starts and closed when it has stopped.

    Opening waits for the database. The server does not wait that long: it says 503 meanwhile. The panel and plugins'
    routes are mounted when the process has opened: only then its keys are known, and which plugins work.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.process = None
        async with opening(opened, lambda process: _admit(app, process)) as app.state.held:
            yield

    return Litestar(
        [
            webhook.verify,
            webhook.receive,
            health.healthz,
            health.readyz,
            _behind_token("/api", [ClienteController, PrivacyController, RetentionController]),
        ],
        lifespan=[lifespan],
        dependencies={"process": Provide(_provide_process)},
        plugins=[problems.plugin],
        template_config=template_config(),
        exception_handlers={
            Exception: problems.unexpected,
            NotFoundException: _refused,
            MethodNotAllowedException: _refused,
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

    @asynccontextmanager
    async def opened() -> AsyncIterator[Process]:
        try:
            async with running(settings, worker=False) as process:
                yield process
        except Exception as error:
            log.error("%s", error if isinstance(error, WabotError) else places(error))
            signal.raise_signal(signal.SIGTERM)  # the server ends; whoever watches over it starts another
            raise

    return create_app(opened)


def _admit(app: Litestar, process: Process) -> None:
    app.state.process = process
    for router in panel.routers(process.settings):
        app.register(router)
    app.register(admin.router(process.settings, process.registry))
    for plugin in process.registry.plugins.values():
        _mount(app, plugin)


def _mount(app: Litestar, plugin: Plugin) -> None:
    """A plugin's endpoints. Those that cannot be mounted must not keep the webhook from being served."""
    if not plugin.declared.routes:
        return
    try:
        app.register(_behind_token(f"/api/{plugin.id}", plugin.declared.routes))
    except Exception as error:  # noqa: BLE001 - whatever a plugin's handlers make Litestar raise
        log.error("routes of plugin %s left out: %s: %s", plugin.id, type(error).__name__, error)


def _behind_token(path: str, handlers: Sequence[Any]) -> Router:
    """Endpoints for whoever has a token: the core's, or a plugin's under its own id."""
    return Router(
        path,
        route_handlers=handlers,
        guards=[authorize],
        dependencies={"access": Provide(provide_access), "listing": Provide(provide_listing)},
    )


def _refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Where there is no route, no router can say how it is told: a page to people, a problem document to programs."""
    if request.app.state.process is None:  # there will be
        error = ServiceUnavailableException(detail=problems.NOT_NOW)
    of_panel = f"{request.scope['path']}/".startswith("/painel/")
    return errors.refused(request, error) if of_panel else problems.refused(request, error)


async def _provide_process(request: Request[Any, Any, Any]) -> Process:
    """Raises 503 while the process is not open yet."""
    process: Process | None = request.app.state.process
    if process is None:
        raise ServiceUnavailableException(detail=problems.NOT_NOW)
    return process
