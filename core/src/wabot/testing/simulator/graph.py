"""The Graph API's endpoints for messages and numbers, with or without a version in the path."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from wabot.testing.simulator.checks import check_message
from wabot.testing.simulator.errors import GraphError, no_such_object
from wabot.testing.simulator.simulator import Simulator
from wabot.testing.simulator.updates import Bot

NEVER = 60.0
"""How long a request that is not to be answered is kept waiting."""
AnyRequest = Request[Any, Any, Any]


def versioned(path: str) -> list[str]:
    """The path as it is and under `/v26.0`."""
    return [path, "/{version:str}" + path]


@post(versioned("/{phone:str}/messages"), status_code=200)
async def messages(request: AnyRequest, simulator: NamedDependency[Simulator], phone: FromPath[str]) -> Any:
    """Send a message, or mark one as read."""
    if simulator.faults.delay_ms:
        await asyncio.sleep(simulator.faults.delay_ms / 1000)
    if fault := simulator.dice.strikes():
        simulator.struck.append((fault, await request.body()))
    if fault == "reset":
        return Hangup(None)
    if fault == "fail":
        raise GraphError(1)
    if fault == "throttle":
        raise GraphError(130429)
    if fault == "pair":
        raise GraphError(131056)
    answer = _handled(simulator, bot_of(request, simulator, phone), await json_of(request))
    if fault == "timeout":
        await _silence(request.app.state.closing)
    return answer


@get(versioned("/{waba:str}/phone_numbers"))
async def numbers(
    request: AnyRequest, simulator: NamedDependency[Simulator], waba: FromPath[str]
) -> dict[str, Any]:
    authorized(request)
    return {"data": [about(bot) for bot in simulator.bots.values() if bot.waba == waba]}


@post(versioned("/{waba:str}/subscribed_apps"), status_code=200)
async def subscribe(request: AnyRequest, waba: FromPath[str]) -> dict[str, bool]:
    authorized(request)
    return {"success": True}


@get(versioned("/debug_token"))
async def debug_token(request: AnyRequest) -> dict[str, Any]:
    """Every token is good for everything and for ever."""
    authorized(request)
    scopes = ["whatsapp_business_messaging", "whatsapp_business_management"]
    told = {"app_id": "100000000000001", "type": "SYSTEM_USER", "is_valid": True, "expires_at": 0}
    return {"data": told | {"scopes": scopes}}


class Hangup(Response[None]):
    """Breaks the connection before the first byte of an answer."""

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        return _hang_up


async def _hang_up(_: Any, receive: Any, __: Any) -> None:
    """ASGI has no word for this: `receive` belongs to uvicorn's request, which knows the socket."""
    receive.__self__.transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


def about(bot: Bot) -> dict[str, Any]:
    """What Meta says of a number."""
    return {
        "id": bot.phone_number_id,
        "display_phone_number": bot.number,
        "verified_name": bot.name,
        "quality_rating": bot.quality,
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "status": "CONNECTED",
        "platform_type": "CLOUD_API",
        "code_verification_status": "VERIFIED",
        "throughput": {"level": "STANDARD"},
        "health_status": {"can_send_message": "AVAILABLE", "entities": []},
    }


def authorized(request: AnyRequest) -> str:
    """The request's token. Raises GraphError."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise GraphError(190, "An active access token must be used")
    return token.strip()


def bot_of(request: AnyRequest, simulator: Simulator, phone: str) -> Bot:
    """The number the request speaks for, if its token may. Raises GraphError."""
    token = authorized(request)
    bot = simulator.bot(phone)
    if bot is None:
        raise no_such_object(phone)
    if bot.access_token and bot.access_token != token:
        raise GraphError(190, "The access token is not one of this number")
    return bot


async def json_of(request: AnyRequest) -> Any:
    try:
        return msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise GraphError(100, "The body is not JSON") from None


def refused(_: AnyRequest, error: GraphError) -> Response[dict[str, Any]]:
    return Response(error.body(), status_code=error.status)


async def _silence(closing: asyncio.Event) -> None:
    """Nobody answers, unless the simulator is stopped."""
    try:
        await asyncio.wait_for(closing.wait(), NEVER)
    except TimeoutError:
        return


def _handled(simulator: Simulator, bot: Bot, body: Any) -> dict[str, Any]:
    if isinstance(body, dict) and body.get("status") == "read":
        simulator.mark_read(bot, str(body.get("message_id")), typing="typing_indicator" in body)
        return {"success": True}
    check_message(body)
    sent, phone = simulator.accept(bot, body)
    if to := body.get("to"):
        contact = {"input": to, "wa_id": phone.number}
    else:
        contact = {"input": body["recipient"], "user_id": phone.bsuid}
    message = {"id": sent.wamid, "message_status": "accepted"}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}
