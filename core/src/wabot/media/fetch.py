"""Fetching what customers send, before Meta forgets it: its ids live 7 days, its addresses 5 minutes.

A row is claimed for a while rather than locked: nobody holds a transaction during a download. Killed in the middle,
the claim runs out and another takes over. What is fetched is on the disk before its row says so.
"""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from typing import Any

from wabot.db.engine import DB
from wabot.looper import Looper
from wabot.media.erase import finish
from wabot.media.incoming import sha256_of
from wabot.media.kept import KEEPING, lock
from wabot.plugins.runtime import Runtimes
from wabot.sniff import mime_of
from wabot.storage import STORAGE, Draft
from wabot.whatsapp.client import Credentials, Graph, NotSent
from wabot.whatsapp.failures import HOUR, MINUTE, delay, failure_for
from wabot.whatsapp.files import Described, TooLarge, UrlExpired, describe, download

log = logging.getLogger(__name__)

MOST = 100 * 1024 * 1024
"""Bytes of one file. Meta hands over nothing larger, whatever its class (131052)."""
SIDE_BY_SIDE = 4
LOOK_EVERY = 2.0
FETCH_LIMIT = 150.0
"""Seconds one file may take."""
LEASE = FETCH_LIMIT + 150
"""Seconds after which a claim belongs to somebody who is gone: with time to put the file into a bucket."""
WRONG_MOST = 3
"""Downloads of something else than Meta announced. A cut connection looks like that, too."""

EXPIRED = "O arquivo venceu na Meta (7 dias) antes de poder ser baixado."
GONE = "O arquivo não está mais na Meta. Peça ao cliente que o envie de novo."
TOO_LARGE = "O arquivo passa de 100 MB e não foi baixado. Peça ao cliente um menor."
WRONG = "O que foi baixado não é o arquivo que a Meta anunciou."
NO_ROOM = "O arquivo não pôde ser guardado: confira o disco ou o balde (MEDIA_URL)."

CLAIM = """
UPDATE media SET tries = tries + 1, retry_at = now() + make_interval(secs => $1)
WHERE id = (SELECT id FROM media WHERE state = 'pendente' AND retry_at <= now()
            ORDER BY retry_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, chatbot, media_id, mime_type, expected, tries, received_at < now() - interval '7 days' AS dead
"""

KEPT = """
UPDATE media SET state = 'guardada', sha256 = $3, size = $4, mime_type = $5, error = '', fetched_at = now()
WHERE id = $1 AND tries = $2 AND state = 'pendente' RETURNING true
"""

LATER = """
UPDATE media SET retry_at = now() + make_interval(secs => $3), error = $4
WHERE id = $1 AND tries = $2 AND state = 'pendente'
"""

LOST = "UPDATE media SET state = $3, error = $4 WHERE id = $1 AND tries = $2 AND state = 'pendente'"


class WrongContent(Exception):
    """Not the bytes that were announced."""


class Fetcher:
    """Fetches what waits, a few files at a time."""

    def __init__(self, graph: Graph, runtimes: Runtimes) -> None:
        self._graph, self._runtimes = graph, runtimes
        self._looper = Looper("media", self.look, LOOK_EVERY, SIDE_BY_SIDE)

    async def ring(self) -> None:
        """A file has come."""
        self._looper.ring()

    def running(self) -> AbstractAsyncContextManager[None]:
        """While inside, files are fetched; what is not finished on leaving is left to others at once."""
        return self._looper.running()

    async def look(self) -> bool:
        """Fetch one file, if any waits, or else take one away that is to be erased; whether there was one."""
        row = await DB.fetchrow(CLAIM, LEASE)
        if row is None:
            return bool(await finish(1))
        try:
            await self._fetch(row)
        except asyncio.CancelledError:
            await DB.execute(LATER, row["id"], row["tries"], 0, "")
            raise
        return True

    async def _fetch(self, row: Any) -> None:
        runtime = self._runtimes.get(row["chatbot"])
        if row["dead"]:
            await _lose(row, EXPIRED, "expirada")
        elif runtime is None:
            await _put_off(row, MINUTE, "chatbot unknown to this process")
        else:
            credentials = Credentials(runtime.bot.phone_number_id, runtime.bot.access_token)
            await self._try(row, credentials)

    async def _try(self, row: Any, credentials: Credentials) -> None:
        try:
            async with STORAGE.draft() as draft:
                async with asyncio.timeout(FETCH_LIMIT):
                    described = await self._download(row, credentials, draft)
                await _keep(row, described, draft)
        except NotSent as refusal:
            await _refused(row, refusal)
        except TooLarge:
            await _lose(row, TOO_LARGE)
        except WrongContent:
            await (_lose(row, WRONG) if row["tries"] >= WRONG_MOST else _put_off(row, 2, WRONG))
        except TimeoutError:
            await _refused(row, NotSent(None, 0, "no end in time"))
        except OSError as error:
            log.error("media %s: cannot be kept (%s)", row["id"], type(error).__name__)
            await _put_off(row, MINUTE, NO_ROOM)

    async def _download(self, row: Any, credentials: Credentials, draft: Draft) -> Described:
        described = await describe(self._graph, credentials, row["media_id"])
        if described.size > MOST:
            raise TooLarge
        try:
            await download(self._graph, credentials, described.url, draft.write, MOST)
        except UrlExpired:  # it stood in a queue for longer than it lives
            described = await describe(self._graph, credentials, row["media_id"])
            try:
                await download(self._graph, credentials, described.url, draft.write, MOST)
            except UrlExpired:
                raise NotSent(None, 503, "a new address does not work either") from None
        _check(row, described, draft)
        return described


def _check(row: Any, described: Described, draft: Draft) -> None:
    """Raises WrongContent for other bytes than announced."""
    expected = sha256_of(described.sha256) or row["expected"]
    if (expected and draft.sha256 != expected) or (described.size and draft.size != described.size):
        raise WrongContent


async def _keep(row: Any, described: Described, draft: Draft) -> None:
    """The row and the file together; nobody deletes a file of the same content meanwhile."""
    mime_type = mime_of(draft.head, described.mime_type or row["mime_type"])
    async with DB.transaction():
        await lock(row["chatbot"], draft.sha256, KEEPING)
        if await DB.fetchval(KEPT, row["id"], row["tries"], draft.sha256, draft.size, mime_type):
            await STORAGE.keep(draft, row["chatbot"])


async def _refused(row: Any, refusal: NotSent) -> None:
    """What may pass by itself, or once somebody has mended it, is tried for as long as the id lives."""
    failure = failure_for(refusal.code, refusal.http_status)
    log.warning("media %s: code %s, HTTP %s", row["id"], refusal.code, refusal.http_status)
    if failure.kind == "configuration":
        await _put_off(row, min(MINUTE * 2 ** min(row["tries"] - 1, 10), HOUR), failure.operator)
    elif failure.kind in ("retry", "wait"):
        await _put_off(row, min(delay(failure, row["tries"]), HOUR), failure.operator)
    else:
        await _lose(row, GONE if failure.kind == "fault" else failure.operator)


async def _put_off(row: Any, seconds: float, why: str) -> None:
    await DB.execute(LATER, row["id"], row["tries"], seconds, why)


async def _lose(row: Any, why: str, state: str = "falhou") -> None:
    await DB.execute(LOST, row["id"], row["tries"], state, why)
