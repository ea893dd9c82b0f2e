"""Opening the database that the settings name, for a process or for one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from wabot.db.away import Refused
from wabot.db.engine import DB, patiently
from wabot.errors import Away
from wabot.settings import Settings


@asynccontextmanager
async def open_database(
    settings: Settings, most: int = 4, *, waiting: bool = False, name: str = "wabot"
) -> AsyncIterator[None]:
    """The database alone, as the administrative commands need it; the embedded server where none is configured.

    Raises Refused, which only a person mends, and Away; with `waiting`, as a process that shall stay needs it, a
    database that is away is waited for.
    """
    dsn = settings.database_url
    if not settings.external_database:
        from wabot.db import embedded  # whoever has a server of their own does not wait for this

        dsn = await embedded.prepare(embedded.start(settings.home))
    connect = partial(DB.open, dsn, most=most, name=name)
    try:
        await connect()
    except Refused:
        raise
    except Away:
        if not waiting:
            raise
        await patiently(connect)
    try:
        yield
    finally:
        await DB.close()
