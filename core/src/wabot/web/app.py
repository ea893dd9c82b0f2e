"""The web application: Meta's webhook, the REST API of the core and the plugins, the panel, health."""

import logging
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

from litestar import Litestar, Request, Response, Router
from litestar.di import Provide
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ServiceUnavailableException,
)
from litestar.plugins import PluginProtocol
from litestar.plugins.core import MsgspecDIPlugin
from litestar.types import ASGIApp, Receive, Scope, Send

from wabot.errors import WabotError, WrongFields
from wabot.gauges import Gauges
from wabot.logs import places, set_up
from wabot.plugins.declared import Declared
from wabot.plugins.installed import installed
from wabot.process import Process, running, settle
from wabot.settings import load
from wabot.web import health, metrics, openapi, problems, webhook
from wabot.web.admin import mount as admin
from wabot.web.agenda import AgendaController
from wabot.web.auth import authorize, provide_access
from wabot.web.bindings import BindingController, EtapaController
from wabot.web.chatbots import ChatbotController
from wabot.web.clientes import ClienteController
from wabot.web.idempotency import Idempotency
from wabot.web.opening import opening
from wabot.web.panel import errors
from wabot.web.panel import mount as panel
from wabot.web.panel.frame import template_config
from wabot.web.privacy import PrivacyController, RetentionController
from wabot.web.rest import provide_listing
from wabot.web.sheets import SheetController
from wabot.web.strict import fitting_body, only_known_parameters

log = logging.getLogger(__name__)

LARGEST_BODY = 256 * 1024
"""Bytes of a request to the API. What takes more says so itself."""


class _Application(Litestar):
    """Litestar, with its parts for pydantic and attrs only if an installed plugin names one of them among what it
    requires: they import all of both, two versions of pydantic, which is 10 MB of every web process.
    """

    @staticmethod
    def _get_default_plugins(plugins: list[PluginProtocol]) -> list[PluginProtocol]:
        if any(about.needs("pydantic", "attrs") for about in installed()):
            return Litestar._get_default_plugins(plugins)
        return [*plugins, MsgspecDIPlugin()]


def create_app(opened: Callable[[], AbstractAsyncContextManager[Process]]) -> Litestar:
    """The application for a process that is opened when the server starts and closed when it has stopped.

    Opening waits for the database. The server does not wait that long: it says 503 meanwhile. Metrics, the panel and
    plugins' routes are mounted when the process has opened: only then its keys are known, and which plugins work.
    """

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        app.state.process = None
        async with opening(opened, lambda process: _admit(app, process)) as app.state.held:
            yield

    structs = openapi.Structs()
    app = _Application(
        [
            webhook.verify,
            health.healthz,
            health.readyz,
            openapi.files(),
            _behind_token(
                "/api",
                [
                    ChatbotController,
                    BindingController,
                    EtapaController,
                    ClienteController,
                    SheetController,
                    PrivacyController,
                    RetentionController,
                    AgendaController,
                ],
            ),
        ],
        lifespan=[lifespan],
        dependencies={"process": Provide(_provide_process)},
        plugins=[problems.plugin, structs],
        template_config=template_config(),
        exception_handlers={
            Exception: problems.unexpected,
            NotFoundException: _refused,
            MethodNotAllowedException: _refused,
            WrongFields: problems.wrong_fields,
            UnicodeDecodeError: problems.unreadable,
            RecursionError: problems.unreadable,
        },
        openapi_config=openapi.config(structs),
        logging_config=None,
    )
    app.asgi_handler = _answering_head(app.asgi_handler)
    app.asgi_handler = webhook.at_the_door(app)
    return app


def _answering_head(app: ASGIApp) -> ASGIApp:
    """HEAD is GET; that the body is left out, the server sees to."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "HEAD":
            scope = cast(Scope, {**scope, "method": "GET"})
        await app(scope, receive, send)

    return answer


def from_environment() -> Litestar:
    """The application on its own, as a server that makes several processes of it imports it."""
    settings = load()
    set_up(settings.log_level, settings.log_format)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Process]:
        try:
            async with running(settings, worker=False) as process:
                settle()
                yield process
        except Exception as error:
            log.error("%s", error if isinstance(error, WabotError) else places(error))
            signal.raise_signal(signal.SIGTERM)  # the server ends; whoever watches over it starts another
            raise

    return create_app(opened)


def _admit(app: Litestar, process: Process) -> None:
    app.state.process = process
    app.register(metrics.endpoint(process.settings.metrics_token, Gauges(process.queue)))
    for router in panel.routers(process.settings, process.registry):
        app.register(router)
    app.register(admin.router(process.settings, process.registry))
    for plugin in process.registry.plugins.values():
        mount(app, plugin.id, plugin.declared)


def mount(app: Litestar, plugin: str, declared: Declared) -> None:
    """A plugin's endpoints. Those that cannot be mounted must not keep the webhook from being served."""
    if not declared.routes:
        return
    try:
        app.register(_behind_token(f"/api/{plugin}", declared.routes))
    except Exception as error:  # noqa: BLE001 - whatever a plugin's handlers make Litestar raise
        log.error("routes of plugin %s left out: %s: %s", plugin, type(error).__name__, error)


def _behind_token(path: str, handlers: Sequence[Any]) -> Router:
    """Endpoints for whoever has a token: the core's, or a plugin's under its own id."""
    return Router(
        path,
        route_handlers=handlers,
        middleware=[Idempotency()],
        guards=[authorize, only_known_parameters, fitting_body],
        request_max_body_size=LARGEST_BODY,
        dependencies={"access": Provide(provide_access), "listing": Provide(provide_listing)},
    )


def _refused(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    """Where there is no route, no router can say how it is told: a page to people, a problem document to programs."""
    if request.app.state.process is None:  # there will be
        error = ServiceUnavailableException(detail=problems.NOT_NOW)
    elif isinstance(error, MethodNotAllowedException) and webhook.is_for(request.scope):
        error.headers = {
            "allow": "GET, POST"
        }  # deliveries are answered before the router, which knows of GET only
    of_panel = f"{request.scope['path']}/".startswith("/painel/")
    return errors.refused(request, error) if of_panel else problems.refused(request, error)


async def _provide_process(request: Request[Any, Any, Any]) -> Process:
    """Raises 503 while the process is not open yet."""
    process: Process | None = request.app.state.process
    if process is None:
        raise ServiceUnavailableException(detail=problems.NOT_NOW)
    return process
