"""All of the panel as routers, for the application."""

from pathlib import Path

from litestar import Router
from litestar.config.compression import CompressionConfig
from litestar.datastructures import CacheControlHeader
from litestar.di import Provide
from litestar.middleware import DefineMiddleware
from litestar.middleware.compression import CompressionMiddleware
from litestar.plugins.htmx import HTMXRequest
from litestar.static_files import create_static_files_router

from wabot.plugins.guard import Guard
from wabot.plugins.registry import Registry
from wabot.settings import Settings
from wabot.web.panel import account, agenda, chatbots, dead, entrance, pages, plugins
from wabot.web.panel.csrf import Csrf, csrf_config
from wabot.web.panel.errors import HANDLERS
from wabot.web.panel.frame import STATIC, of_plugin
from wabot.web.panel.guards import provide_chatbot, provide_person, sees_chatbot, signed_in
from wabot.web.panel.headers import FILE, SafeHeaders

LARGEST_FORM = 1024 * 1024


def routers(settings: Settings, registry: Registry) -> list[Router]:
    """The pages, and the files they need."""
    guard = Guard()
    of_one = Router(
        "/{chatbot_id:int}",
        route_handlers=[
            chatbots.overview,
            *plugins.handlers,
            *agenda.handlers,
            *dead.handlers,
            *pages.handlers,
        ],
        guards=[sees_chatbot],
        dependencies={
            "chatbot": Provide(provide_chatbot),
            "guard": Provide(lambda: guard, sync_to_thread=False),
        },
    )
    inside = Router(
        "/",
        route_handlers=[chatbots.choose, account.password, account.change_password, of_one],
        guards=[signed_in],
        dependencies={"person": Provide(provide_person)},
    )
    panel = Router(
        "/painel",
        route_handlers=[entrance.sign_in_page, entrance.sign_in, entrance.sign_out, inside],
        middleware=[SafeHeaders(), DefineMiddleware(Csrf, config=csrf_config(settings))],
        exception_handlers=HANDLERS,
        request_class=HTMXRequest,
        request_max_body_size=LARGEST_FORM,
        include_in_schema=False,
    )
    brought = (
        (plugin.id, Path(plugin.folder) / "static") for plugin in registry.plugins.values() if plugin.folder
    )
    return [
        panel,
        _files("/painel/static", STATIC),
        *(_files(of_plugin(plugin), folder) for plugin, folder in brought if folder.is_dir()),
    ]


def _files(at: str, folder: Path) -> Router:
    """Stylesheets and scripts. Their addresses change with their contents, so browsers may keep them."""
    return create_static_files_router(
        at,
        directories=[folder],
        name=at,
        cache_control=CacheControlHeader(public=True, max_age=365 * 24 * 3600, immutable=True),
        middleware=[
            SafeHeaders(FILE),
            DefineMiddleware(CompressionMiddleware, config=CompressionConfig(backend="gzip")),
        ],
    )
