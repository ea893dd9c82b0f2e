"""Files at the simulated Meta: uploaded by the platform, or sent by customers."""

import hashlib
import itertools
import secrets
from functools import cached_property
from pathlib import Path

import msgspec

SAMPLES = Path(__file__).parent / "samples"
_SAMPLES = {
    "image": ("image/jpeg", "foto.jpg"),
    "audio": ("audio/ogg; codecs=opus", "voz.ogg"),
    "sticker": ("image/webp", "figurinha.webp"),
    "document": ("application/pdf", "comprovante.pdf"),
}


class Media(msgspec.Struct, frozen=True, dict=True):
    id: str
    mime_type: str
    content: bytes

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Store:
    """All files by id. `url` is where the simulator is reached."""

    def __init__(self) -> None:
        self.url = ""
        self.files: dict[str, Media] = {}
        self._ids = itertools.count(10**14 + secrets.randbelow(10**14))

    def add(self, mime_type: str, content: bytes) -> Media:
        media = Media(str(next(self._ids)), mime_type, content)
        self.files[media.id] = media
        return media

    def address(self, media: Media) -> str:
        """Where the platform fetches it, with a token."""
        return f"{self.url}/simulator/download/{media.id}"

    def sample(self, kind: str) -> Media:
        """What a customer sends when a test or the page says "a picture"."""
        mime_type, name = _SAMPLES[kind]
        return self.add(mime_type, (SAMPLES / name).read_bytes())


def sample_shown(kind: str) -> str:
    """Where the page finds the same picture, today and after a restart."""
    return f"/simulator/samples/{_SAMPLES[kind][1]}"
