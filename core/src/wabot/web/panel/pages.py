"""Pages of plugins inside the panel: found by their address, called under the guard, shown in the frame."""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath
from litestar.response import Template
from markupsafe import Markup, escape

from wabot import planilha
from wabot.attempt import attempt
from wabot.chatbots import ChatbotOut
from wabot.db.engine import DB
from wabot.errors import PluginFailed
from wabot.parts import Bound, Html, PageContext, Papel, Planilha, PluginPage
from wabot.people import Person
from wabot.plugins.guard import Guard, PluginDown
from wabot.plugins.registry import Plugin
from wabot.plugins.runtime import BotRuntime
from wabot.process import Process
from wabot.web.panel.frame import environment, of_plugin, page, static

log = logging.getLogger(__name__)
LIMIT = 5.0
"""Seconds a page may take."""

Shown = Markup | Response[str]
"""Inside the frame, or in its place."""


@get("/{plugin:str}/")
async def first_page(
    request: Request[Person, Any, Any],
    process: NamedDependency[Process],
    guard: NamedDependency[Guard],
    chatbot: NamedDependency[ChatbotOut],
    plugin: FromPath[str],
) -> Template | Response[str]:
    """The plugin's page without a path."""
    return await _show(request, process, guard, chatbot, plugin, "")


@get("/{plugin:str}/{path:str}/")
async def other_page(
    request: Request[Person, Any, Any],
    process: NamedDependency[Process],
    guard: NamedDependency[Guard],
    chatbot: NamedDependency[ChatbotOut],
    plugin: FromPath[str],
    path: FromPath[str],
) -> Template | Response[str]:
    return await _show(request, process, guard, chatbot, plugin, path)


handlers = [first_page, other_page]


async def _show(
    request: Request[Person, Any, Any],
    process: Process,
    guard: Guard,
    chatbot: ChatbotOut,
    plugin: str,
    path: str,
) -> Template | Response[str]:
    """A page that fails is told in its place: the frame, and with it the way elsewhere, stays."""
    runtime = process.runtimes.get(chatbot.id)
    bound = _found(runtime, plugin, path)
    if runtime is None or bound is None:
        raise NotFoundException
    if not request.user.may(chatbot.id, bound.value.papel):
        raise PermissionDeniedException(
            detail=f"Para esta página é preciso ser {bound.value.papel} deste chatbot."
        )
    context = _context(request, runtime, bound)
    try:
        shown = await _called(guard, bound, context, process.registry.plugins[plugin])
    except (PluginFailed, PluginDown) as error:
        log.warning("page %r of plugin %s on chatbot %s: %s", path, plugin, chatbot.id, type(error).__name__)
        return page(request, "pagina_falhou.html", 503, title=bound.value.title)
    if isinstance(shown, Response):
        return shown
    return page(request, "pagina.html", title=bound.value.title, shown=shown)


def _found(runtime: BotRuntime | None, plugin: str, path: str) -> Bound[PluginPage] | None:
    pages = runtime.pages if runtime else ()
    return next((one for one in pages if one.plugin == plugin and one.value.path == path), None)


def _context(
    request: Request[Person, Any, Any], runtime: BotRuntime, bound: Bound[PluginPage]
) -> PageContext:
    person, chatbot = request.user, runtime.bot.id
    papel: Papel = "dono" if person.superuser else person.roles[chatbot]
    query = {name: values[-1] for name, values in request.query_params.dict().items()}
    return PageContext(
        runtime.chatbot, datetime.now(UTC), bound.config, person=person.email, papel=papel, query=query
    )


async def _called(guard: Guard, bound: Bound[PluginPage], context: PageContext, plugin: Plugin) -> Shown:
    """What the page shows, rendered. Raises PluginFailed or PluginDown."""

    async def work() -> Shown:
        shown = await bound.value.show(context)
        if isinstance(shown, Html):
            return _rendered(plugin, shown, context)
        if isinstance(shown, str):
            return escape(shown)
        if isinstance(shown, Planilha):
            return _download(shown)
        raise TypeError(f"a page gives an Html, a Planilha or a text, not {type(shown).__name__}")

    part = f"página {bound.value.title}"
    async with DB.transaction() as transaction:
        shown = await attempt(guard, context.bot.id, bound.plugin, part, work, LIMIT)
        # Not a read-only transaction: refusing a write is how PostgreSQL says that it is no longer the primary.
        await transaction.rollback()  # type: ignore[no-untyped-call]
    return shown


def _rendered(plugin: Plugin, shown: Html, context: PageContext) -> Markup:
    templates = _environment(plugin.id, plugin.folder)
    values: Mapping[str, Any] = {"bot": context.bot, "papel": context.papel, **shown.values}
    return Markup(templates.get_template(shown.template).render(values))  # noqa: S704 - escaped by Jinja


def _download(sheet: Planilha) -> Response[str]:
    name = re.sub(r"[^\w.-]", "_", sheet.name, flags=re.ASCII)
    # Excel takes a file without this mark for the machine's old code page
    text = f"\ufeff{planilha.write(sheet.rows)}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv", headers=headers)


@cache
def _environment(plugin: str, folder: str) -> Environment:
    """The plugin's templates, with our filters, and `static()` for the files it brings."""
    files = partial(static, folder=Path(folder) / "static", at=of_plugin(plugin))
    return environment(Path(folder) / "templates", files)
