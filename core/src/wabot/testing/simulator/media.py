"""Files at the simulated Meta: uploaded by the platform, or sent by customers."""

import base64
import hashlib
import secrets

import msgspec

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkqPj/HwAEhAJ/wlseKgAAAABJRU5ErkJggg=="
)
_SAMPLES = {
    "image": ("image/png", _PIXEL),
    "audio": ("audio/ogg; codecs=opus", b"OggS"),
    "sticker": ("image/webp", b"RIFF"),
    "document": ("application/pdf", b"%PDF-1.4"),
    "video": ("video/mp4", b"\x00\x00\x00\x18ftyp"),
}


class Media(msgspec.Struct, frozen=True):
    id: str
    mime_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


class Store:
    """All files by id."""

    def __init__(self) -> None:
        self.files: dict[str, Media] = {}

    def add(self, mime_type: str, content: bytes) -> Media:
        media = Media(str(secrets.randbelow(10**15)), mime_type, content)
        self.files[media.id] = media
        return media

    def sample(self, kind: str) -> Media:
        """What a customer sends when a test or the page says "a picture"."""
        return self.add(*_SAMPLES.get(kind, _SAMPLES["document"]))
