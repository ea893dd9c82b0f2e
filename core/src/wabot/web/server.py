"""Serving the application with uvicorn, inside a process that looks after its own signals."""

import contextlib
from collections.abc import Iterator

import uvicorn
from litestar import Litestar


class Server(uvicorn.Server):
    """uvicorn without its signal handlers, which would end the process before anything is closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_for(app: Litestar, host: str, port: int) -> Server:
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )
    )
