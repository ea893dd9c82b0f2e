"""The frame around every page: who is looking, at which chatbot, and where else they can go."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from jinja2.loaders import FileSystemLoader
from litestar import Request
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Template
from litestar.template import TemplateConfig

from wabot.people import Person
from wabot.web.panel import navigation

STATIC = Path(__file__).parents[1] / "static"
TEMPLATES = Path(__file__).parent / "templates"

ROLES = {"leitor": "Leitor", "operador": "Operador", "dono": "Dono"}


@cache
def static(path: str) -> str:
    """The address of a file of ours. It changes when the file does, so that browsers may keep it for ever."""
    version = hashlib.sha256((STATIC / path).read_bytes()).hexdigest()[:12]
    return f"/painel/static/{path}?v={version}"


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    """Escaped always; a name that a page forgot to give is an error, not an empty space."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(environment))


def page(request: Request[Any, Any, Any], name: str, status: int = 200, **context: Any) -> Template:
    """A page inside the frame; `name` is its template under `painel/`."""
    person: Person | None = request.scope.get("user")
    chatbot = request.scope["state"].get("chatbot")
    frame = {
        "person": person,
        "chatbot": chatbot,
        "path": request.scope["path"],
        "pages": navigation.pages_for(person, chatbot.id) if person and chatbot else [],
        "role": _role(person, chatbot.id) if person and chatbot else "",
    }
    return Template(template_name=f"painel/{name}", context=frame | context, status_code=status)


def _role(person: Person, chatbot: int) -> str:
    return "Superusuário" if person.superuser else ROLES[person.roles[chatbot]]
