"""Erasing files: marked first, then the file, then the row. Cut short anywhere, whoever finishes next goes on.

A file that another message holds too, the same picture sent twice, stays until its last row goes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from wabot.db.engine import DB
from wabot.media.kept import ERASING, lock
from wabot.storage import STORAGE

# A row tells nothing any more but where its file is.
MARK = """
UPDATE media SET state = 'apagando', conversa = NULL, wamid = 'apagando:' || id, media_id = '', filename = '',
    error = ''
WHERE conversa = ANY ($1)
"""

# What a plugin keeps outside any conversa is the business's own, and stays.
MARK_OLDER = """
UPDATE media SET state = 'apagando' WHERE id IN (
    SELECT id FROM media WHERE chatbot = $1 AND (conversa IS NOT NULL OR wamid IS NOT NULL) AND received_at < $2
        AND state <> 'apagando'
    ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
"""

GOING = """
SELECT id, chatbot, coalesce(sha256, expected) AS sha256 FROM media WHERE state = 'apagando' ORDER BY id LIMIT $1
"""

# Kept by another row: then the file must stay. Who is about to keep it waits for our lock, and writes it again.
OTHERS = """
SELECT EXISTS (SELECT FROM media WHERE chatbot = $1 AND sha256 = $2 AND state = 'guardada')
"""

GONE = "DELETE FROM media WHERE id = $1 AND state = 'apagando' RETURNING true"
NO_UPLOAD = "DELETE FROM media_upload WHERE chatbot = $1 AND sha256 = $2"


async def mark(conversas: Sequence[int]) -> None:
    """Every file of these conversas is to go, those that are still to be fetched included: `finish` takes them.

    To be called in the transaction that erases whose they are.
    """
    await DB.execute(MARK, conversas)


async def erase_older(chatbot: int, than: datetime, most: int = 100) -> int:
    """Erase a batch of a chatbot's customers' files that came before a moment. How many went: 0 when none is left."""
    await DB.execute(MARK_OLDER, chatbot, than, most)
    return await finish(most)


async def finish(most: int = 100) -> int:
    """Take what is marked, by whomever: a worker does when it has nothing to fetch. How many rows went."""
    return await _erase_all(await DB.fetch(GOING, most))


async def _erase_all(rows: list[Any]) -> int:
    return sum([await _erase(row["id"], row["chatbot"], row["sha256"]) for row in rows])


async def _erase(row: int, chatbot: int, sha256: str) -> bool:
    """One transaction each: if it is undone after the file went, the row is still marked, and the next call ends it."""
    async with DB.transaction():
        if sha256:
            await lock(chatbot, sha256, ERASING)
        gone = await DB.fetchval(GONE, row)
        if gone and sha256 and not await DB.fetchval(OTHERS, chatbot, sha256):
            await DB.execute(NO_UPLOAD, chatbot, sha256)
            await STORAGE.remove(chatbot, sha256)
    return bool(gone)
