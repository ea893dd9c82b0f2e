"""Files at Meta: fetching what customers send, uploading what we send."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import quote

import httpx
import msgspec

from wabot.whatsapp.client import WITHIN, Credentials, Graph, NotSent, refusal

T = TypeVar("T")

EXPIRED = frozenset({401, 403, 404, 410})
"""What the address of a file answers when its five minutes are over."""


class Described(msgspec.Struct, frozen=True):
    """What Meta says of a file. `url` is good for five minutes and needs the token."""

    url: str
    mime_type: str = ""
    sha256: str = ""
    file_size: int | str = 0

    @property
    def size(self) -> int:
        text = str(self.file_size)
        return int(text) if text.isdecimal() and len(text) < 16 else 0


class _Uploaded(msgspec.Struct):
    id: str


class UrlExpired(Exception):
    """The address is not good any more: ask for it again."""


class TooLarge(Exception):
    """More bytes than are taken in."""


async def describe(graph: Graph, credentials: Credentials, media_id: str) -> Described:
    """Where a file can be fetched now. Raises NotSent."""
    response = await _answer(
        graph.http.get(
            f"{graph.base}/{quote(media_id, safe='')}",
            params={"phone_number_id": credentials.phone_number_id},
            headers=credentials.headers,
        )
    )
    return _read(response, Described)


async def download(
    graph: Graph, credentials: Credentials, url: str, write: Callable[[bytes], None], most: int
) -> None:
    """Hand the file over piece by piece. Raises UrlExpired, TooLarge and NotSent. The caller limits the time."""
    if not url.startswith(("https://", graph.origin)):  # the token goes with it
        raise NotSent(None, 0, "the address of a file is not https")
    size = 0
    headers = {**credentials.headers, "Accept-Encoding": "identity"}
    try:
        async with graph.http.stream("GET", url, headers=headers) as response:
            if response.status_code in EXPIRED:
                raise UrlExpired
            if response.status_code != httpx.codes.OK:
                raise NotSent(None, response.status_code, f"HTTP {response.status_code}")
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > most:
                    raise TooLarge
                write(piece)
    except httpx.HTTPError as error:
        raise NotSent(None, 0, type(error).__name__) from error


async def upload(graph: Graph, credentials: Credentials, content: bytes, mime_type: str) -> str:
    """Give Meta a file; the id lives 30 days. Raises NotSent. The caller limits the time."""
    response = await _answer(
        graph.http.post(
            f"{graph.base}/{credentials.phone_number_id}/media",
            data={"messaging_product": "whatsapp", "type": mime_type},
            files={"file": ("file", content, mime_type)},
            headers=credentials.headers,
            timeout=None,
        ),
        within=None,
    )
    return _read(response, _Uploaded).id


async def _answer(request: Awaitable[httpx.Response], within: float | None = WITHIN) -> httpx.Response:
    try:
        async with asyncio.timeout(within):
            return await request
    except (TimeoutError, httpx.HTTPError) as error:
        raise NotSent(None, 0, type(error).__name__) from error


def _read(response: httpx.Response, kind: type[T]) -> T:
    if response.status_code != httpx.codes.OK:
        found = refusal(response)
        raise found if isinstance(found, NotSent) else NotSent(None, response.status_code, str(found))
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.DecodeError:
        raise NotSent(None, 502, "an answer of another shape") from None
