"""The Graph API's endpoints for what is kept at Meta: files and templates; and what any one id stands for."""

from typing import Any

from litestar import Response, delete, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery, MultipartBody

from wabot.testing.simulator.errors import GraphError, no_such_object
from wabot.testing.simulator.graph import AnyRequest, about, authorized, bot_of, json_of, versioned
from wabot.testing.simulator.media import MOST, Media
from wabot.testing.simulator.simulator import Simulator


@post(versioned("/{phone:str}/media"), status_code=200)
async def upload(
    request: AnyRequest,
    simulator: NamedDependency[Simulator],
    phone: FromPath[str],
    data: MultipartBody[dict[str, Any]],
) -> dict[str, str]:
    """Keep a file for later messages."""
    bot_of(request, simulator, phone)
    file = data.get("file")
    if data.get("messaging_product") != "whatsapp":
        raise GraphError(100, "messaging_product must be whatsapp")
    if not isinstance(file, UploadFile):
        raise GraphError(131008, "file is required")
    mime_type, content = str(data.get("type") or file.content_type), await file.read()
    if len(content) > MOST.get(mime_type.partition("/")[0], 100 << 20):
        raise GraphError(100, "file is too large")
    return {"id": simulator.media.upload(mime_type, content).id}


@get(versioned("/{node:str}"))
async def node(
    request: AnyRequest,
    simulator: NamedDependency[Simulator],
    node: FromPath[str],
    fields: FromQuery[str] = "",
) -> dict[str, Any]:
    """A file's address, or what Meta says of a number."""
    authorized(request)
    if node in simulator.media.files:
        return _about_file(simulator, node)
    if node not in simulator.bots:
        raise no_such_object(node)
    told = about(simulator.bots[node])
    wanted = {"id", *fields.split(",")} if fields else set(told)
    return {key: value for key, value in told.items() if key in wanted}


@delete(versioned("/{media:str}"), status_code=200)
async def forget(
    request: AnyRequest, simulator: NamedDependency[Simulator], media: FromPath[str]
) -> dict[str, bool]:
    authorized(request)
    if simulator.media.files.pop(media, None) is None:
        raise no_such_object(media)
    return {"success": True}


@get("/simulator/download/{media:str}")
async def download(
    request: AnyRequest,
    simulator: NamedDependency[Simulator],
    media: FromPath[str],
    hash: FromQuery[str] = "",
) -> Response[bytes]:
    """A file's content, with a token like everything at Meta, while the address is good."""
    authorized(request)
    found = file_of(simulator, media)
    if not simulator.media.is_good(hash):
        raise HTTPException("URL signature expired", status_code=404)
    return shown(found, simulator.media.hand_over(found))


@get(versioned("/{waba:str}/message_templates"))
async def templates(
    request: AnyRequest,
    simulator: NamedDependency[Simulator],
    waba: FromPath[str],
    name: FromQuery[str] = "",
    limit: FromQuery[int] = 25,
    after: FromQuery[str] = "",
) -> dict[str, Any]:
    """A page of them; the cursor is a place in the list."""
    authorized(request)
    known = simulator.templates.of(waba, name)
    start = int(after) if after.isdecimal() else 0
    end = start + max(limit, 1)
    paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(min(end, len(known)))}}
    if end < len(known):
        paging["next"] = f"{simulator.url}/{waba}/message_templates?after={end}"
    return {"data": known[start:end], "paging": paging}


@post(versioned("/{waba:str}/message_templates"), status_code=200)
async def create_template(
    request: AnyRequest, simulator: NamedDependency[Simulator], waba: FromPath[str]
) -> dict[str, Any]:
    """Every template is approved at once."""
    authorized(request)
    stored = simulator.templates.add(waba, await json_of(request))
    return {key: stored[key] for key in ("id", "status", "category")}


@delete(versioned("/{waba:str}/message_templates"), status_code=200)
async def delete_template(
    request: AnyRequest, simulator: NamedDependency[Simulator], waba: FromPath[str], name: FromQuery[str]
) -> dict[str, bool]:
    authorized(request)
    simulator.templates.remove(waba, name)
    return {"success": True}


def file_of(simulator: Simulator, media: str) -> Media:
    """Raises GraphError."""
    found = simulator.media.files.get(media)
    if found is None:
        raise no_such_object(media)
    return found


def shown(media: Media, content: bytes | None = None) -> Response[bytes]:
    headers = {"X-Content-Type-Options": "nosniff"}
    return Response(
        media.content if content is None else content, media_type=media.mime_type, headers=headers
    )


def _about_file(simulator: Simulator, id: str) -> dict[str, Any]:
    media = simulator.media.files[id]
    return {
        "messaging_product": "whatsapp",
        "id": media.id,
        "url": simulator.media.address(media),
        "mime_type": media.mime_type,
        "sha256": media.sha256,
        "file_size": str(len(media.content)),
    }
