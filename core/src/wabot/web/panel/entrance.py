"""`/painel/entrar/` and `/painel/sair/`."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter
from litestar.response import Redirect, Template

from wabot import sessions
from wabot.sessions import WrongLogin
from wabot.throttle import TooManyTries
from wabot.web.auth import address_of
from wabot.web.panel.frame import page
from wabot.web.panel.guards import SESSION, session_cookie, who_is
from wabot.web.panel.places import SIGN_IN, safe_next

AnyRequest = Request[Any, Any, Any]


class SignIn(msgspec.Struct):
    """The form. Whatever is missing is empty, and said at its field."""

    email: str = ""
    senha: str = ""
    next: str = ""


@get("/entrar/")
async def sign_in_page(
    request: AnyRequest, next: Annotated[str, QueryParameter(name="next")] = ""
) -> Template | Redirect:
    """Whoever is signed in already goes on at once."""
    if await who_is(request):
        return Redirect(safe_next(next), status_code=303)
    return _form(request, SignIn(next=next))


@post("/entrar/")
async def sign_in(
    request: AnyRequest, data: Annotated[SignIn, Body(media_type=RequestEncodingType.URL_ENCODED)]
) -> Template | Redirect:
    """A new session each time: one that somebody else put into this browser is ended, never taken over."""
    if missing := _missing(data):
        return _form(request, data, 400, **missing)
    try:
        token = await sessions.sign_in(data.email, data.senha, address_of(request))
    except WrongLogin as error:
        return _form(request, data, 400, senha=str(error))
    except TooManyTries as error:
        answer = _form(request, data, 429, email=str(error))
        answer.headers["Retry-After"] = str(int(error.wait.total_seconds()) + 1)
        return answer
    await _end(request)
    return Redirect(safe_next(data.next), status_code=303, cookies=[session_cookie(request, token)])


@post("/sair/")
async def sign_out(request: AnyRequest) -> Redirect:
    """Ends the session itself, not only this browser's memory of it."""
    await _end(request)
    answer = Redirect(SIGN_IN, status_code=303)
    answer.delete_cookie(SESSION)
    return answer


async def _end(request: AnyRequest) -> None:
    if token := request.cookies.get(SESSION):
        await sessions.end(token)


def _missing(data: SignIn) -> dict[str, str]:
    errors = {}
    if not data.email.strip():
        errors["email"] = "Escreva o seu e-mail."
    if not data.senha:
        errors["senha"] = "Escreva a sua senha."
    return errors


def _form(request: AnyRequest, data: SignIn, status: int = 200, **errors: str) -> Template:
    """Keeps the e-mail, never the password."""
    return page(
        request, "entrar.html", status, email=data.email[:254], next=safe_next(data.next), errors=errors
    )
