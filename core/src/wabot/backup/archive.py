"""The file itself: a zip, written and read in pieces, hashed on the way.

It gets its name when all of it is on the disk: whoever finds a backup finds a whole one.
"""

import contextlib
import hashlib
import os
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO

import msgspec

from wabot.backup.manifest import FORMAT, NAME, BadBackup, Kept, Manifest

PIECE = 256 * 1024
FAST = 1
"""zlib's level. The machine may be serving customers meanwhile, and rows shrink to a fifth even so."""


class Entry:
    """Something that is being written, counted and hashed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash, self._size = file, hashlib.sha256(), 0

    async def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._hash.update(piece)
        self._size += len(piece)

    @property
    def kept(self) -> Kept:
        return Kept(self._size, self._hash.hexdigest())


class Writer:
    """A backup being made."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextlib.contextmanager
    def entry(self, name: str, *, compress: bool = True) -> Iterator[Entry]:
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        with self._archive.open(info, "w", force_zip64=True) as file:
            yield Entry(file)

    def finish(self, manifest: Manifest) -> None:
        self._archive.writestr(NAME, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A new file, which only its owner may read. Raises BadBackup for a name that is taken or cannot be written."""
    if path.exists():
        raise BadBackup(f"Já existe {path}; escolha outro nome.")
    draft = path.with_name(f".{path.name}.{os.getpid()}.parcial")
    try:
        with open(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", compresslevel=FAST) as archive:
                yield Writer(archive)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync(path.parent)
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise  # the database's
        raise BadBackup(f"Não foi possível gravar {path}: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """The new name to the disk too, where folders can be opened."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


class Reader:
    """A backup to be read."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive, self.manifest = archive, manifest

    async def pieces(self, name: str) -> AsyncIterator[bytes]:
        with self._archive.open(name) as file:
            while piece := file.read(PIECE):
                yield piece

    async def check(self, name: str, kept: Kept) -> None:
        """Raises BadBackup if the entry is not what was written."""
        digest, size = hashlib.sha256(), 0
        try:
            async for piece in self.pieces(name):
                digest.update(piece)
                size += len(piece)
        except (KeyError, zipfile.BadZipFile, OSError, EOFError) as error:
            raise BadBackup(f"O backup está danificado em {name}; use outra cópia.") from error
        if Kept(size, digest.hexdigest()) != kept:
            raise BadBackup(f"O backup está danificado em {name}; use outra cópia.")


@contextlib.contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Raises BadBackup for what is no whole backup, or one of a newer release."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield Reader(archive, _manifest(archive, path))
    except zipfile.BadZipFile as error:
        raise BadBackup(f"{path} não é um backup do wabot, ou está incompleto.") from error
    except FileNotFoundError as error:
        raise BadBackup(f"Não há arquivo {path}.") from error


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        raw = archive.read(NAME)
        stated = msgspec.json.decode(raw, type=dict[str, object]).get("format")
        if isinstance(stated, int) and stated > FORMAT:
            raise BadBackup(f"{path} foi feito por um wabot mais novo; atualize o wabot e tente de novo.")
        return msgspec.json.decode(raw, type=Manifest)
    except (KeyError, msgspec.DecodeError) as error:
        raise BadBackup(f"{path} não é um backup do wabot.") from error
