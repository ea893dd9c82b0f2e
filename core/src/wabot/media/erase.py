"""Erasing files: marked first, then the file, then the row. Cut short anywhere, the next call goes on.

A file that another message holds too, the same picture sent twice, stays until its last row goes.
"""

from datetime import datetime
from typing import Any

from wabot.db.engine import DB
from wabot.media.kept import ERASING, lock
from wabot.storage import STORAGE

MARK_CLIENTE = """
UPDATE media SET state = 'apagando' WHERE chatbot = $1
    AND conversa IN (SELECT id FROM conversa WHERE chatbot = $1 AND cliente = $2)
"""

# What a plugin keeps outside any conversa is the business's own, and stays.
MARK_OLDER = """
UPDATE media SET state = 'apagando' WHERE id IN (
    SELECT id FROM media WHERE (conversa IS NOT NULL OR wamid IS NOT NULL) AND received_at < $1
        AND state <> 'apagando'
    ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
"""

GOING_OF_CLIENTE = """
SELECT id, chatbot, coalesce(sha256, expected) AS sha256 FROM media WHERE state = 'apagando' AND chatbot = $1
    AND conversa IN (SELECT id FROM conversa WHERE chatbot = $1 AND cliente = $2) ORDER BY id
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


async def erase(chatbot: int, cliente: int) -> int:
    """Erase every file of a cliente, those that are still to be fetched included. How many rows went.

    Call it while the cliente is still there: it is by their conversa that their files are found.
    """
    await DB.execute(MARK_CLIENTE, chatbot, cliente)
    return await _erase_all(await DB.fetch(GOING_OF_CLIENTE, chatbot, cliente))


async def erase_older(than: datetime, most: int = 100) -> int:
    """Erase a batch of customers' files that came before a moment. How many rows went: 0 when there are no more."""
    await DB.execute(MARK_OLDER, than, most)
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
