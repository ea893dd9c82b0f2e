"""A platform of a hundred lines, for tests of the simulator: it keeps what Meta tells it and answers as it is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import msgspec
from aiohttp import web

from wabot.testing.simulator import Simulator
from wabot.whatsapp.signature import is_signed

SECRET = "segredo-do-aplicativo"
PHONE = "200000000000001"
WABA = "300000000000001"
PATIENCE = 5.0

Body = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.Response]]


def text(words: str) -> Body:
    return {"type": "text", "text": {"body": words}}


def buttons(words: str, *titles: str, **more: Any) -> Body:
    replies = [{"type": "reply", "reply": {"id": f"id:{title}", "title": title}} for title in titles]
    interactive = {"type": "button", "body": {"text": words}, "action": {"buttons": replies}, **more}
    return {"type": "interactive", "interactive": interactive}


def menu(words: str, button: str, sections: dict[str, list[tuple[str, str]]], **more: Any) -> Body:
    """A list message from `{section: [(title, description), …]}`."""
    shown = [
        {"title": title, "rows": [{"id": f"id:{t}", "title": t, "description": d} for t, d in rows]}
        for title, rows in sections.items()
    ]
    action = {"button": button, "sections": shown}
    interactive = {"type": "list", "body": {"text": words}, "action": action, **more}
    return {"type": "interactive", "interactive": interactive}


class EchoBot:
    """`answer(message)` gives the bodies to send back; `refusals` are the status codes of the next webhooks."""

    def __init__(self, meta: Simulator) -> None:
        self.meta = meta
        self.answer: Callable[[Body], list[Body]] = lambda _: []
        self.refusals: list[int] = []
        self.bodies: list[Body] = []
        self.values: list[Body] = []
        self._news = asyncio.Condition()
        headers = {"Authorization": "Bearer qualquer"}
        self.http = httpx.AsyncClient(base_url=f"{meta.graph_url}/v26.0", headers=headers)
        self.stranger = httpx.AsyncClient(base_url=f"{meta.graph_url}/v26.0")

    @property
    def messages(self) -> list[Body]:
        return [message for value in self.values for message in value.get("messages", [])]

    @property
    def statuses(self) -> list[Body]:
        return [status for value in self.values for status in value.get("statuses", [])]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until enough webhooks have come."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(true)

    async def send(self, to: str, content: Body, **more: Any) -> httpx.Response:
        body = {"messaging_product": "whatsapp", "to": f"+{to}", **content, **more}
        return await self.http.post(f"/{PHONE}/messages", json=body)

    async def reads(self, wamid: str, *, typing: bool = False) -> httpx.Response:
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
        typing_indicator = {"typing_indicator": {"type": "text"}} if typing else {}
        return await self.http.post(f"/{PHONE}/messages", json=body | typing_indicator)

    async def take(self, raw: bytes, signature: str) -> int:
        """One webhook: the status code it is answered with."""
        if not is_signed(SECRET, raw, signature):
            return 401
        if self.refusals:
            return self.refusals.pop(0)
        body = msgspec.json.decode(raw)
        values = [change["value"] for entry in body["entry"] for change in entry["changes"]]
        async with self._news:
            self.bodies.append(body)
            self.values += values
            self._news.notify_all()
        for message in [m for value in values for m in value.get("messages", [])]:
            for content in self.answer(message):
                await self.send(message["from"], content)
        return 200


@contextlib.asynccontextmanager
async def echo_bot(**options: Any) -> AsyncIterator[EchoBot]:
    """The simulator and a bot, each reachable by the other."""
    options = {"app_secret": SECRET, "retry_after": (0.001,) * 5} | options
    async with Simulator(**options).serve() as meta:
        bot = EchoBot(meta)

        async def webhook(request: web.Request) -> web.Response:
            signature = request.headers.get("X-Hub-Signature-256", "")
            return web.Response(status=await bot.take(await request.read(), signature))

        async with bot.http, bot.stranger, _served(webhook) as meta.webhook_url:
            yield bot


@contextlib.asynccontextmanager
async def _served(handler: Handler) -> AsyncIterator[str]:
    """aiohttp's server, which starts and stops at once."""
    app = web.Application()
    app.router.add_post("/webhook", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    finally:
        await runner.cleanup()
