"""A bot made of values, Meta, and the outbox between them: for tests of what is sent outside a conversation."""

from collections.abc import AsyncIterator

import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, runtime
from tests.live import SECRET

from wabot.db.directory import Bot
from wabot.outbox import Outbox
from wabot.testing.simulator import Simulator
from wabot.whatsapp.client import Graph


@pytest_asyncio.fixture
async def bot(database: str) -> Bot:
    return await add_bot()


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(app_secret=SECRET).serve() as running:
        yield running


@pytest_asyncio.fixture
async def out(bot: Bot, simulator: Simulator) -> AsyncIterator[Outbox]:
    graph = Graph(simulator.url, "v26.0")
    yield Outbox(graph, FixedRuntimes(runtime(bot)))
    await graph.close()
