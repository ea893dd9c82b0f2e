"""Hearing of changes made by other processes: PostgreSQL's LISTEN, kept alive."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg

from wabot.background import background
from wabot.db.engine import DB
from wabot.errors import Away
from wabot.logs import places
from wabot.outage import Outage

log = logging.getLogger(__name__)
CHANNEL = "wabot_changed"
RETRY_AFTER = 1.0


def listening(on_change: Callable[[], Awaitable[None]]) -> AbstractAsyncContextManager[None]:
    """While inside, `on_change` runs after every change of chatbots or bindings, and after every reconnection."""
    return background(_listen(on_change), "listen")


async def _listen(on_change: Callable[[], Awaitable[None]]) -> None:
    outage = Outage("changes are not heard", log)
    while True:
        try:
            await _hear(on_change)
            outage.over()
        except Away:
            pass  # told already
        except Exception as error:  # noqa: BLE001 - a process that hears no changes any more is worse than any of them
            outage.met(places(error))
        await asyncio.sleep(RETRY_AFTER)


async def _hear(on_change: Callable[[], Awaitable[None]]) -> None:
    """One connection's life. Changes that come while one is being read are read together."""
    changed = asyncio.Event()
    connection: Any = await DB.get_new_connection()
    try:
        connection.add_termination_listener(lambda _: changed.set())
        await connection.add_listener(CHANNEL, lambda *_: changed.set())
        changed.set()  # what happened while nobody listened
        while not connection.is_closed():
            await changed.wait()
            changed.clear()
            await on_change()
    finally:
        with contextlib.suppress(OSError, asyncpg.InterfaceError):
            await connection.close(timeout=1)
