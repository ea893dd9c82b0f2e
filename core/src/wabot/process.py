"""What a running wabot process is made of, opened in order and closed in reverse."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from wabot.attend import Attendant
from wabot.db import embedded, listen
from wabot.db.directory import Directory
from wabot.db.engine import DB
from wabot.db.migrate import migrate
from wabot.inbox import Inbox
from wabot.outbox import Outbox
from wabot.plugins.registry import Registry
from wabot.plugins.runtime import Runtimes
from wabot.queue import Queue
from wabot.settings import Settings
from wabot.vault import Vault
from wabot.whatsapp.client import Graph
from wabot.worker import Worker

CONCURRENCY = 16
"""Turns one worker takes side by side."""


class Process(msgspec.Struct, frozen=True):
    """The long-lived things of one process, for whoever needs them."""

    settings: Settings
    vault: Vault
    registry: Registry
    directory: Directory
    runtimes: Runtimes
    queue: Queue
    inbox: Inbox


@asynccontextmanager
async def open_database(settings: Settings, most: int = 4) -> AsyncIterator[None]:
    """The database alone, as the administrative commands need it; the embedded server where none is configured."""
    dsn = settings.database_url
    if not settings.external_database:
        dsn = await embedded.prepare(embedded.start(settings.home))
    await DB.open(dsn, most=most)
    try:
        yield
    finally:
        await DB.close()


async def migrate_all(registry: Registry) -> None:
    """The core's migrations, then those of every plugin that works."""
    from wabot.db.piccolo_app import APP_CONFIG

    await migrate([APP_CONFIG, *registry.apps])


@asynccontextmanager
async def running(
    settings: Settings,
    registry: Registry,
    *,
    worker: bool,
    concurrency: int = CONCURRENCY,
    migrating: bool = False,
) -> AsyncIterator[Process]:
    """Everything a web process needs; with `worker`, also what answers and sends."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(open_database(settings, most=concurrency + 6))
        if migrating:
            await migrate_all(registry)
        vault = Vault(settings.secret_keys)
        directory = Directory(settings, vault)
        runtimes = Runtimes(directory, registry)
        await runtimes.load()
        await stack.enter_async_context(listen.listening(runtimes.load))
        queue = Queue(settings.redis_url)
        if worker:
            await stack.enter_async_context(_working(settings, runtimes, queue, concurrency))
        else:
            await stack.enter_async_context(queue.open())
        yield Process(settings, vault, registry, directory, runtimes, queue, Inbox(queue))


@asynccontextmanager
async def _working(
    settings: Settings, runtimes: Runtimes, queue: Queue, concurrency: int
) -> AsyncIterator[None]:
    graph = Graph(settings.graph_api_url, settings.graph_api_version)
    try:
        worker = Worker(Attendant(runtimes, graph), Outbox(graph, runtimes), queue, concurrency)
        hears = queue.open(
            attend=worker.attend, deliver=worker.deliver, receipts=worker.receipts, sweep=worker.sweep
        )
        async with hears, worker.sweeping():
            yield
    finally:
        await graph.close()
