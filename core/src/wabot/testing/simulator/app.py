"""The simulator's web application: the Graph API, the chat page and what the page asks for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import FromPath, JSONBody
from litestar.response import File, ServerSentEvent
from litestar.static_files import create_static_files_router

from wabot.asgi import bind, serving
from wabot.testing.files import SAMPLES
from wabot.testing.simulator import assets, graph
from wabot.testing.simulator.chats import Bubble, Phone
from wabot.testing.simulator.errors import GraphError
from wabot.testing.simulator.faults import Faults
from wabot.testing.simulator.graph import AnyRequest
from wabot.testing.simulator.simulator import PHONE, Simulator
from wabot.testing.simulator.writing import Act

PAGE = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' http: https: data:; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)


class NewChat(msgspec.Struct):
    name: str
    number: str = ""
    bot: str = ""


@get("/", include_in_schema=False, sync_to_thread=False)
def page() -> File:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return File(
        PAGE / "index.html", media_type="text/html", content_disposition_type="inline", headers=headers
    )


@get("/simulator/chats")
async def chats(simulator: NamedDependency[Simulator]) -> dict[str, Any]:
    """Everything the page needs to begin."""
    bots = [
        {"phone_number_id": b.phone_number_id, "name": b.name, "number": b.number}
        for b in simulator.bots.values()
    ]
    shown = [phone.shown() for phone in simulator.chats.phones.values()]
    return {"bots": bots, "chats": shown, "faults": simulator.faults}


@post("/simulator/chats")
async def add_chat(simulator: NamedDependency[Simulator], data: JSONBody[NewChat]) -> dict[str, Any]:
    """A new customer, who may now write."""
    bot = data.bot or next(iter(simulator.bots), PHONE)
    number = "".join(filter(str.isdecimal, data.number))
    if not data.name.strip() or simulator.bot(bot) is None:
        raise ValidationException(detail="Falta o nome, ou o robô não existe.")
    return simulator.chats.add(data.name.strip(), number, bot).shown()


@get("/simulator/chats/{chat:str}/messages")
async def bubbles(simulator: NamedDependency[Simulator], chat: FromPath[str]) -> list[Bubble]:
    return _phone(simulator, chat).bubbles


@post("/simulator/chats/{chat:str}/messages")
async def write(simulator: NamedDependency[Simulator], chat: FromPath[str], data: JSONBody[Act]) -> Bubble:
    """Do something as this customer."""
    bubble, _ = simulator.write(_phone(simulator, chat), data)
    return bubble


@post("/simulator/chats/{chat:str}/read", status_code=204)
async def read(simulator: NamedDependency[Simulator], chat: FromPath[str]) -> None:
    simulator.read(_phone(simulator, chat))


@post("/simulator/faults", status_code=200)
async def set_faults(simulator: NamedDependency[Simulator], data: JSONBody[dict[str, Any]]) -> Faults:
    """Change any of the faults."""
    try:
        simulator.faults = msgspec.convert(msgspec.to_builtins(simulator.faults) | data, Faults)
    except msgspec.ValidationError as error:
        raise ValidationException(detail=str(error)) from None
    return simulator.faults


@get("/simulator/events")
async def events(simulator: NamedDependency[Simulator], request: AnyRequest) -> ServerSentEvent:
    """Every change, as it happens."""
    return ServerSentEvent(_changes(simulator, request.app.state.closing))


@get("/simulator/files/{media:str}")
async def file(simulator: NamedDependency[Simulator], media: FromPath[str]) -> Response[bytes]:
    """What the bot uploaded, for the page."""
    return assets.shown(assets.file_of(simulator, media))


async def _changes(simulator: Simulator, closing: asyncio.Event) -> AsyncIterator[str]:
    queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    listener = queue.put_nowait
    simulator.chats.listen(listener)
    end = asyncio.create_task(closing.wait())
    end.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (event := await queue.get()) is not None:
            yield msgspec.json.encode(event).decode()
    finally:
        simulator.chats.unlisten(listener)
        end.cancel()


def _phone(simulator: Simulator, chat: str) -> Phone:
    if chat not in simulator.chats.phones:
        raise NotFoundException(detail="Essa conversa não existe.")
    return simulator.chats.phones[chat]


def create_app(simulator: Simulator) -> Litestar:
    control = [page, chats, add_chat, bubbles, write, read, set_faults, events, file]
    api = Router(
        "/",
        route_handlers=[
            graph.messages, graph.numbers, graph.subscribe, graph.debug_token,
            assets.upload, assets.node, assets.forget, assets.download,
            assets.templates, assets.create_template, assets.delete_template,
        ],
    )  # fmt: skip
    folders = {"/page": PAGE, "/simulator/samples": SAMPLES}
    if simulator.pictures:
        folders["/pictures"] = simulator.pictures
    app = Litestar(
        [*control, api, *(create_static_files_router(path, [folder]) for path, folder in folders.items())],
        dependencies={"simulator": Provide(lambda: simulator, sync_to_thread=False)},
        exception_handlers={GraphError: graph.refused},
        openapi_config=None,
        logging_config=None,
    )
    app.state.closing = asyncio.Event()
    return app


@contextlib.asynccontextmanager
async def served(simulator: Simulator, host: str, port: int) -> AsyncIterator[str]:
    """The simulator on a port (0: a free one); yields its address. Raises PortTaken."""
    app = create_app(simulator)
    async with serving(app, bind(host, port), patience=1) as url:
        try:
            yield url
        finally:
            app.state.closing.set()  # or the page's event streams would never end
