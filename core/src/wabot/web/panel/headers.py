"""What every answer of the panel tells the browser not to do."""

from collections.abc import Mapping

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Scripts and styles from our own files only: a cliente's name that is HTML does nothing, should it ever get out."""

FILE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
PAGE = FILE | {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",  # on a shared computer, the next person's back button
}


class SafeHeaders(ASGIMiddleware):
    """Sets them on whatever comes out, errors included."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, headers: Mapping[str, str] = PAGE) -> None:
        self._headers = headers

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in self._headers.items():
                    headers[name] = value
            await send(message)

        await next_app(scope, receive, send_safely)
