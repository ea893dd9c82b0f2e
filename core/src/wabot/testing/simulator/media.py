"""Files at the simulated Meta: uploaded by the platform, or sent by customers."""

import hashlib
import itertools
import secrets
import time
from collections import Counter
from functools import cached_property

import msgspec

from wabot.testing.files import FILES, sample

URL_LIVES = 300.0
"""Seconds the address of a file is good for."""
MOST = {"image": 5 << 20, "audio": 16 << 20, "video": 16 << 20}
"""Bytes that may be uploaded, by the first part of the type; else 100 MB."""


class Media(msgspec.Struct, frozen=True, dict=True):
    id: str
    mime_type: str
    content: bytes

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Store:
    """All files by id, and what goes wrong with them. `url` is where the simulator is reached."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, Media] = {}
        self.served: dict[str, bytes] = {}
        """What is handed over in place of a file's own bytes."""
        self.uploaded: list[Media] = []
        self.downloads: Counter[str] = Counter()
        """How often each file was handed over, by id."""
        self._addresses: dict[str, float] = {}
        self._ids = itertools.count(10**14 + secrets.randbelow(10**14))

    def add(self, mime_type: str, content: bytes) -> Media:
        media = Media(str(next(self._ids)), mime_type, content)
        self.files[media.id] = media
        return media

    def upload(self, mime_type: str, content: bytes) -> Media:
        """What the platform gives Meta to send."""
        media = self.add(mime_type, content)
        self.uploaded.append(media)
        return media

    def address(self, media: Media) -> str:
        """Where the platform fetches it, with a token, for five minutes."""
        hash_ = secrets.token_hex(8)
        self._addresses[hash_] = time.monotonic() + URL_LIVES
        return f"{self.url}/simulator/download/{media.id}?hash={hash_}"

    def is_good(self, hash_: str) -> bool:
        """Whether an address is still good."""
        return self._addresses.get(hash_, 0) > time.monotonic()

    def expire_addresses(self) -> None:
        """Every address given until now is good no more."""
        self._addresses.clear()

    def hand_over(self, media: Media) -> bytes:
        self.downloads[media.id] += 1
        return self.served.get(media.id, media.content)

    def sample(self, kind: str) -> Media:
        """What a customer sends when a test or the page says "a picture"."""
        return self.add(FILES[kind][0], sample(kind))


def sample_shown(kind: str) -> str:
    """Where the page finds the same picture, today and after a restart."""
    return f"/simulator/samples/{FILES[kind][1]}"
