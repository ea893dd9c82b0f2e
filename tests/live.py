"""A whole wabot inside a test: real HTTP, real PostgreSQL, the simulator in Meta's place."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import msgspec

from tests.visitor import PATIENCE
from wabot import asgi, chatbots, tokens
from wabot.chatbots import ChatbotIn, ChatbotOut
from wabot.plugins import bindings
from wabot.plugins.catalogue import catalogue
from wabot.plugins.registry import load_registry
from wabot.process import Process, running
from wabot.settings import Settings
from wabot.testing.simulator import Simulator
from wabot.vault import Vault
from wabot.web.app import create_app
from wabot.whatsapp.signature import sign

SECRET = "segredo-do-aplicativo"
PHONE = "200000000000001"
WABA = "300000000000001"


async def until(condition: Callable[[], Awaitable[bool]], within: float = 10) -> None:
    """Wait for something that must come true."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - what is waited for is a row in a database
            await asyncio.sleep(0.01)


def settings_for(database_uri: str, home: Path, graph_url: str, redis_url: str = "") -> Settings:
    return Settings(
        home=home,
        database_url=database_uri,
        external_database=True,
        redis_url=redis_url,
        secret_keys=("chave-de-teste-0123456789",),
        graph_api_url=graph_url,
        log_level="warning",
    )


async def add_bot(settings: Settings, nome: str = "Loja", **changes: str) -> ChatbotOut:
    fields = {
        "numero": "5511900000000",
        "phone_number_id": PHONE,
        "business_account_id": WABA,
        "timezone": "America/Sao_Paulo",
        "access_token": "token-de-acesso",
        "app_secret": SECRET,
        "verify_token": "token-de-verificacao",
    }
    return await chatbots.add(ChatbotIn(nome=nome, **(fields | changes)), Vault(settings.secret_keys))


async def switch_on(bot: ChatbotOut, settings: Settings, plugin: str = "pedidos", **config: object) -> None:
    found = (await load_registry()).plugins[plugin]
    await bindings.enable(bot.id, found, config, Vault(settings.secret_keys), await catalogue())


async def give(process: Process, **parts: object) -> None:
    """Whatever is switched on: every bot of this process has these parts, such as `flows=(BoundFlow(eco),)`."""
    runtimes = process.runtimes
    compiled = runtimes._compile
    runtimes._compile = lambda *given: msgspec.structs.replace(compiled(*given), **parts)  # type: ignore[method-assign]
    await runtimes.load()


@contextlib.asynccontextmanager
async def serving(process: Process) -> AsyncIterator[str]:
    """The web application on a free port; yields its address."""

    @contextlib.asynccontextmanager
    async def already() -> AsyncIterator[Process]:
        yield process

    async with asgi.serving(create_app(already), asgi.bind("127.0.0.1", 0)) as url:
        yield url


class Platform:
    """The running platform and the ways a test has into it."""

    def __init__(self, url: str, process: Process, simulator: Simulator, bot: ChatbotOut) -> None:
        self.url, self.process, self.simulator, self.bot = url, process, simulator, bot
        self._clients: list[httpx.AsyncClient] = []
        self.http = self._client()

    async def deliver(self, body: bytes | dict[str, object], secret: str = SECRET) -> httpx.Response:
        """POST a webhook as Meta would: signed."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self.post(raw, sign(secret, raw))

    async def post(self, raw: bytes, signature: str | None) -> httpx.Response:
        headers = {"Content-Type": "application/json"} | (
            {"X-Hub-Signature-256": signature} if signature else {}
        )
        return await self.http.post("/api/chatbots/webhook/", content=raw, headers=headers)

    async def api(self, *, writes: bool = True, bot: int | None = None) -> httpx.AsyncClient:
        """A client with a token of its own."""
        token = await tokens.create("teste", None if bot is None else [bot], writes=writes)
        return self._client(Authorization=f"Bearer {token.token}")

    def _client(self, **headers: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            base_url=self.url, headers=headers, verify=False, timeout=PATIENCE
        )  # an SSL context takes 0.2 s
        self._clients.append(client)
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


@contextlib.asynccontextmanager
async def platform(
    database_uri: str,
    home: Path,
    *,
    worker: bool = True,
    plugin: str | None = "pedidos",
    redis_url: str = "",
    meta: Simulator | None = None,
) -> AsyncIterator[Platform]:
    """One process with everything, one bot, and the simulator delivering to it: a new one, or `meta` once more."""
    async with contextlib.AsyncExitStack() as stack:
        simulator = meta or await stack.enter_async_context(Simulator(app_secret=SECRET).serve(port=0))
        settings = settings_for(database_uri, home, simulator.url, redis_url)
        process = await stack.enter_async_context(running(settings, worker=worker))
        known = await chatbots.everyone()
        bot = known[0] if known else await add_bot(settings)
        if plugin:
            await switch_on(bot, settings, plugin)
        await process.runtimes.load()
        url = await stack.enter_async_context(serving(process))
        simulator.webhook_url = f"{url}/api/chatbots/webhook/"
        found = Platform(url, process, simulator, bot)
        stack.push_async_callback(found.close)
        yield found
