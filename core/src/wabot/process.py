"""What a running wabot process is made of, opened in order and closed in reverse."""

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import msgspec

from wabot.attend import Attendant
from wabot.chores import chores
from wabot.courtesies import Courtesies
from wabot.db import listen
from wabot.db.away import NotMigrated
from wabot.db.connect import open_database
from wabot.db.directory import Directory
from wabot.db.engine import DB, patiently
from wabot.db.migrate import migrate, migrations_of, pending
from wabot.db.piccolo_app import APP_CONFIG as CORE
from wabot.digests import DIGESTS
from wabot.inbox import Inbox
from wabot.media.fetch import Fetcher
from wabot.outbox import Outbox
from wabot.plugins.contain import hold_tasks
from wabot.plugins.guard import Guard
from wabot.plugins.registry import Registry, load_registry
from wabot.plugins.runtime import Runtimes
from wabot.plugins.watchdog import watching
from wabot.queue import Queue
from wabot.schedule import Schedule
from wabot.settings import Settings
from wabot.sinks import Sinks
from wabot.storage import STORAGE
from wabot.vault import Vault
from wabot.whatsapp.client import Graph
from wabot.worker import Worker

# Every table of a plugin that has a chatbot: rows of another one cannot be written during a turn, a job or a request.
FENCE_PLUGINS = """
SELECT wabot_fence_in(pg_class.oid) FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace JOIN pg_attribute ON attrelid = pg_class.oid
WHERE nspname = ANY ($1) AND relkind IN ('r', 'p') AND attname = 'chatbot' AND NOT attisdropped
"""

CONCURRENCY = 16
"""Turns one worker takes side by side."""
CONNECTIONS_BESIDES = 14
"""For jobs, sinks, files, sweeping and the rest."""


class Process(msgspec.Struct, frozen=True):
    """The long-lived things of one process, for whoever needs them."""

    settings: Settings
    vault: Vault
    registry: Registry
    directory: Directory
    runtimes: Runtimes
    queue: Queue
    inbox: Inbox


async def migrate_all() -> Registry:
    """The core's migrations, then those of every plugin that works: examined first, so that none can hang this."""
    await migrate([CORE])
    registry = await load_registry()
    await migrate([plugin.declared.tables for plugin in registry.plugins.values() if plugin.declared.tables])
    await DB.execute(FENCE_PLUGINS, list(registry.plugins))
    return registry


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    worker: bool,
    concurrency: int = CONCURRENCY,
    migrating: bool = False,
) -> AsyncIterator[Process]:
    """Everything a web process needs; with `worker`, also what answers and sends.

    A database that is away, or not migrated yet, is waited for. Raises Refused if it does not let us in.
    """
    async with AsyncExitStack() as stack:
        STORAGE.open(settings.home, settings.media_url)
        stack.callback(STORAGE.close)
        name = f"wabot {'up' if migrating else 'worker' if worker else 'web'}"
        database = open_database(settings, concurrency + CONNECTIONS_BESIDES, waiting=True, name=name)
        await stack.enter_async_context(database)
        hold_tasks()
        registry = await patiently(migrate_all if migrating else _loaded)
        vault = Vault(settings.secret_keys)
        DIGESTS.open(vault)
        directory = Directory(settings, vault)
        runtimes = Runtimes(directory, registry, vault)
        await patiently(runtimes.load)
        await stack.enter_async_context(listen.listening(runtimes.load))
        await stack.enter_async_context(watching(registry.owner))
        queue = Queue(settings.redis_url)
        await stack.enter_async_context(queue.open())
        if worker:
            await stack.enter_async_context(_working(settings, runtimes, queue, concurrency))
        gc.freeze()  # what is there by now stays: looking through it for garbage again and again takes 0.1 s each time
        yield Process(settings, vault, registry, directory, runtimes, queue, Inbox(queue))


async def _loaded() -> Registry:
    """Raises NotMigrated: a new release may be started before its migrations have run."""
    if await pending(migrations_of(CORE)):
        raise NotMigrated("O banco de dados não está em dia; rode: wabot migrate")
    return await load_registry()


@asynccontextmanager
async def _working(
    settings: Settings, runtimes: Runtimes, queue: Queue, concurrency: int
) -> AsyncIterator[None]:
    graph = Graph(settings.graph_api_url, settings.graph_api_version)
    guard = Guard()
    courtesies = Courtesies(graph)
    worker = Worker(Attendant(runtimes, courtesies, guard), Outbox(graph, runtimes), queue, concurrency)
    fetcher = Fetcher(graph, runtimes)
    schedule, sinks = Schedule(runtimes, guard), Sinks(runtimes, guard)
    own = Schedule(runtimes, guard, chores(graph))
    hears = queue.hearing(
        attend=worker.attend,
        deliver=worker.deliver,
        receipts=worker.receipts,
        notices=worker.notices,
        media=fetcher.ring,
        sweep=worker.sweep,
        job=schedule.ring,
    )
    try:
        async with (
            worker.handing_back(),
            worker.mailing(),
            worker.probing(),
            worker.sweeping(),
            hears,
            fetcher.running(),
            sinks.running(),
            schedule.running(),
            own.running(),
            courtesies.looper().running(),
        ):
            try:
                yield
            finally:
                worker.stop()
    finally:
        await graph.close()
