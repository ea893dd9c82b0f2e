"""Files that are kept, for the code of plugins: reading what came, keeping what is to be sent."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from wabot.contents import File, Media
from wabot.db.engine import DB
from wabot.errors import NoFile, NoFileYet
from wabot.sniff import mime_of
from wabot.storage import STORAGE, NotKept

MOST = 100 * 1024 * 1024
"""Bytes: Meta takes nothing larger."""
WAIT = 3.0
"""Seconds `read` waits for a file that is being fetched: less than a call into a plugin may take."""
LOOK_AGAIN = 0.1

KEEPING, ERASING = "pg_advisory_xact_lock_shared", "pg_advisory_xact_lock"

FIND = "SELECT state, sha256, error FROM media WHERE chatbot = $1 AND media_id = $2 ORDER BY id DESC LIMIT 1"

IS_KEPT = "SELECT EXISTS (SELECT FROM media WHERE chatbot = $1 AND sha256 = $2 AND state = 'guardada')"

NOTE = """
INSERT INTO media (chatbot, conversa, sha256, size, mime_type, filename, state, fetched_at)
VALUES ($1, $2, $3, $4, $5, $6, 'guardada', now())
ON CONFLICT (chatbot, conversa, sha256) WHERE wamid IS NULL
    DO UPDATE SET state = 'guardada', received_at = now()
"""

GONE = "O arquivo não está guardado: foi apagado, ou nunca chegou."
NOT_YET = "O arquivo do cliente ainda está sendo baixado."


async def lock(chatbot: int, sha256: str, mode: str) -> None:
    """Until the transaction ends, nobody erases this file (KEEPING), or nobody even keeps it (ERASING)."""
    await DB.execute(f"SELECT {mode}(hashtextextended($1, 0))", f"media:{chatbot}:{sha256}")


class ChatbotFiles:
    """The files of one chatbot; what is kept in a conversa belongs to its cliente and is erased with them."""

    def __init__(self, chatbot: int, conversa: int | None = None) -> None:
        self._chatbot, self._conversa = chatbot, conversa

    async def read(self, file: Media | File) -> bytes:
        """Its bytes. A file that has just come is waited for, 3 seconds. Raises NoFileYet and NoFile."""
        sha256 = file.sha256 if isinstance(file, File) else await self._fetched(file)
        try:
            return await STORAGE.read(self._chatbot, sha256)
        except (NotKept, ValueError):
            raise NoFile(GONE) from None

    async def keep(self, content: bytes | Path, *, filename: str = "", mime_type: str = "") -> File:
        """Keep a file to send it. The same bytes are kept once. Raises ValueError for none, or more than 100 MB."""
        if isinstance(content, Path):
            filename = filename or content.name
            content = await asyncio.to_thread(_read, content)
        if not 0 < len(content) <= MOST:
            raise ValueError(f"a file of {len(content)} bytes: from 1 to {MOST} can be kept")
        sha256 = await asyncio.to_thread(_sha256, content)
        file = File(sha256, mime_of(content[:64], mime_type), len(content), filename[:255])
        async with DB.transaction():
            await lock(self._chatbot, sha256, KEEPING)
            if not await DB.fetchval(IS_KEPT, self._chatbot, sha256):
                await self._write(content)
            await DB.execute(
                NOTE, self._chatbot, self._conversa, sha256, file.size, file.mime_type, file.filename
            )
        return file

    async def _write(self, content: bytes) -> None:
        async with STORAGE.draft() as draft:
            await asyncio.to_thread(draft.write, content)
            await STORAGE.keep(draft, self._chatbot)

    async def _fetched(self, media: Media) -> str:
        """The digest of what was fetched."""
        row = await self._find(media)
        for _ in range(round(WAIT / LOOK_AGAIN)):
            if row is None or row["state"] != "pendente":
                break
            await asyncio.sleep(LOOK_AGAIN)
            row = await self._find(media)
        if row is None or row["state"] == "apagando":
            raise NoFile(GONE)
        if row["state"] == "pendente":
            raise NoFileYet(row["error"] or NOT_YET)
        if row["state"] != "guardada":
            raise NoFile(row["error"])
        return str(row["sha256"])

    async def _find(self, media: Media) -> Any:
        return await DB.fetchrow(FIND, self._chatbot, media.id)


def _read(path: Path) -> bytes:
    """One byte more than may be kept, so that a larger one is noticed and not swallowed whole."""
    with path.open("rb") as file:
        return file.read(MOST + 1)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
