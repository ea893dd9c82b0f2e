"""`/painel/`: which chatbot, and the first page of each."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.plugins.htmx import HTMXRequest
from litestar.response import Redirect, Template

from wabot import chatbots
from wabot.people import Person
from wabot.web.panel.frame import page

MOST = 100
"""Chatbots on one page; the rest are found by name or number."""


@get("/")
async def choose(
    request: HTMXRequest,
    person: NamedDependency[Person],
    busca: Annotated[str, QueryParameter(max_length=100)] = "",
) -> Template | Redirect:
    """The chatbots somebody may see; straight to it where there is only one."""
    found = await chatbots.matching(person.chatbots, busca, MOST + 1)
    if len(found) == 1 and not busca:
        return Redirect(f"/painel/{found[0].id}/", status_code=303)
    part = "chatbots_lista.html" if request.htmx else "chatbots.html"
    return page(request, part, found=found[:MOST], more=len(found) > MOST, busca=busca)


@get("/")
async def overview(request: Request[Person, Any, Any]) -> Template:
    return page(request, "visao_geral.html")
