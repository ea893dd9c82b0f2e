"""`/healthz`: the process lives. `/readyz`: it can store what comes."""

import asyncio

import asyncpg
from litestar import MediaType, Response, get
from litestar.di import NamedDependency

from wabot.db.engine import DB
from wabot.process import Process


@get("/healthz", media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
def healthz() -> str:
    return "ok"


@get("/readyz", include_in_schema=False)
async def readyz(process: NamedDependency[Process]) -> Response[dict[str, str]]:
    """503 while the database is away. A queue that is away is told, but does not make a process unready."""
    queue = "away" if process.queue.away else "ok"
    try:
        async with asyncio.timeout(3):
            await DB.fetchval("SELECT 1")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        return Response({"database": type(error).__name__, "queue": queue}, status_code=503)
    return Response({"database": "ok", "queue": queue})
