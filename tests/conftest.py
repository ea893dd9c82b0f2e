"""What the tests share: a real PostgreSQL with a database per test, a Redis if there is one, a running platform."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from tests.kit import Kit
from wabot.db.embedded import start
from wabot.db.engine import DB
from wabot.process import migrate_all

REQUIRED = set(os.environ.get("WABOT_TEST_REQUIRE", "").split(","))
"""Services CI promises: without them a test fails instead of being skipped."""

IN_MEMORY = 4 * 1024**3
"""Bytes of free memory it takes for the databases to be kept there."""


def missing(service: str, why: str) -> None:
    if service in REQUIRED:
        pytest.fail(f"{service} is required here, but {why}")
    pytest.skip(why)


def in_database(uri: str, name: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(uri)._replace(path=f"/{name}"))


@pytest.fixture(scope="session", autouse=True)
def room_for_other_pytests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Some tests run a pytest of their own. In our folder it would shut out (0700) whoever the embedded server is."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path_factory.mktemp("pytest")))
        yield


@pytest.fixture(scope="session")
def server_uri() -> Iterator[str]:
    """A PostgreSQL server of our own: the embedded one, or that of WABOT_TEST_DATABASE_URL."""
    if uri := os.environ.get("WABOT_TEST_DATABASE_URL"):
        yield uri
        return
    home = Path(tempfile.mkdtemp(prefix="wabot-test-", dir=_in_memory()))
    server = start(home)
    # what is tested here is what is committed, not whether the disk keeps it
    asyncio.run(
        _on_server(server.get_uri("postgres"), "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    )
    yield server.get_uri("postgres")
    server.cleanup()
    shutil.rmtree(home, ignore_errors=True)


def _in_memory() -> str | None:
    """Where files cost no disk, which makes copying a database four times as fast; None where there is no such room."""
    shm = Path("/dev/shm")
    return str(shm) if shm.is_dir() and shutil.disk_usage(shm).free > IN_MEMORY else None


async def _on_server(uri: str, *statements: str) -> None:
    connection = await asyncpg.connect(uri)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def template(server_uri: str) -> str:
    """The name of a fully migrated database to copy."""
    name = f"template_{os.getpid()}"

    async def make() -> None:
        await _on_server(server_uri, f"CREATE DATABASE {name}")
        await DB.open(in_database(server_uri, name))
        await migrate_all()
        await DB.close()

    asyncio.run(make())
    return name


@pytest_asyncio.fixture
async def database_uri(server_uri: str, template: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """A fresh, migrated database of this test's own."""
    name = f"test_{os.getpid()}_{abs(hash(request.node.nodeid))}"
    await _on_server(server_uri, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield in_database(server_uri, name)
    await _on_server(server_uri, f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def database(database_uri: str) -> AsyncIterator[str]:
    """The fresh database, open in this process."""
    await DB.open(database_uri, most=24)
    yield database_uri
    await DB.close()


@pytest.fixture
def kit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    """A place to install plugins of the test's own; afterwards none of them is imported any more."""
    folder = tmp_path / "instalados"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    yield Kit(folder)
    for module in folder.glob("wabot_*.py"):
        sys.modules.pop(module.stem, None)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a Redis: REDIS_URL, or a server started here."""
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    program = shutil.which("redis-server")
    if program is None:
        missing("redis", "there is no REDIS_URL and no redis-server to start")
    home = tempfile.mkdtemp(prefix="wabot-redis-")
    port = free_port()
    process = subprocess.Popen(
        [str(program), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", home],
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for_port(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(home, ignore_errors=True)


@pytest_asyncio.fixture
async def redis_url(redis_server: str) -> AsyncIterator[str]:
    """The Redis, empty."""
    from redis.asyncio import Redis

    redis = Redis.from_url(redis_server)
    await redis.flushdb()
    yield redis_server
    await redis.aclose()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    raise RuntimeError("redis-server did not start")
