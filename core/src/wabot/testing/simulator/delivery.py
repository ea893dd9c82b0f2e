"""Webhooks as Meta sends them: signed, at least once, in no promised order, several updates to a body."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from wabot.testing.simulator.chats import Phone
from wabot.testing.simulator.faults import Dice
from wabot.whatsapp.signature import sign

log = logging.getLogger(__name__)

RETRY_AFTER = (0.1, 0.3, 1, 2, 5, 10, 20, 30, 60)
"""Seconds. Meta tries for seven days; a test has less patience."""
SHUFFLE_WITHIN = 0.05
FREE = {
    "billable": False,
    "pricing_model": "PMP",
    "type": "free_customer_service",
    "category": "service",
}


class Bot(msgspec.Struct):
    """One business number, as the simulated Meta knows it."""

    phone_number_id: str
    name: str = "Loja"
    number: str = "5511900000000"
    waba: str = "300000000000001"
    app_secret: str = ""
    access_token: str = ""
    """Empty: any token will do."""


def message_update(bot: Bot, phone: Phone, wamid: str, content: dict[str, Any]) -> dict[str, Any]:
    """The `value` of a webhook for something a customer wrote."""
    contact = {"profile": {"name": phone.name}, "wa_id": phone.number, "user_id": phone.bsuid}
    message = {"from": phone.number, "from_user_id": phone.bsuid, "id": wamid, "timestamp": _now(), **content}
    return _value(bot, contacts=[contact], messages=[message])


def status_update(
    bot: Bot, phone: Phone, wamid: str, status: str, callback: str = "", errors: Sequence[dict[str, Any]] = ()
) -> dict[str, Any]:
    """The `value` of a webhook for what became of a message to a customer."""
    told: dict[str, Any] = {
        "id": wamid,
        "status": status,
        "timestamp": _now(),
        "recipient_id": phone.number,
        "recipient_user_id": phone.bsuid,
    }
    if callback:
        told["biz_opaque_callback_data"] = callback
    if status in ("sent", "delivered"):
        told["pricing"] = {
            "billable": False,
            "pricing_model": "PMP",
            "type": "free_customer_service",
            "category": "service",
        }
    if errors:
        told["errors"] = list(errors)
    return _value(bot, statuses=[told])


def _value(bot: Bot, **parts: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": bot.number, "phone_number_id": bot.phone_number_id}
    return {"messaging_product": "whatsapp", "metadata": metadata, **parts}


def _now() -> str:
    return str(int(time.time()))


class Courier:
    """Delivers updates to the platform until it answers 200."""

    def __init__(self, dice: Dice, retry_after: Sequence[float] = RETRY_AFTER) -> None:
        self.url = ""
        self.delivered = 0
        self._dice, self._retry_after = dice, retry_after
        self._http = httpx.AsyncClient(transport=AiohttpTransport(), timeout=30)
        self._waiting: list[tuple[Bot, dict[str, Any], asyncio.Future[bool]]] = []
        self._posts: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._posts:
            task.cancel()
        await asyncio.gather(*self._posts, return_exceptions=True)
        await self._http.aclose()

    def send(self, bot: Bot, update: dict[str, Any]) -> asyncio.Future[bool]:
        """Hand over an update; the future tells whether the platform took it."""
        taken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((bot, update, taken))
        if len(self._waiting) >= self._dice.faults.batch:
            self._dispatch()
        elif len(self._waiting) == 1:
            asyncio.get_running_loop().call_later(0.02, self._dispatch)
        return taken

    def _dispatch(self) -> None:
        """Everything that waits, in bodies of one app each."""
        waiting, self._waiting = self._waiting, []
        secrets = dict.fromkeys(bot.app_secret for bot, _, _ in waiting)
        for secret in secrets:
            group = [item for item in waiting if item[0].app_secret == secret]
            self._spawn(self._deliver(secret, group))

    async def _deliver(
        self, secret: str, group: list[tuple[Bot, dict[str, Any], asyncio.Future[bool]]]
    ) -> None:
        if self._dice.faults.shuffle:
            await asyncio.sleep(self._dice.random.random() * SHUFFLE_WITHIN)
        body = _envelope([(bot, update) for bot, update, _ in group])
        copies = max(1, self._dice.faults.duplicate)
        taken = await asyncio.gather(*(self._until_taken(secret, body) for _ in range(copies)))
        for _, _, future in group:
            if not future.done():
                future.set_result(all(taken))

    async def _until_taken(self, secret: str, body: bytes) -> bool:
        for wait in (*self._retry_after, None):
            if await self._post(secret, body):
                self.delivered += 1
                return True
            if wait is not None:
                await asyncio.sleep(wait)
        log.warning("a webhook was given up after %s tries", len(self._retry_after) + 1)
        return False

    async def _post(self, secret: str, body: bytes) -> bool:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(secret, body)}
        try:
            response = await self._http.post(self.url, content=body, headers=headers)
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.OK

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._posts.add(task)
        task.add_done_callback(self._posts.discard)


def _envelope(updates: Sequence[tuple[Bot, dict[str, Any]]]) -> bytes:
    entries: dict[str, list[dict[str, Any]]] = {}
    for bot, value in updates:
        entries.setdefault(bot.waba, []).append({"field": "messages", "value": value})
    body = {
        "object": "whatsapp_business_account",
        "entry": [{"id": waba, "changes": changes} for waba, changes in entries.items()],
    }
    return msgspec.json.encode(body)
