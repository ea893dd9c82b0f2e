"""The machine that this runs on: its disk, its clock, the key it keeps. Redis, which needs no database to be asked."""

import asyncio
import shutil
import stat
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
from redis.asyncio import Redis
from redis.exceptions import RedisError

from wabot.db.engine import DB
from wabot.doctor.findings import Finding, error, warning
from wabot.settings import KEY_FILE, Settings
from wabot.whatsapp.client import Graph

GIB = 1024**3
LITTLE, TOO_LITTLE = GIB, GIB // 5
"""Bytes free: below the first it is time to do something, below the second the embedded server may stop."""
OF_THE_DATABASE, OF_META = 5.0, 60.0
"""Seconds a clock may differ. Due times are told by the database's; Meta's answers tell theirs in whole seconds."""
SET_CLOCK = "acerte o relógio: timedatectl set-ntp true"


async def disk(settings: Settings) -> list[Finding]:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
    if free >= LITTLE:
        return []
    told = f"Restam {free / GIB:.1f} GB livres no disco de {settings.home}.".replace(".", ",", 1)
    fix = "libere espaço, ou guarde por menos tempo: wabot bots retention BOT"
    return [error("disk", told, fix) if free < TOO_LITTLE else warning("disk", told, fix)]


async def key_file(settings: Settings) -> list[Finding]:
    """The generated key, if there is one, is this machine's user's alone."""
    path = settings.home / KEY_FILE
    if not path.exists() or not _open_to_others(path):
        return []
    return [error("key-exposed", f"Outros usuários da máquina podem ler {path}.", f"chmod 600 {path}")]


def _open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


async def redis(settings: Settings) -> list[Finding]:
    if not settings.redis_url:
        return []
    client: Any = Redis.from_url(settings.redis_url)
    try:
        async with asyncio.timeout(5):
            await client.ping()
    except (RedisError, OSError) as away:
        message = f"O Redis não responde ({type(away).__name__}); as mensagens esperam no banco."
        return [error("redis", message, "confira REDIS_URL e se o servidor está no ar")]
    finally:
        await client.aclose()
    return []


async def database_clock() -> list[Finding]:
    return _clock("do banco de dados", await DB.fetchval("SELECT clock_timestamp()"), OF_THE_DATABASE)


async def meta(graph: Graph) -> list[Finding]:
    """Whether Meta can be reached at all, and what time it is there."""
    try:
        response = await graph.http.get(graph.origin)
    except httpx.HTTPError as fault:
        message = f"A Meta não pode ser alcançada em {graph.origin} ({type(fault).__name__}): nada é enviado."
        return [error("meta", message, "confira GRAPH_API_URL e a saída do servidor para a Internet")]
    try:
        return _clock("da Meta", parsedate_to_datetime(response.headers.get("date", "")), OF_META)
    except ValueError:
        return []  # who answers tells no time


def _clock(whose: str, there: datetime, most: float) -> list[Finding]:
    apart = (datetime.now(UTC) - there).total_seconds()
    if abs(apart) <= most:
        return []
    word = "adiantado" if apart > 0 else "atrasado"
    message = f"O relógio desta máquina está {word} em {abs(apart):.0f} segundos em relação ao {whose}."
    return [warning("clock", message, SET_CLOCK)]
