"""What a running wabot process is made of, opened in order and closed in reverse."""

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import msgspec

from wabot.db import listen
from wabot.db.away import NotMigrated
from wabot.db.connect import open_database
from wabot.db.directory import Directory
from wabot.db.engine import DB, patiently
from wabot.db.pending import of_core, pending
from wabot.digests import DIGESTS
from wabot.inbox import Inbox
from wabot.plugins.contain import hold_tasks
from wabot.plugins.registry import Registry, load_registry
from wabot.plugins.runtime import Runtimes
from wabot.plugins.watchdog import watching
from wabot.queue import Queue
from wabot.settings import Settings
from wabot.storage import STORAGE
from wabot.vault import Vault

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

ONLY_MIGRATED = ("wabot_tables",)
ONLY_SERVED = ("wabot_routes", "wabot_pages", "wabot_admin")
"""Hooks for what only some processes do. Elsewhere they are not asked, so that the web framework and whatever else
they import inside stay out of it: that is half as much memory again for a worker."""


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
    from wabot.db.migrate import migrate  # here, as only who migrates needs all that Piccolo brings for it
    from wabot.db.piccolo_app import APP_CONFIG as CORE

    await migrate([CORE])
    registry = await load_registry()
    await migrate([plugin.declared.tables for plugin in registry.plugins.values() if plugin.declared.tables])
    await DB.execute(FENCE_PLUGINS, list(registry.plugins))
    return registry


def settle() -> None:
    """For a process that has started and will live long: what it holds by now, stays. Looking through all of it for
    garbage again and again would stop the process for a tenth of a second each time.
    """
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    worker: bool,
    web: bool = True,
    concurrency: int = CONCURRENCY,
    migrating: bool = False,
) -> AsyncIterator[Process]:
    """Everything a web process needs; with `worker`, also what answers and sends; without `web`, only that.

    A database that is away, or not migrated yet, is waited for. Raises Refused if it does not let us in.
    """
    async with AsyncExitStack() as stack:
        STORAGE.open(settings.home, settings.media_url)
        stack.callback(STORAGE.close)
        name = f"wabot {'up' if migrating else 'worker' if worker else 'web'}"
        database = open_database(settings, concurrency + CONNECTIONS_BESIDES, waiting=True, name=name)
        await stack.enter_async_context(database)
        hold_tasks()
        registry = await patiently(migrate_all if migrating else partial(_loaded, web=web))
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
            # here: a web process does without the HTTP client and the rest of it
            from wabot.answering import answering

            await stack.enter_async_context(answering(settings, runtimes, queue, concurrency))
        yield Process(settings, vault, registry, directory, runtimes, queue, Inbox(queue))


async def _loaded(*, web: bool) -> Registry:
    """Raises NotMigrated: a new release may be started before its migrations have run."""
    if await pending(of_core()):
        raise NotMigrated("O banco de dados não está em dia; rode: wabot migrate")
    return await load_registry(ONLY_MIGRATED if web else ONLY_MIGRATED + ONLY_SERVED)
