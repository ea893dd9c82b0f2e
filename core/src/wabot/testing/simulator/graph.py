"""The Graph API's endpoints, with or without a version in the path."""

import asyncio
from typing import Any

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, MultipartBody
from litestar.response.base import ASGIResponse

from wabot.testing.simulator.checks import GraphError, check_message
from wabot.testing.simulator.delivery import Bot
from wabot.testing.simulator.simulator import Simulator

NEVER = 60.0
"""How long a request that is not to be answered is kept waiting."""


class Hangup(ASGIResponse):
    """Begins an answer and breaks the connection."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
        raise ConnectionResetError("asked for by the test")


@post(["/{phone:str}/messages", "/{version:str}/{phone:str}/messages"], status_code=200)
async def messages(
    request: Request[Any, Any, Any], simulator: NamedDependency[Simulator], phone: FromPath[str]
) -> Any:
    """Send a message, or mark one as read."""
    faults = simulator.faults
    if faults.delay_ms:
        await asyncio.sleep(faults.delay_ms / 1000)
    fault = simulator.dice.strikes()
    if fault == "reset":
        return Hangup()
    if fault == "fail":
        raise GraphError(1, "An unknown error occurred", 500)
    if fault == "throttle":
        raise GraphError(130429, "Rate limit hit", 429)
    bot = _bot(request, simulator, phone)
    answer = _handled(simulator, bot, await _json(request))
    if fault == "timeout":
        await asyncio.sleep(NEVER)
    return answer


@post(["/{phone:str}/media", "/{version:str}/{phone:str}/media"], status_code=200)
async def upload(
    request: Request[Any, Any, Any],
    simulator: NamedDependency[Simulator],
    phone: FromPath[str],
    data: MultipartBody[dict[str, Any]],
) -> dict[str, str]:
    """Keep a file for later messages."""
    _bot(request, simulator, phone)
    file = data.get("file")
    if not isinstance(file, UploadFile):
        raise GraphError(131008, "file is required")
    media = simulator.media.add(str(data.get("type") or file.content_type), await file.read())
    return {"id": media.id}


@get(["/{node:str}", "/{version:str}/{node:str}"])
async def node(
    request: Request[Any, Any, Any], simulator: NamedDependency[Simulator], node: FromPath[str]
) -> dict[str, Any]:
    """A file's address, or what Meta says of a number."""
    _authorized(request)
    if media := simulator.media.files.get(node):
        url = f"{simulator.url}/simulator/download/{media.id}"
        about = {"mime_type": media.mime_type, "sha256": media.sha256, "file_size": str(len(media.content))}
        return {"url": url, "id": media.id, "messaging_product": "whatsapp", **about}
    if not node.isdecimal() or node not in simulator.bots:
        raise GraphError(100, f"Object with ID '{node}' does not exist")
    bot = simulator.bots[node]
    return {
        "id": bot.phone_number_id,
        "display_phone_number": bot.number,
        "verified_name": bot.name,
        "quality_rating": "GREEN",
        "status": "CONNECTED",
        "throughput": {"level": "STANDARD"},
    }


@delete(["/{media:str}", "/{version:str}/{media:str}"], status_code=200)
async def forget(
    request: Request[Any, Any, Any], simulator: NamedDependency[Simulator], media: FromPath[str]
) -> dict[str, bool]:
    _authorized(request)
    if simulator.media.files.pop(media, None) is None:
        raise GraphError(100, f"Object with ID '{media}' does not exist")
    return {"success": True}


@get("/simulator/download/{media:str}")
async def download(
    request: Request[Any, Any, Any], simulator: NamedDependency[Simulator], media: FromPath[str]
) -> Response[bytes]:
    """A file, for whoever has the token."""
    _authorized(request)
    return file_of(simulator, media)


@get(["/{waba:str}/message_templates", "/{version:str}/{waba:str}/message_templates"])
async def templates(
    request: Request[Any, Any, Any], simulator: NamedDependency[Simulator], waba: FromPath[str]
) -> dict[str, Any]:
    _authorized(request)
    return {"data": simulator.templates.get(waba, [])}


@post(["/{waba:str}/message_templates", "/{version:str}/{waba:str}/message_templates"], status_code=200)
async def create_template(
    request: Request[Any, Any, Any], simulator: NamedDependency[Simulator], waba: FromPath[str]
) -> dict[str, Any]:
    """Every template is approved at once."""
    _authorized(request)
    template = await _json(request)
    if not isinstance(template, dict) or not all(
        template.get(key) for key in ("name", "language", "category")
    ):
        raise GraphError(100, "name, language and category are required")
    known = simulator.templates.setdefault(waba, [])
    stored = {"id": str(len(known) + 1), "status": "APPROVED", **template}
    known.append(stored)
    return {"id": stored["id"], "status": "APPROVED", "category": template["category"]}


@delete(["/{waba:str}/message_templates", "/{version:str}/{waba:str}/message_templates"], status_code=200)
async def delete_template(
    request: Request[Any, Any, Any],
    simulator: NamedDependency[Simulator],
    waba: FromPath[str],
    name: FromQuery[str],
) -> dict[str, bool]:
    _authorized(request)
    known = simulator.templates.get(waba, [])
    simulator.templates[waba] = [template for template in known if template["name"] != name]
    return {"success": True}


@post(["/{waba:str}/subscribed_apps", "/{version:str}/{waba:str}/subscribed_apps"], status_code=200)
async def subscribe(request: Request[Any, Any, Any], waba: FromPath[str]) -> dict[str, bool]:
    _authorized(request)
    return {"success": True}


def file_of(simulator: Simulator, media: str) -> Response[bytes]:
    found = simulator.media.files.get(media)
    if found is None:
        raise GraphError(100, f"Object with ID '{media}' does not exist", 404)
    return Response(found.content, media_type=found.mime_type)


def refused(_: Request[Any, Any, Any], error: GraphError) -> Response[dict[str, Any]]:
    return Response(error.body(), status_code=error.status)


def _handled(simulator: Simulator, bot: Bot, body: Any) -> dict[str, Any]:
    if isinstance(body, dict) and body.get("status") == "read":
        simulator.mark_read(bot, str(body.get("message_id")), typing="typing_indicator" in body)
        return {"success": True}
    check_message(body)
    sent = simulator.accept(bot, body)
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": body.get("to") or body["recipient"], "wa_id": sent.to}],
        "messages": [{"id": sent.wamid, "message_status": "accepted"}],
    }


async def _json(request: Request[Any, Any, Any]) -> Any:
    try:
        return msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        raise GraphError(100, "The body is not JSON") from None


def _authorized(request: Request[Any, Any, Any]) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise GraphError(190, "An active access token must be used", 401)
    return token.strip()


def _bot(request: Request[Any, Any, Any], simulator: Simulator, phone: str) -> Bot:
    token = _authorized(request)
    bot = simulator.bot(phone)
    if bot is None:
        raise GraphError(100, f"Object with ID '{phone}' does not exist")
    if bot.access_token and bot.access_token != token:
        raise GraphError(190, "Invalid OAuth access token", 401)
    return bot


router = Router(
    "/",
    route_handlers=[
        messages, upload, node, forget, download, templates, create_template, delete_template, subscribe,
    ],
)  # fmt: skip
