"""Serving an ASGI application inside a process that looks after its own signals and its own end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn

from wabot.errors import WabotError

PATIENCE = 10
"""Seconds requests in hand get to end: longer than a webhook may take to be stored."""
PLAIN: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "ws": "none"}
"""How uvicorn is run: our log, and no WebSockets, for which it would import two more libraries."""


class PortTaken(WabotError):
    """Somebody else listens on that port, or it may not be listened on."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which would end the process before anything is closed."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().serve(sockets)
        finally:
            self.settled.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()


def bind(host: str, port: int, *, instead: str = "--port ou PORT") -> socket.socket:
    """A socket to serve on; port 0 takes a free one. Raises PortTaken, in words, with what to change `instead`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # with the protocol named, or asyncio leaves Nagle's algorithm on: 40 ms on every second answer
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"Não foi possível escutar em {host}:{port} ({error.strerror}). Escolha outra porta com {instead}."
        ) from error
    listener.setblocking(False)
    return listener


@contextlib.asynccontextmanager
async def serving(app: Any, listener: socket.socket, *, patience: int = PATIENCE) -> AsyncIterator[str]:
    """The application, answering while inside; yields its address. Requests in hand get `patience` seconds to end."""
    config = uvicorn.Config(app, timeout_graceful_shutdown=patience, **PLAIN)
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]), name="http")
    host, port = listener.getsockname()[:2]
    try:
        await server.settled.wait()
        if task.done():
            task.result()
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await task
        listener.close()
