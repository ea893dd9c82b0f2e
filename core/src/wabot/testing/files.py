"""Files in a test: what customers send, and a bot's files in memory."""

import hashlib
from pathlib import Path

from wabot.contents import Contact, Contacts, Content, File, Location, Media, Telephone
from wabot.errors import NoFile
from wabot.message import Kind
from wabot.sniff import mime_of

SAMPLES = Path(__file__).parent / "simulator" / "samples"
FILES = {
    "image": ("image/jpeg", "foto.jpg"),
    "audio": ("audio/ogg; codecs=opus", "voz.ogg"),
    "sticker": ("image/webp", "figurinha.webp"),
    "document": ("application/pdf", "comprovante.pdf"),
    "video": ("video/mp4", "video.mp4"),
}
"""What a customer sends when a test says "a picture": its type and its name among the samples."""
PLACE = Location(-23.5505, -46.6333, "Praça da Sé", "Sé, São Paulo - SP")


def sample(kind: str) -> bytes:
    """The bytes of a picture, a voice note, a sticker, a document or a video."""
    return (SAMPLES / FILES[kind][1]).read_bytes()


class MemoryFiles:
    """`ctx.files` of a test."""

    def __init__(self) -> None:
        self._by_name: dict[str, bytes] = {}

    async def read(self, file: Media | File) -> bytes:
        name = file.sha256 if isinstance(file, File) else file.id
        if name not in self._by_name:
            raise NoFile("O arquivo não está guardado: foi apagado, ou nunca chegou.")
        return self._by_name[name]

    async def keep(self, content: bytes | Path, *, filename: str = "", mime_type: str = "") -> File:
        if isinstance(content, Path):
            filename, content = filename or content.name, content.read_bytes()  # noqa: ASYNC240 - a test
        if not content:
            raise ValueError("a file of 0 bytes")
        sha256 = hashlib.sha256(content).hexdigest()
        self._by_name[sha256] = content
        return File(sha256, mime_of(content[:64], mime_type), len(content), filename)

    def sent(self, kind: Kind, nome: str, content: bytes | None = None, filename: str = "") -> Content | None:
        """What comes with a message of this kind, as Meta would tell it."""
        if kind == "location":
            return PLACE
        if kind == "contacts":
            return Contacts((Contact(nome, (Telephone("+55 11 90000-0001", "5511900000001", "CELL"),)),))
        if kind not in FILES:
            return None
        content = sample(kind) if content is None else content
        media = Media(
            id=f"media.{len(self._by_name) + 1}",
            mime_type=FILES[kind][0],
            sha256=hashlib.sha256(content).hexdigest(),
            filename=filename or (FILES[kind][1] if kind == "document" else ""),
            voice=kind == "audio",
        )
        self._by_name[media.id] = content
        return media
