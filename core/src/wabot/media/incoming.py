"""A file that came with a message: its row, written in the transaction that stores the message."""

import base64
import binascii
import re
from collections.abc import Sequence

from wabot.contents import Media
from wabot.db.engine import DB

STORE = """
INSERT INTO media (chatbot, conversa, wamid, media_id, mime_type, filename, expected)
SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
ON CONFLICT (chatbot, wamid) DO NOTHING
"""

LABEL_MOST = 255
_HEX = re.compile(r"[0-9a-fA-F]{64}")

Arrival = tuple[int, int | None, str, Media]
"""Chatbot, conversa, wamid, and what came with it."""


async def store(arrivals: Sequence[Arrival]) -> None:
    """To be called in the transaction that stores the messages; somebody then has to ring for the fetcher."""
    rows = [
        (
            chatbot,
            conversa,
            wamid,
            media.id,
            media.mime_type[:LABEL_MOST],
            media.filename[:LABEL_MOST],
            sha256_of(media.sha256),
        )
        for chatbot, conversa, wamid, media in arrivals
    ]
    await DB.execute(STORE, *(list(column) for column in zip(*rows, strict=True)))


def sha256_of(told: str) -> str:
    """A digest in hex: Meta's webhooks write it in base64, its API in hex. Empty for what is neither."""
    if _HEX.fullmatch(told):
        return told.lower()
    try:
        digest = base64.b64decode(told, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return digest.hex() if len(digest) == 32 else ""
