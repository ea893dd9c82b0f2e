"""`/healthz`: the process lives. `/readyz`: it can store what comes."""

import asyncio
from typing import Any

from litestar import MediaType, Request, Response, get

from wabot.db.away import READ_ONLY
from wabot.db.engine import DB
from wabot.errors import Away
from wabot.process import Process

CAN_WRITE = "SELECT NOT current_setting('transaction_read_only')::bool"


@get("/healthz", media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
def healthz() -> str:
    return "ok"


@get("/readyz", include_in_schema=False)
async def readyz(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    """503 while the database cannot be written to. A queue that is away is told, and does not make it unready."""
    process: Process | None = request.app.state.process
    if process is None:
        return Response({"database": DB.outage.why or "…", "queue": "…"}, status_code=503)
    queue = "away" if process.queue.away else "ok"
    try:
        async with asyncio.timeout(3):
            writable = await DB.fetchval(CAN_WRITE)
    except (Away, TimeoutError) as error:
        return Response({"database": str(error) or "sem resposta", "queue": queue}, status_code=503)
    if not writable:
        return Response({"database": READ_ONLY, "queue": queue}, status_code=503)
    return Response({"database": "ok", "queue": queue})
