"""The pytest plugin `wabot`: what a plugin's tests need, as fixtures that a conftest.py may replace one by one.

pytest imports this module at every start, wherever wabot is installed; so the kit is imported by the fixtures.
"""

import tomllib
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # without it only the fixture `simulator` is missing
    async_fixture = pytest.fixture  # type: ignore[assignment]

if TYPE_CHECKING:
    from wabot import BotContext, Flow, Recorded
    from wabot.testing.chat import Chat, Clock
    from wabot.testing.simulator import Simulator


@pytest.fixture
def flows(request: pytest.FixtureRequest) -> "list[Flow[Any]]":
    """The conversations of the plugin under test; none if the tests belong to no plugin."""
    return [flow for module in _modules(request.path) for flow in _declared(module, "wabot_flows", [])]


@pytest.fixture
def config(request: pytest.FixtureRequest) -> Any:
    """The configuration of the plugin under test, as it is before anybody sets anything."""
    for module in _modules(request.path):
        if shape := _declared(module, "wabot_config", None):
            return getattr(shape, "shape", shape)()
    return None


@pytest.fixture
def doubles() -> dict[type, Any]:
    """What stands for the plugin's own types; a test may add to it."""
    return {}


@pytest.fixture
def clock() -> "Clock":
    """The time of this test."""
    from wabot.testing.chat import Clock

    return Clock()


@pytest.fixture
def chat(
    flows: "list[Flow[Any]]", config: Any, doubles: dict[type, Any], clock: "Clock"
) -> "Callable[..., Chat]":
    """Makes a customer who talks to the flows: `chat(nome="Beto", config={"dias": 3})`.

    A dict as `config` changes these fields; anything else takes the place of the whole. `bot` and `timezone` are the
    business's, `now` is the time, such as `2026-11-24 12:00`.
    """
    from wabot import Chatbot
    from wabot.testing.chat import SHOP, Chat

    default = config

    def meet(
        nome: str = "Ana",
        *,
        config: Any = config,
        doubles: dict[type, Any] = doubles,
        bot: str = SHOP.nome,
        timezone: str = SHOP.timezone,
        now: str = "",
    ) -> Chat:
        if now:
            clock.shows(now)
        shop = Chatbot(SHOP.id, bot, timezone)
        return Chat(*flows, nome=nome, config=_with(default, config), doubles=doubles, bot=shop, clock=clock)

    return meet


@pytest.fixture
def ana(chat: "Callable[..., Chat]") -> "Chat":
    """A customer who talks to the flows."""
    return chat()


@pytest.fixture
def bot_context(config: Any, doubles: dict[type, Any], clock: "Clock") -> "BotContext":
    """What a job, a sink or a campaign is called with."""
    from wabot import BotContext
    from wabot.testing.chat import SHOP
    from wabot.testing.files import MemoryFiles
    from wabot.testing.reached import Reached

    return BotContext(SHOP, clock.now, config, doubles, MemoryFiles(), reach=Reached())


@pytest.fixture
def recorded(clock: "Clock") -> "Callable[..., Recorded]":
    """Makes an event for a sink, as wabot would hand it over: `recorded("pedido.confirmado", total=5980)`."""
    from wabot import Recorded

    numbers: Iterator[int] = iter(range(1, 1_000_000))

    def happened(name: str, *, conversa: int = 1, cliente: int = 1, **fields: Any) -> Recorded:
        return Recorded(next(numbers), name, fields, clock.now, conversa, cliente)

    return happened


@async_fixture
async def simulator() -> "AsyncIterator[Simulator]":
    """Meta's stand-in, running on a free port of this machine."""
    from wabot.testing.simulator import Simulator

    async with Simulator(app_secret="segredo").serve() as meta:  # noqa: S106 - nobody's
        yield meta


def _modules(test: Path) -> list[Any]:
    """The modules of the plugins that the nearest pyproject.toml above a test declares."""
    found = next((f / "pyproject.toml" for f in test.parents if (f / "pyproject.toml").is_file()), None)
    if found is None:
        return []
    project = tomllib.loads(found.read_text(encoding="utf-8")).get("project", {})
    declared = project.get("entry-points", {}).get("wabot", {})
    return [_imported(name, value) for name, value in declared.items()]


def _imported(name: str, value: str) -> Any:
    try:
        return EntryPoint(name, value, "wabot").load()
    except ModuleNotFoundError as error:
        pytest.fail(
            f"cannot import {value}: {error}. Install the plugin (pip install -e .), or put "
            'pythonpath = ["src"] under [tool.pytest.ini_options] in its pyproject.toml.',
            pytrace=False,
        )


def _declared(module: Any, hook: str, otherwise: Any) -> Any:
    return getattr(module, hook)() if hasattr(module, hook) else otherwise


def _with(config: Any, changed: Any) -> Any:
    """A configuration with some fields changed."""
    if config is None or not isinstance(changed, dict):
        return changed
    import msgspec

    return msgspec.convert(msgspec.to_builtins(config) | changed, type(config))
