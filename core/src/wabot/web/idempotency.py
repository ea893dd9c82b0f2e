"""`Idempotency-Key`: whoever does not know whether a POST arrived sends it again, and what it creates exists once.

The answer is stored in the transaction that creates, so a crash leaves both or neither; what was refused leaves
nothing, and may be mended and sent with the same key.
"""

import hashlib
from typing import Any

import asyncpg
import msgspec
from litestar import Request
from litestar.enums import ScopeType
from litestar.exceptions import ClientException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from wabot.db.engine import DB
from wabot.web import problems
from wabot.web.auth import authorize
from wabot.web.rest import Invalid

HEADER = "Idempotency-Key"
LONGEST = 255

# Not a row that a second request would wait for: it would hold a connection all that time.
LOCK = "SELECT pg_try_advisory_xact_lock($1)"
KNOWN = """
SELECT digest, location, answer FROM idempotency
WHERE bearer = $1 AND path = $2 AND key = $3 AND at > now() - interval '24 hours'
"""
KEEP = """
INSERT INTO idempotency (bearer, path, key, digest, location, answer) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (bearer, path, key) DO UPDATE SET
    digest = excluded.digest, location = excluded.location, answer = excluded.answer, at = now()
"""
# Each that comes takes a few old ones away: they never pile up, and nobody has to remember to do it.
FORGET = """
DELETE FROM idempotency WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency WHERE at < now() - interval '24 hours' LIMIT 100 FOR UPDATE SKIP LOCKED))
"""


class Attempt(msgspec.Struct, frozen=True):
    """One POST with a key: who sends it, where to, and a digest of what."""

    bearer: bytes
    path: str
    key: str
    digest: bytes

    @property
    def lock(self) -> int:
        name = b"\0".join((self.bearer, self.path.encode(), self.key.encode()))
        return int.from_bytes(_digest(name)[:8], "big", signed=True)


class Answer(msgspec.Struct):
    """What a handler answered, held back until it is committed."""

    messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def created(self) -> bool:
        return self.messages[0].get("status") == 201

    @property
    def location(self) -> str:
        headers: Any = self.messages[0].get("headers", ())
        return next((value.decode() for name, value in headers if name.lower() == b"location"), "")

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)  # type: ignore[misc]


class Idempotency(ASGIMiddleware):
    """For every POST that creates, the core's and the plugins'."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive)
        handler: Any = scope["route_handler"]
        key = request.headers.get(HEADER)
        if key is None or request.method != "POST" or handler.status_code != 201:
            await next_app(scope, receive, send)
            return
        await authorize(request, handler)  # before anything is told that was answered earlier
        attempt = await _attempt(request, key)
        answer = Answer()
        try:
            await _once(attempt, answer, lambda: next_app(scope, receive, answer.send))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if not answer.messages:
                raise
            failed = problems.unexpected(request, error)  # it had answered, but the commit failed
            await failed.to_asgi_response(app=None, request=request)(scope, receive, send)
            return
        for message in answer.messages:
            await send(message)


async def _once(attempt: Attempt, answer: Answer, go: Any) -> None:
    """Fill `answer`: with what was answered before, or by going on. Raises ClientException."""
    async with DB.transaction() as transaction:
        if not await DB.fetchval(LOCK, attempt.lock):
            raise ClientException(
                detail=f"Um pedido com esta {HEADER} ainda está sendo atendido.",
                status_code=409,
                headers={"Retry-After": "1"},
            )
        if known := await DB.fetchrow(KNOWN, attempt.bearer, attempt.path, attempt.key):
            await _again(attempt, answer, known)
            return
        await go()
        if answer.created:
            kept = (answer.location, answer.body)
            await DB.execute(KEEP, attempt.bearer, attempt.path, attempt.key, attempt.digest, *kept)
            await DB.execute(FORGET)
        else:
            await transaction.rollback()  # type: ignore[no-untyped-call]


async def _again(attempt: Attempt, answer: Answer, known: Any) -> None:
    if known["digest"] != attempt.digest:
        detail = f"Esta {HEADER} já foi usada com outro corpo. Use uma nova para cada criação."
        raise ClientException(detail=detail, status_code=422)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(known["answer"]))]
    if known["location"]:
        headers.append((b"location", known["location"].encode()))
    await answer.send({"type": "http.response.start", "status": 201, "headers": headers})
    await answer.send({"type": "http.response.body", "body": known["answer"], "more_body": False})


async def _attempt(request: Request[Any, Any, Any], key: str) -> Attempt:
    if not (1 <= len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise Invalid(**{HEADER: f"Use de 1 a {LONGEST} caracteres sem acentos."})
    bearer = request.headers.get("authorization", "") + "\n" + request.headers.get("cookie", "")
    body = request.scope["query_string"] + b"\n" + await request.body()
    return Attempt(_digest(bearer.encode()), request.scope["path"], key, _digest(body))


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
