"""Where files are kept: a folder, or a bucket of an S3-compatible service.

A file is named by what is in it, chatbot by chatbot: the same picture twice is kept once, and no two businesses ever
share a path. Nothing here is public, and nothing a sender writes becomes part of a name.
"""

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from wabot.errors import BadSetting, WabotError

DRAFTS = ".drafts"
ABANDONED_AFTER = 86_400.0
"""Seconds after which a draft belongs to a process that was killed."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class NotKept(WabotError):
    """There is no file of this name."""


def key_of(chatbot: int, sha256: str) -> str:
    """The name of a file. Raises ValueError for what is no SHA-256 in hex: it may come from a plugin's own rows."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError("not the SHA-256 of a file")
    return f"{chatbot}/{sha256[:2]}/{sha256}"


class Draft:
    """A file on its way in, on this machine's disk: counted and hashed as it is written."""

    def __init__(self, path: Path) -> None:
        self.path, self.size, self.head = path, 0, b""
        self._hash = hashlib.sha256()
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._hash.update(piece)
        self.size += len(piece)
        if len(self.head) < 64:
            self.head += piece[:64]

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def finish(self) -> None:
        """To the disk itself: a row that says the file is kept must not survive a power cut that the file does not."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class Place(Protocol):
    """Keeps finished files by key."""

    async def put(self, path: Path, key: str) -> None: ...

    async def get(self, key: str) -> bytes: ...

    async def remove(self, key: str) -> None: ...

    async def has(self, key: str) -> bool: ...


class Folder:
    """Files under one folder, which all processes of the installation share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, path: Path, key: str) -> None:
        await asyncio.to_thread(self._move, path, self._root / key)

    async def get(self, key: str) -> bytes:
        return await asyncio.to_thread((self._root / key).read_bytes)

    async def remove(self, key: str) -> None:
        await asyncio.to_thread((self._root / key).unlink, missing_ok=True)

    async def has(self, key: str) -> bool:
        return (self._root / key).is_file()

    def _move(self, draft: Path, to: Path) -> None:
        """Whole or not at all: the name appears when everything is on the disk."""
        folders = (to.parent.parent, to.parent)
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        draft.replace(to)
        for folder in folders:
            _sync(folder)


def _sync(folder: Path) -> None:
    """The names in it to the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class Bucket:
    """Files in a bucket. The service, its keys and its region come from the usual AWS_… variables."""

    def __init__(self, url: str) -> None:
        from obstore.store import S3Store  # an extra: most installations have a disk

        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        self._store: Any = S3Store.from_url(url, client_options={"allow_http": plain})

    async def put(self, path: Path, key: str) -> None:
        import obstore

        await obstore.put_async(self._store, key, path)

    async def get(self, key: str) -> bytes:
        import obstore

        return bytes(await (await obstore.get_async(self._store, key)).bytes_async())

    async def remove(self, key: str) -> None:
        import obstore

        with contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, key)

    async def has(self, key: str) -> bool:
        import obstore

        try:
            await obstore.head_async(self._store, key)
        except FileNotFoundError:
            return False
        return True


def _clear(drafts: Path) -> None:
    """Remove what processes that died had begun."""
    for draft in drafts.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if draft.stat().st_mtime < time.time() - ABANDONED_AFTER:
                draft.unlink()


class Storage:
    """The one place of a process, opened when the settings are known."""

    def __init__(self) -> None:
        self._drafts: Path | None = None
        self._place: Place | None = None

    def open(self, home: Path, url: str = "") -> None:
        """Files under `home`, or in the bucket that `url` names; drafts are always under `home`.

        Raises BadSetting for a `home` that cannot be written to.
        """
        root = home / "media"
        try:
            home.mkdir(parents=True, exist_ok=True)
            for folder in (root, root / DRAFTS):
                folder.mkdir(exist_ok=True, mode=0o700)
            _clear(root / DRAFTS)
        except OSError as error:
            told = f"WABOT_HOME: não é possível gravar em {root} ({error.strerror}); use uma pasta gravável."
            raise BadSetting(told) from None
        self._drafts = root / DRAFTS
        self._place = Bucket(url) if url else Folder(root)

    def close(self) -> None:
        self._drafts = self._place = None

    @asynccontextmanager
    async def draft(self) -> AsyncIterator[Draft]:
        """A file to write to; what is not kept by the end is gone."""
        if self._drafts is None:
            raise ConnectionError("the storage is not open")
        draft = await asyncio.to_thread(Draft, self._drafts / secrets.token_hex(16))
        try:
            yield draft
        finally:
            draft.discard()

    async def keep(self, draft: Draft, chatbot: int) -> None:
        """Take a draft in, under the name of what is in it. Raises OSError, or what the bucket's library raises."""
        await asyncio.to_thread(draft.finish)
        await self._open().put(draft.path, key_of(chatbot, draft.sha256))

    async def read(self, chatbot: int, sha256: str) -> bytes:
        """Raises NotKept."""
        try:
            return await self._open().get(key_of(chatbot, sha256))
        except FileNotFoundError:
            raise NotKept("the file is not where it was kept") from None

    async def remove(self, chatbot: int, sha256: str) -> None:
        """A file that is gone already is no error."""
        await self._open().remove(key_of(chatbot, sha256))

    async def has(self, chatbot: int, sha256: str) -> bool:
        return await self._open().has(key_of(chatbot, sha256))

    def local(self, chatbot: int, sha256: str) -> Path:
        """Where a file is on this machine's disk, if that is where files are kept."""
        if self._drafts is None:
            raise ConnectionError("the storage is not open")
        return self._drafts.parent / key_of(chatbot, sha256)

    def _open(self) -> Place:
        if self._place is None:
            raise ConnectionError("the storage is not open")
        return self._place


STORAGE = Storage()
