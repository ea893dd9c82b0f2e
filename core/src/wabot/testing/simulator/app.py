"""The simulator's web application: the Graph API, the chat page and what the page asks for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody
from litestar.response import File, ServerSentEvent
from litestar.static_files import create_static_files_router

from wabot.asgi import bind, serving
from wabot.testing.simulator import graph
from wabot.testing.simulator.chats import Bubble, Phone
from wabot.testing.simulator.checks import GraphError
from wabot.testing.simulator.faults import Faults
from wabot.testing.simulator.simulator import PHONE, Simulator

PAGE = Path(__file__).parent / "page"
POLICY = "default-src 'self'; img-src * data:; style-src 'self'; script-src 'self'"


class NewCustomer(msgspec.Struct):
    name: str
    number: str = ""
    bot: str = ""


@get("/", include_in_schema=False, sync_to_thread=False)
def page() -> File:
    headers = {"Content-Security-Policy": POLICY}
    return File(
        PAGE / "index.html", media_type="text/html", content_disposition_type="inline", headers=headers
    )


@get("/simulator/state")
async def state(simulator: NamedDependency[Simulator]) -> dict[str, Any]:
    """Everything the page needs to begin."""
    bots = [
        {"phone_number_id": b.phone_number_id, "name": b.name, "number": b.number}
        for b in simulator.bots.values()
    ]
    customers = [phone.shown() for phone in simulator.chats.phones.values()]
    return {"bots": bots, "customers": customers, "faults": simulator.faults}


@post("/simulator/customers")
async def add_customer(simulator: NamedDependency[Simulator], data: JSONBody[NewCustomer]) -> dict[str, Any]:
    bot = data.bot or next(iter(simulator.bots), PHONE)
    simulator.bot(bot)
    return simulator.chats.add(data.name, "".join(filter(str.isdecimal, data.number)), bot).shown()


@get("/simulator/customers/{customer:str}/messages")
async def bubbles(simulator: NamedDependency[Simulator], customer: FromPath[str]) -> list[Bubble]:
    return _phone(simulator, customer).bubbles


@post("/simulator/customers/{customer:str}/messages")
async def write(
    simulator: NamedDependency[Simulator], customer: FromPath[str], data: JSONBody[dict[str, Any]]
) -> Bubble:
    bubble, _ = simulator.write(_phone(simulator, customer), data)
    return bubble


@post("/simulator/customers/{customer:str}/read", status_code=204)
async def read(simulator: NamedDependency[Simulator], customer: FromPath[str]) -> None:
    simulator.read(_phone(simulator, customer))


@post("/simulator/faults", status_code=200)
async def set_faults(simulator: NamedDependency[Simulator], data: JSONBody[dict[str, Any]]) -> Faults:
    """Change any of the faults."""
    faults = msgspec.convert({**msgspec.to_builtins(simulator.faults), **data}, Faults)
    simulator.dice.faults = faults
    simulator.chats.tell({"kind": "faults", "faults": faults})
    return faults


@get("/simulator/events")
async def events(simulator: NamedDependency[Simulator], request: Request[Any, Any, Any]) -> ServerSentEvent:
    """Every change, as it happens."""
    closing: asyncio.Event = request.app.state.closing
    return ServerSentEvent(_changes(simulator, closing))


@get("/simulator/files/{media:str}")
async def file(simulator: NamedDependency[Simulator], media: FromPath[str]) -> Response[bytes]:
    return graph.file_of(simulator, media)


async def _changes(simulator: Simulator, closing: asyncio.Event) -> AsyncIterator[str]:
    queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    simulator.chats.listen(queue.put_nowait)
    end = asyncio.create_task(closing.wait())
    end.add_done_callback(lambda _: queue.put_nowait(None))
    try:
        while (event := await queue.get()) is not None:
            yield msgspec.json.encode(event).decode()
    finally:
        simulator.chats.unlisten(queue.put_nowait)
        end.cancel()


def _phone(simulator: Simulator, customer: str) -> Phone:
    if customer not in simulator.chats.phones:
        raise NotFoundException(detail="Esse cliente não existe.")
    return simulator.chats.phones[customer]


def create_app(simulator: Simulator) -> Litestar:
    folders = {"/page": PAGE} | ({"/pictures": simulator.pictures} if simulator.pictures else {})
    app = Litestar(
        [
            page, state, add_customer, bubbles, write, read, set_faults, events, file, graph.router,
            *(create_static_files_router(path, [folder]) for path, folder in folders.items()),
        ],
        dependencies={"simulator": Provide(lambda: simulator, sync_to_thread=False)},
        exception_handlers={GraphError: graph.refused},
        openapi_config=None,
        logging_config=None,
    )  # fmt: skip
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
