"""Meta's webhook. 200 means: stored and committed. Anything else means: please deliver again."""

import asyncio
import hmac
import logging
import re
from typing import Annotated, Any

import asyncpg
from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import (
    HTTPException,
    NotAuthorizedException,
    PermissionDeniedException,
    ServiceUnavailableException,
)
from litestar.params import QueryParameter

from wabot.db.directory import Directory
from wabot.errors import Away
from wabot.inbox import Delivery, Quarantined
from wabot.metrics import WEBHOOKS
from wabot.outage import Outage
from wabot.process import Process
from wabot.web.sorting import Sorter
from wabot.whatsapp.payloads import NotAPayload, read
from wabot.whatsapp.signature import is_signed

log = logging.getLogger(__name__)
NOT_STORED = Outage("webhook not stored", log)
STORED = WEBHOOKS.labels(200)

PATH = "/api/chatbots/webhook"
LARGEST_BODY = 3 * 1024 * 1024
"""Meta's limit for a webhook body."""
STORE_WITHIN = 8.0
"""Seconds. Meta does not document when it gives up on an answer; others report five to ten."""
LARGE = 64 * 1024

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


@post(
    PATH,
    status_code=200,
    media_type=MediaType.TEXT,
    request_max_body_size=LARGEST_BODY,
    include_in_schema=False,
)
async def receive(request: Request[Any, Any, Any], process: NamedDependency[Process]) -> Response[str]:
    """Store everything the body brings for the chatbots whose secret signed it."""
    try:
        await _store(request, process)
    except HTTPException as refusal:
        WEBHOOKS.labels(refusal.status_code).inc()
        raise
    STORED.inc()
    return Response("")


async def _store(request: Request[Any, Any, Any], process: Process) -> None:
    """Raises the HTTPException that Meta is answered with."""
    body = await request.body()
    secret = await _signer(process.directory, body, request.headers.get("x-hub-signature-256", ""))
    if secret is None:
        raise NotAuthorizedException(detail="Assinatura ausente ou inválida.")
    delivery = _accepted(process.directory, secret, body)
    try:
        async with asyncio.timeout(STORE_WITHIN):
            await process.inbox.accept(delivery)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        if not isinstance(error, Away):  # that is told where it was met
            NOT_STORED.met(type(error).__name__)
        raise ServiceUnavailableException(detail="Não foi possível guardar agora.") from error
    NOT_STORED.over()


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
