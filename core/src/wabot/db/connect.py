"""Opening the database that the settings name, for a process or for one command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wabot.db.engine import DB
from wabot.settings import Settings


@asynccontextmanager
async def open_database(settings: Settings, most: int = 4) -> AsyncIterator[None]:
    """The database alone, as the administrative commands need it; the embedded server where none is configured."""
    dsn = settings.database_url
    if not settings.external_database:
        from wabot.db import embedded  # whoever has a server of their own does not wait for this

        dsn = await embedded.prepare(embedded.start(settings.home))
    await DB.open(dsn, most=most)
    try:
        yield
    finally:
        await DB.close()
