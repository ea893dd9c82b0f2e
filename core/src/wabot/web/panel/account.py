"""`/painel/senha/`: one's own password."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Template

from wabot import sessions
from wabot.passwords import WeakPassword
from wabot.people import Person
from wabot.sessions import WrongPassword
from wabot.throttle import TooManyTries
from wabot.web.auth import address_of
from wabot.web.panel.frame import page
from wabot.web.panel.guards import SESSION

AnyRequest = Request[Any, Any, Any]


class NewPassword(msgspec.Struct):
    atual: str = ""
    nova: str = ""
    repetida: str = ""


@get("/senha/")
async def password(request: AnyRequest) -> Template:
    return _form(request)


@post("/senha/", status_code=200)
async def change_password(
    request: AnyRequest,
    person: NamedDependency[Person],
    data: Annotated[NewPassword, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template:
    """Whoever else is signed in as this person is signed out by it."""
    if data.nova != data.repetida:
        return _form(request, 400, repetida="As duas senhas novas são diferentes. Escreva a mesma nas duas.")
    try:
        await sessions.change_password(
            person, data.atual, data.nova, request.cookies[SESSION], address_of(request)
        )
    except (WrongPassword, TooManyTries) as error:
        return _form(request, 400, atual=str(error))
    except WeakPassword as error:
        return _form(request, 400, nova=str(error))
    return _form(request, done=True)


def _form(request: AnyRequest, status: int = 200, *, done: bool = False, **errors: str) -> Template:
    return page(request, "senha.html", status, errors=errors, done=done)
