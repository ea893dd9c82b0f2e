"""Meta's webhook. 200 means: stored and committed. Anything else means: please deliver again."""

import asyncio
import hmac
import logging
import re
from collections.abc import Mapping
from typing import Annotated, Any

import asyncpg
from litestar import Litestar, MediaType, Request, get
from litestar.di import NamedDependency
from litestar.exceptions import (
    ClientException,
    NotAuthorizedException,
    PermissionDeniedException,
    ServiceUnavailableException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.params import QueryParameter
from litestar.types import ASGIApp, HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send

from wabot.db.directory import Directory
from wabot.errors import Away
from wabot.inbox import Delivery, Quarantined
from wabot.metrics import WEBHOOKS
from wabot.outage import Outage
from wabot.process import Process
from wabot.web import problems
from wabot.web.sorting import Sorter
from wabot.whatsapp.payloads import NotAPayload, read
from wabot.whatsapp.signature import is_signed

log = logging.getLogger(__name__)
NOT_STORED = Outage("webhook not stored", log)
STORED = WEBHOOKS.labels(200)

PATH = "/api/chatbots/webhook"
LARGEST_BODY = 3 * 1024 * 1024
"""Meta's limit for a webhook body."""
LARGE = 64 * 1024

TAKEN: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"0")],
}
NOTHING_MORE: HTTPResponseBodyEvent = {"type": "http.response.body", "body": b"", "more_body": False}

_NUMBER = re.compile(rb'"phone_number_id"\s*:\s*"?(\d{1,32})')


@get(PATH, media_type=MediaType.TEXT, include_in_schema=False, sync_to_thread=False)
def verify(
    process: NamedDependency[Process],
    mode: Annotated[str, QueryParameter(name="hub.mode")] = "",
    token: Annotated[str, QueryParameter(name="hub.verify_token")] = "",
    challenge: Annotated[str, QueryParameter(name="hub.challenge")] = "",
) -> str:
    """Meta's check when the address is registered: give back the challenge to whoever knows a verify token."""
    tokens = process.directory.verify_tokens()
    known = [
        hmac.compare_digest(token.encode(), ours.encode()) for ours in tokens
    ]  # all of them: same time always
    if mode != "subscribe" or not any(known):
        raise PermissionDeniedException(detail="O token de verificação não confere.")
    return challenge


def is_for(scope: Scope) -> bool:
    """Whether a request goes to the webhook's path."""
    return scope["path"].rstrip("/") == PATH


def at_the_door(app: Litestar) -> ASGIApp:
    """The application, with Meta's deliveries answered before it sees them: see decision 0038."""
    inside = app.asgi_handler

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "POST" or not is_for(scope):
            await inside(scope, receive, send)
            return
        try:
            await _store(app.state.process, dict(scope["headers"]), receive)
        except Exception as error:  # noqa: BLE001 - whatever it is, Meta is told to deliver again
            refusal = problems.told(Request(scope, receive, send), error)
            WEBHOOKS.labels(refusal.status_code).inc()
            await refusal(scope, receive, send)
        else:
            STORED.inc()
            await send(TAKEN)
            await send(NOTHING_MORE)

    return answer


async def _store(process: Process | None, headers: Mapping[bytes, bytes], receive: Receive) -> None:
    """Store everything the body brings for the chatbots whose secret signed it. Raises what Meta is answered with."""
    if process is None:
        raise ServiceUnavailableException(detail=problems.NOT_NOW)
    body = await _body(headers, receive)
    secret = await _signer(
        process.directory, body, headers.get(b"x-hub-signature-256", b"").decode("latin-1")
    )
    if secret is None:
        raise NotAuthorizedException(detail="Assinatura ausente ou inválida.")
    delivery = _accepted(process.directory, secret, body)
    try:
        await process.inbox.accept(delivery)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if not isinstance(error, Away):  # that is told where it was met
            NOT_STORED.met(type(error).__name__)
        raise ServiceUnavailableException(detail="Não foi possível guardar agora.") from error
    NOT_STORED.over()


async def _body(headers: Mapping[bytes, bytes], receive: Receive) -> bytes:
    """All of it, if it is no larger than Meta's may be, whatever its length is said to be."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 9 or int(length) > LARGEST_BODY:
        raise RequestEntityTooLarge
    parts, size, more = [], 0, True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ClientException(detail="O corpo não chegou inteiro.")
        parts.append(message.get("body", b""))
        size, more = size + len(parts[-1]), message.get("more_body", False)
        if size > LARGEST_BODY:
            raise RequestEntityTooLarge
    return b"".join(parts)


async def _signer(directory: Directory, body: bytes, header: str) -> str | None:
    """The secret of ours that signed the body; None if none did."""
    secrets = _likely_first(directory, body)
    if len(body) < LARGE:
        return _first_fitting(secrets, body, header)
    return await asyncio.to_thread(_first_fitting, secrets, body, header)


def _first_fitting(secrets: list[str], body: bytes, header: str) -> str | None:
    return next((secret for secret in secrets if is_signed(secret, body, header)), None)


def _likely_first(directory: Directory, body: bytes) -> list[str]:
    """All secrets, that of the number the body names at the front. Only an order: nothing is trusted yet."""
    match = _NUMBER.search(body)
    bot = directory.by_phone.get(match[1].decode()) if match else None
    if bot is None or not bot.app_secret:
        return directory.secrets
    return [bot.app_secret, *(secret for secret in directory.secrets if secret != bot.app_secret)]


def _accepted(directory: Directory, secret: str, body: bytes) -> Delivery:
    """What of a signed body may be stored. Raises NotAuthorizedException if others should have signed it all."""
    try:
        payload = read(body)
    except NotAPayload as reason:
        return Delivery(quarantined=[Quarantined(None, str(reason), body)])
    found = Sorter(directory, secret).sort(payload)
    if found.refused:
        log.warning("webhook: %s items left out, signed with another chatbot's secret", found.refused)
        if found.nothing_accepted:
            raise NotAuthorizedException(detail="Assinatura ausente ou inválida.")
    return found.delivery
