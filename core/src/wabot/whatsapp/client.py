"""Speaking to the Graph API: one pooled HTTP client for all numbers of the process."""

import asyncio
from typing import Any, NamedTuple, Protocol

import aiohttp
import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from wabot.whatsapp.failures import failure_for
from wabot.whatsapp.loose import ident, items, obj, parsed
from wabot.whatsapp.render import render_read

# Meta answers in well under a second; past this nobody can tell whether the message went out.
TIMEOUT = httpx.Timeout(20, connect=5, pool=30)
POST_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=30, sock_connect=5, sock_read=20)
CONNECTIONS = 300
"""At once. A message takes Meta some 50 ms, and so does the courtesy beside it: room for 3,000 messages a second."""
WITHIN = 20.0
"""Seconds from asking for a connection to the answer. The outbox sends a message of unknown outcome again a little
later: by then nobody may still be sending it."""

TEMPLATE_FIELDS = "id,name,language,status,category,components,quality_score,rejected_reason"
NUMBER_FIELDS = "quality_rating,whatsapp_business_manager_messaging_limit,throughput"
PAGES_MOST = 100
"""An account has at most 6,000 templates, and a page holds 100."""


class Credentials(msgspec.Struct, frozen=True):
    """What it takes to speak for one number."""

    phone_number_id: str
    access_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    def __repr__(self) -> str:
        return f"Credentials({self.phone_number_id})"


class NotSent(Exception):
    """Meta refused the message, or it never left: it was certainly not sent."""

    def __init__(
        self, code: int | None, http_status: int, detail: str, *, is_transient: bool = False
    ) -> None:
        super().__init__(detail)
        self.code, self.http_status, self.detail = code, http_status, detail
        self.failure = failure_for(code, http_status, is_transient=is_transient)
        """What follows from it."""


class Unclear(Exception):
    """Nobody answered in time: the message may have been sent or not. A status will tell, or silence will."""


class Accepted(msgspec.Struct, frozen=True):
    """That Meta took a message, and how it calls whom it is for: by phone (`wa_id`) or by user id, as it was sent."""

    wamid: str
    wa_id: str = ""
    user_id: str = ""


class _Id(msgspec.Struct):
    id: str


class _Contact(msgspec.Struct):
    wa_id: str = ""
    user_id: str = ""


class _Response(msgspec.Struct):
    messages: list[_Id] = []
    contacts: Any = None


class _Error(msgspec.Struct):
    code: int | None = None
    message: str = ""
    error_data: Any = None
    is_transient: Any = False


class _Refused(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


class Answered(Protocol):
    """An answer of the Graph API, whichever client brought it."""

    @property
    def status_code(self) -> int: ...

    @property
    def content(self) -> bytes: ...


class _Answer(NamedTuple):
    status_code: int
    content: bytes


class Graph:
    """The Graph API at `url`, in one version.

    Messages are posted through aiohttp itself: what httpx adds to it costs half of a turn's time. See decision 0032.
    """

    def __init__(self, url: str, version: str) -> None:
        self.origin = f"{url}/"
        self.base = f"{url}/{version}"
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        transport = AiohttpTransport(limits=limits)
        transport.client = self._session = transport.get_client()
        self.http = httpx.AsyncClient(transport=transport, timeout=TIMEOUT)

    async def close(self) -> None:
        await self.http.aclose()

    async def send(self, credentials: Credentials, body: dict[str, Any]) -> Accepted:
        """Send one message. Raises NotSent or Unclear."""
        response = await self._post(credentials, body)
        if response.status_code == httpx.codes.OK:
            return _accepted(response.content)
        raise refusal(response)

    async def mark_read(self, credentials: Credentials, wamid: str, *, typing: bool) -> bool:
        """Blue ticks, and the typing indicator until the reply. A courtesy: whether it worked, nothing more."""
        try:
            answer = await self._post(credentials, render_read(wamid, typing=typing))
        except (NotSent, Unclear):
            return False
        return answer.status_code == httpx.codes.OK

    async def templates(self, waba: str, access_token: str) -> list[Any]:
        """All message templates of an account, page by page; only the cursor of an answer is followed, never an
        address in it. Raises NotSent if refused, and Unclear.
        """
        found: list[Any] = []
        after = ""
        for _ in range(PAGES_MOST):
            cursor = {"after": after} if after else {}
            page = await self.read(
                access_token, f"{waba}/message_templates", fields=TEMPLATE_FIELDS, limit="100", **cursor
            )
            found += items(page.get("data"))
            paging = obj(page.get("paging"))
            after = ident(obj(paging.get("cursors")).get("after"))
            if not after or not paging.get("next"):
                break
        return found

    async def number(self, credentials: Credentials) -> dict[str, Any]:
        """What Meta says of a number: its quality and limits. Raises NotSent if refused, and Unclear."""
        return await self.read(credentials.access_token, credentials.phone_number_id, fields=NUMBER_FIELDS)

    async def read(self, access_token: str, path: str, **params: str) -> dict[str, Any]:
        """What Meta tells of anything: `read(token, "123", fields="status")`. Raises NotSent and Unclear."""
        headers = {"Authorization": f"Bearer {access_token}"}
        try:
            async with asyncio.timeout(WITHIN):
                response = await self.http.get(f"{self.base}/{path}", params=params, headers=headers)
        except (TimeoutError, httpx.HTTPError) as error:
            raise Unclear(type(error).__name__) from error
        if response.status_code != httpx.codes.OK:
            raise refusal(response)
        return obj(parsed(response.content))

    async def _post(self, credentials: Credentials, body: dict[str, Any]) -> Answered:
        headers = {**credentials.headers, "Content-Type": "application/json"}
        url, content = f"{self.base}/{credentials.phone_number_id}/messages", msgspec.json.encode(body)
        try:
            async with (
                asyncio.timeout(WITHIN),
                self._session.post(
                    url, data=content, headers=headers, timeout=POST_TIMEOUT, allow_redirects=False
                ) as response,
            ):
                return _Answer(response.status, await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotSent(None, 0, f"no connection to the Graph API: {type(error).__name__}") from error
        except TimeoutError:
            raise Unclear("no answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unclear(type(error).__name__) from error


def _accepted(content: bytes) -> Accepted:
    try:
        response = msgspec.json.decode(content, type=_Response)
        wamid = response.messages[0].id
    except (msgspec.DecodeError, IndexError):
        raise Unclear("200 without a message id") from None
    try:  # apart: the message was taken, whatever else the answer says
        contact = msgspec.convert(response.contacts, list[_Contact])[0]
    except (msgspec.ValidationError, IndexError):
        contact = _Contact()
    return Accepted(wamid, contact.wa_id, contact.user_id)


def refusal(response: Answered) -> NotSent | Unclear:
    """What a response other than 200 means. A gateway's 502 or 504 says nothing of what happened behind it."""
    try:
        error = msgspec.json.decode(response.content, type=_Refused).error
    except msgspec.DecodeError:
        error = _Error()
    if error.code is None and response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        return Unclear(f"HTTP {response.status_code}")
    details = error.error_data.get("details") if isinstance(error.error_data, dict) else error.error_data
    words = " · ".join(filter(None, [error.message, str(details or "")]))
    return NotSent(error.code, response.status_code, words, is_transient=error.is_transient is True)
