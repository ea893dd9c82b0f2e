"""The frame around every page: who is looking, at which chatbot, and where else they can go."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined
from jinja2.loaders import FileSystemLoader
from litestar import Request
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig

from wabot.chatbots import ChatbotOut
from wabot.people import Person
from wabot.process import Process
from wabot.text import reais
from wabot.web.panel import navigation
from wabot.web.panel.navigation import PanelLink

STATIC = Path(__file__).parents[1] / "static"
TEMPLATES = Path(__file__).parent / "templates"

ROLES = {"leitor": "Leitor", "operador": "Operador", "dono": "Dono"}


@cache
def static(path: str, folder: Path = STATIC, at: str = "/painel/static") -> str:
    """The address of a file. It changes when the file does, so that browsers may keep it for ever."""
    version = hashlib.sha256((folder / path).read_bytes()).hexdigest()[:12]
    return f"{at}/{path}?v={version}"


def of_plugin(plugin: str) -> str:
    """Where the files in a plugin's folder `static/` are served."""
    return f"/painel/plugin-static/{plugin}"


def environment(folder: Path = TEMPLATES, static: Callable[[str], str] = static) -> Environment:
    """Templates of a folder. Escaped always; a name that a page forgot to give is an error, not an empty space."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["static"] = static
    made.filters["reais"] = reais
    made.filters["quando"] = quando
    made.filters["id"] = lambda name: name.replace(".", "-")  # htmx looks for ids with a selector
    return made


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment()))


def quando(moment: datetime, timezone: str) -> str:
    """A moment as a chatbot's people read it: `25/11 às 09:12`, with the year if it is another."""
    zone = ZoneInfo(timezone)
    local = moment.astimezone(zone)
    year = "" if local.year == datetime.now(zone).year else "/%Y"
    return local.strftime(f"%d/%m{year} às %H:%M")


def page(request: Request[Any, Any, Any], name: str, status: int = 200, **context: Any) -> Template:
    """A page inside the frame; `name` is its template under `painel/`."""
    person: Person | None = request.scope.get("user")
    chatbot = request.scope["state"].get("chatbot")
    links = _links(request, person, chatbot) if person and chatbot else []
    frame = {
        "person": person,
        "chatbot": chatbot,
        "path": request.scope["path"],
        "pages": links,
        "here": navigation.here(links, request.scope["path"]),
        "role": _role(person, chatbot.id) if person and chatbot else "",
    }
    return Template(template_name=f"painel/{name}", context=frame | context, status_code=status)


def _links(request: Request[Any, Any, Any], person: Person, chatbot: ChatbotOut) -> list[PanelLink]:
    process: Process = request.app.state.process
    runtime = process.runtimes.get(chatbot.id)
    return navigation.pages_for(person, chatbot.id, runtime.pages if runtime else ())


def _role(person: Person, chatbot: int) -> str:
    return "Superusuário" if person.superuser else ROLES[person.roles[chatbot]]
