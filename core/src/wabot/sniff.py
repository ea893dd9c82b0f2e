"""What a file is, told by its first bytes. What a sender calls it proves nothing."""

import re

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"#!AMR", "audio/amr"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"\xff\xf1", "audio/aac"),
    (b"\xff\xf9", "audio/aac"),
    (b"PK\x03\x04", "application/zip"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"\x7fELF", "application/x-elf"),
)
_BRANDS = (
    (b"M4A", "audio/mp4"),
    (b"3g", "video/3gpp"),
    (b"qt", "video/quicktime"),
    (b"hei", "image/heic"),
    (b"mif1", "image/heic"),
    (b"avi", "image/avif"),
)
"""Kinds of what begins like an MP4, by the four letters after `ftyp`."""
_KNOWN = {kind for _, kind in (*_SIGNATURES, *_BRANDS)} | {"audio/ogg", "image/webp", "video/mp4"}
_ACTIVE = re.compile(r"text/html|.*xml.*|.*script.*")
"""What a browser would run if it were shown as what it says it is."""
_SAME = {
    ("video/mp4", "audio/mp4"),
    ("video/3gpp", "audio/3gpp"),
}
"""Of these the first bytes do not tell sound from picture: the sender's word counts."""
_MIME = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
UNKNOWN = "application/octet-stream"


def mime_of(head: bytes, claimed: str) -> str:
    """The content type of a file that begins with `head` (64 bytes do) and is said to be `claimed`.

    A claim counts only for what has no signature here, and never for anything a browser would run.
    """
    told = claimed.partition(";")[0].strip().lower()
    found = _signed(head)
    if found == "application/zip" and told.startswith("application/vnd.o"):  # a document of an office suite
        return told
    if found:
        return told if (found, told) in _SAME else found
    if not _MIME.fullmatch(told) or told in _KNOWN:
        return UNKNOWN
    return "text/plain" if _ACTIVE.fullmatch(told) else told


def _signed(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return next((kind for brand, kind in _BRANDS if head[8:12].startswith(brand)), "video/mp4")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:4] == b"OggS":
        return "audio/ogg" if b"OpusHead" in head or b"vorbis" in head else UNKNOWN
    return next((kind for signature, kind in _SIGNATURES if head.startswith(signature)), "")
