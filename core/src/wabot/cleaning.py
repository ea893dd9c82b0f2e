"""Limpeza de mensagens: what has been kept long enough goes, a few rows at a time, while everything else goes on.

Each batch is a short transaction of its own and steps over rows that somebody holds. What is not finished stays:
messages that wait, statuses and notices that are not applied, events that a sink has still to read. Killed half-way,
the next run goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta

from wabot import retention
from wabot.db.engine import DB
from wabot.media.erase import erase_older
from wabot.parts import BotContext
from wabot.plugins.runtime import BotRuntime
from wabot.schedule import CORE, Work

WINDOW = 1000
"""Rows looked at in one transaction."""
PAUSE = 0.05
"""Seconds between two batches that deleted something."""
FILES_AT_ONCE = 20

# Older rows have lower ids, or nearly. So reading stops at the first window in which nothing is old.
BATCH = """
WITH seen AS (
    SELECT * FROM {table} WHERE id > $3 ORDER BY id LIMIT $4
), old AS (
    SELECT id FROM {table} WHERE id IN (SELECT id FROM seen WHERE {whose} AND {at} < $2 AND {finished})
    FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM {table} USING old WHERE {table}.id = old.id RETURNING 1
)
SELECT (SELECT max(id) FROM seen) AS last, (SELECT min({at}) < $2 FROM seen) AS more,
    (SELECT count(*) FROM gone) AS gone
"""

READ_BY_ALL = """
NOT EXISTS (SELECT FROM sink_checkpoint AS place
    WHERE place.chatbot = seen.chatbot AND (seen.xid, seen.id) > (place.xid, place.event))
AND xid < wabot_settled()
"""
MINE, MINE_OR_NOBODYS = "chatbot = $1", "(chatbot = $1 OR chatbot IS NULL)"


def _batch(table: str, at: str, finished: str, whose: str = MINE) -> str:
    return BATCH.format(table=table, at=at, finished=finished, whose=whose)


BATCHES = {
    "mensagens": (
        _batch("inbox", "received_at", "state <> 'pendente'"),
        _batch("outbox", "created_at", "state IN ('enviada', 'falhou')"),
    ),
    "eventos": (_batch("event", "at", READ_BY_ALL),),
    "avisos": (
        _batch("receipt", "received_at", "state <> 'pendente'"),
        _batch("notice", "received_at", "state <> 'pendente'", MINE_OR_NOBODYS),
        _batch("quarantine", "received_at", "true", MINE_OR_NOBODYS),
    ),
}


def works(runtime: BotRuntime) -> Iterator[Work]:
    """The core's own agendamento of a chatbot, also of one that is switched off."""
    yield Work(
        runtime.chatbot,
        CORE,
        "limpeza_de_mensagens",
        "Limpeza de mensagens",
        "0 2 * * 0",
        _run,
        detached=True,
    )


async def _run(context: BotContext) -> str:
    gone = await clean(context.bot.id, context.now)
    told = ", ".join(f"{many} {kind}" for kind, many in gone.items() if many)
    return f"Apagados: {told}." if told else "Nada a apagar."


async def clean(chatbot: int, now: datetime) -> dict[str, int]:
    """Delete what the chatbot's retention no longer keeps. How many rows of each kind went."""
    kept = await retention.of(chatbot)
    gone: dict[str, int] = {}
    for kind, batches in BATCHES.items():
        if days := getattr(kept, kind):
            gone[kind] = sum([await _walk(batch, chatbot, now - timedelta(days=days)) for batch in batches])
    if kept.arquivos:
        before = now - timedelta(days=kept.arquivos)
        gone["arquivos"] = await _until_none(lambda: erase_older(chatbot, before, FILES_AT_ONCE))
    return gone


async def _walk(batch: str, chatbot: int, before: datetime) -> int:
    last, many, more = 0, 0, True
    while more:
        row = await DB.fetchrow(batch, chatbot, before, last, WINDOW)
        last, more, many = row["last"], row["more"], many + int(row["gone"])
        await asyncio.sleep(PAUSE if row["gone"] else 0)
    return many


async def _until_none(erase: Callable[[], Awaitable[int]]) -> int:
    many = 0
    while some := await erase():
        many += some
        await asyncio.sleep(PAUSE)
    return many
