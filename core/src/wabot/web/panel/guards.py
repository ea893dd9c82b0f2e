"""Who may come in: guards for pages, and what they found out, for the handlers."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.exceptions import NotAuthorizedException, NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from wabot import audit, chatbots, sessions
from wabot.audit import Actor
from wabot.chatbots import ChatbotOut, NoSuchChatbot
from wabot.db.engine import DB
from wabot.parts import Papel
from wabot.people import Person
from wabot.web.auth import address_of

Connection = ASGIConnection[Any, Any, Any, Any]

SESSION = "wabot_session"


class NotSignedIn(NotAuthorizedException):
    """Nobody is signed in here (any more): to the sign-in page, and back afterwards."""


async def signed_in(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Guard: somebody is signed in. Raises NotSignedIn."""
    person = await who_is(connection)
    if person is None:
        raise NotSignedIn
    audit.acting(Actor("pessoa", person.id, person.email, address_of(connection)))
    connection.scope["user"] = person


async def superuser(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard: a superuser is signed in. Raises NotSignedIn or 403."""
    await signed_in(connection, handler)
    if not connection.user.superuser:
        raise PermissionDeniedException(detail="Só superusuários entram aqui.")


async def sees_chatbot(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Guard, after signed_in: the person may see the chatbot in the address. Any other looks as if it did not exist.

    From here on the database refuses writes to the rows of other chatbots.
    """
    number = connection.path_params["chatbot_id"]
    if not connection.user.may(number, "leitor"):
        raise NotFoundException
    try:
        connection.scope["state"]["chatbot"] = await chatbots.get(number)
    except NoSuchChatbot:
        raise NotFoundException from None
    DB.fence({number})


def needs(papel: Papel) -> Callable[[Connection, BaseRouteHandler], Awaitable[None]]:
    """Guard, after sees_chatbot: the person has this role on the chatbot, or a higher one. Raises 403."""

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        if not connection.user.may(connection.path_params["chatbot_id"], papel):
            raise PermissionDeniedException(
                detail=f"Para isso é preciso ser {papel} deste chatbot. Peça a quem é dono dele."
            )

    return guard


async def who_is(connection: Connection) -> Person | None:
    """Who is signed in, if anybody is."""
    token = connection.cookies.get(SESSION)
    return await sessions.find(token) if token else None


def session_cookie(connection: Connection, token: str) -> Cookie:
    """Not for scripts, not for other sites' forms, and for HTTPS only wherever the page came over it."""
    return Cookie(
        SESSION,
        value=token,
        path="/",
        max_age=int(sessions.LONGEST.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=connection.scope["scheme"] == "https",
    )


async def provide_person(request: Request[Person, Any, Any]) -> Person:
    """For handlers: who is signed in."""
    return request.user


async def provide_chatbot(request: Request[Person, Any, Any]) -> ChatbotOut:
    """For handlers: the chatbot in the address, which the person may see."""
    chatbot: ChatbotOut = request.scope["state"]["chatbot"]
    return chatbot
