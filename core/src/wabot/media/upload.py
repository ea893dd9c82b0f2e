"""Files of ours at Meta: uploaded once, sent as often as wanted in the 30 days they live there."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from wabot.contents import File
from wabot.db.engine import DB
from wabot.storage import STORAGE
from wabot.whatsapp.client import Accepted, Credentials, Graph, NotSent
from wabot.whatsapp.files import upload

LIVES = 29 * 86_400
"""Seconds an id is used. Meta keeps it 30 days."""
UPLOAD_LIMIT = 150.0
"""Seconds one upload may take, all waiting included: the messages that need it are held for longer than that."""
LEASE = UPLOAD_LIMIT + 30
AT_ONCE = 4
"""Uploads side by side in this process: each holds its file in memory."""
LOOK_AGAIN = 0.2
NOT_TAKEN = frozenset({100, 131053})
"""Meta's codes for an id that it does not know (any more), or cannot read."""

KNOWN = """
SELECT media_id FROM media_upload
WHERE chatbot = $1 AND sha256 = $2 AND mime_type = $3 AND media_id <> '' AND expires_at > now()
"""

CLAIM = """
INSERT INTO media_upload (chatbot, sha256, mime_type, claimed_until)
VALUES ($1, $2, $3, now() + make_interval(secs => $4))
ON CONFLICT (chatbot, sha256, mime_type) DO UPDATE SET claimed_until = excluded.claimed_until
    WHERE (media_upload.expires_at IS NULL OR media_upload.expires_at <= now())
        AND (media_upload.claimed_until IS NULL OR media_upload.claimed_until <= now())
RETURNING true
"""

UPLOADED = """
UPDATE media_upload SET media_id = $4, expires_at = now() + make_interval(secs => $5), claimed_until = NULL
WHERE chatbot = $1 AND sha256 = $2 AND mime_type = $3
"""

RELEASE = "UPDATE media_upload SET claimed_until = NULL WHERE chatbot = $1 AND sha256 = $2 AND mime_type = $3"

FORGET = "UPDATE media_upload SET expires_at = NULL WHERE chatbot = $1 AND media_id = $2"

Key = tuple[int, str, str]
Hold = Callable[[float], Awaitable[None]]
"""Keeps a message to oneself for so many seconds more; raises if somebody else has taken it."""


class Uploads:
    """The ids of this process's files at Meta."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._running: dict[Key, asyncio.Task[str]] = {}

    async def send(
        self,
        chatbot: int,
        credentials: Credentials,
        file: File,
        post: Callable[[str], Awaitable[Accepted]],
        hold: Hold,
    ) -> Accepted:
        """What `post` gives for the file's id at Meta. An id that Meta does not take any more is replaced, once.

        Raises NotKept if the file is gone, NotSent, and whatever `post` raises.
        """
        key = (chatbot, file.sha256, file.mime_type)
        known = await DB.fetchval(KNOWN, *key)
        if known:
            try:
                return await post(known)
            except NotSent as refusal:
                if refusal.code not in NOT_TAKEN:
                    raise
            await DB.execute(FORGET, chatbot, known)
        await hold(LEASE)
        fresh = await self._one(key, credentials)
        await hold(0)
        return await post(fresh)

    async def _one(self, key: Key, credentials: Credentials) -> str:
        """Messages that need the same file share one upload. It goes on when one of them does not wait any more."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._upload(key, credentials))
            task.add_done_callback(partial(self._ended, key))
        return await asyncio.shield(task)

    def _ended(self, key: Key, task: asyncio.Task[str]) -> None:
        del self._running[key]
        if not task.cancelled():
            task.exception()  # heard, even if nobody waits for it any more

    async def _upload(self, key: Key, credentials: Credentials) -> str:
        try:
            async with asyncio.timeout(UPLOAD_LIMIT):
                while not await DB.fetchval(CLAIM, *key, LEASE):
                    if known := await DB.fetchval(KNOWN, *key):
                        return str(known)
                    await asyncio.sleep(LOOK_AGAIN)  # another process is uploading it
                return await self._post(key, credentials)
        except TimeoutError:
            raise NotSent(None, 0, "the upload did not end in time") from None

    async def _post(self, key: Key, credentials: Credentials) -> str:
        chatbot, sha256, mime_type = key
        try:
            async with self._slots:
                content = await STORAGE.read(chatbot, sha256)
                media_id = await upload(self._graph, credentials, content, mime_type)
        except BaseException:
            await DB.execute(RELEASE, *key)
            raise
        await DB.execute(UPLOADED, *key, media_id, LIVES)
        return media_id
