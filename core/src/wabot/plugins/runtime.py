"""What each bot is made of right now: compiled from its enabled bindings, replaced whole when one changes."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from wabot.db.directory import Bot, Directory
from wabot.flow import Chatbot
from wabot.parts import Campaign, Filter, Job, Sink
from wabot.plugins.bindings import Binding, all_bindings
from wabot.plugins.registry import Plugin, Registry
from wabot.turn import BoundFlow

log = logging.getLogger(__name__)

T = TypeVar("T")


class Bound(msgspec.Struct, Generic[T], frozen=True):
    """Something a plugin declares, with the configuration one bot has for it."""

    plugin: str
    value: T
    config: Any = None


class BotRuntime(msgspec.Struct, frozen=True):
    """One bot with what its enabled plugins give it. Of the flows, the first is the one a greeting starts."""

    bot: Bot
    chatbot: Chatbot
    plugins: tuple[str, ...] = ()
    flows: tuple[BoundFlow, ...] = ()
    filters: tuple[Bound[Filter], ...] = ()
    jobs: tuple[Bound[Job], ...] = ()
    sinks: tuple[Bound[Sink], ...] = ()
    campaigns: tuple[Bound[Campaign], ...] = ()


class Runtimes:
    """All bots' runtimes, kept up to date by `load`."""

    def __init__(self, directory: Directory, registry: Registry) -> None:
        self._directory, self._registry = directory, registry
        self._by_id: Mapping[int, BotRuntime] = {}

    async def load(self) -> None:
        """Read chatbots and bindings again. A bot gets exactly what is enabled for it: an allow-list."""
        await self._directory.load()
        mine: dict[int, list[Binding]] = {}
        for binding in await all_bindings():
            if binding.enabled:
                mine.setdefault(binding.chatbot, []).append(binding)
        self._by_id = {bot.id: self._compile(bot, mine.get(bot.id, [])) for bot in self._directory.bots}

    @property
    def all(self) -> Iterable[BotRuntime]:
        return self._by_id.values()

    def get(self, chatbot: int) -> BotRuntime | None:
        return self._by_id.get(chatbot)

    def _compile(self, bot: Bot, bindings: Sequence[Binding]) -> BotRuntime:
        plugins = self._registry.plugins
        on = [(plugins[b.plugin], b) for b in bindings if b.plugin in plugins]
        on = [(plugin, binding) for plugin, binding in on if plugin.status == "ok"]
        configs = {plugin.id: config_of(plugin, binding) for plugin, binding in on}

        def bound(kind: str) -> tuple[Bound[Any], ...]:
            return tuple(
                Bound(plugin.id, value, configs[plugin.id])
                for plugin, _ in on
                for value in getattr(plugin.declared, kind)
            )

        return BotRuntime(
            bot,
            Chatbot(bot.id, bot.nome, bot.timezone),
            tuple(plugin.id for plugin, _ in on),
            tuple(BoundFlow(flow.value, flow.config) for flow in bound("flows")),
            filters=bound("filters"),
            jobs=bound("jobs"),
            sinks=bound("sinks"),
            campaigns=bound("campaigns"),
        )


def config_of(plugin: Plugin, binding: Binding) -> Any:
    """The stored configuration as the plugin's Struct; its defaults where what is stored does not fit any more."""
    if plugin.declared.config is None:
        return None
    shape = plugin.declared.config.shape
    try:
        return msgspec.json.decode(binding.config, type=shape)
    except msgspec.ValidationError as error:
        log.warning(
            "chatbot %s, plugin %s: stored configuration ignored: %s", binding.chatbot, plugin.id, error
        )
        return shape()
