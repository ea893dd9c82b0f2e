"""What each bot is made of right now: compiled from its enabled bindings, replaced whole when one changes."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from wabot.db.directory import Bot, Directory
from wabot.flow import Chatbot
from wabot.plugins.bindings import Binding, all_bindings
from wabot.plugins.registry import Plugin, Registry
from wabot.turn import BoundFlow

log = logging.getLogger(__name__)


class BotRuntime(msgspec.Struct, frozen=True):
    """One bot with the flows of its enabled plugins, the first of which a greeting starts."""

    bot: Bot
    chatbot: Chatbot
    flows: tuple[BoundFlow, ...] = ()
    plugins: tuple[str, ...] = ()


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

    def get(self, chatbot: int) -> BotRuntime | None:
        return self._by_id.get(chatbot)

    def _compile(self, bot: Bot, bindings: Sequence[Binding]) -> BotRuntime:
        plugins = self._registry.plugins
        on = [
            (b, plugins[b.plugin])
            for b in bindings
            if b.plugin in plugins and plugins[b.plugin].status == "ok"
        ]
        flows = [bound for binding, plugin in on for bound in _bound_flows(binding, plugin)]
        chatbot = Chatbot(bot.id, bot.nome, bot.timezone)
        return BotRuntime(bot, chatbot, tuple(flows), tuple(plugin.id for _, plugin in on))


def _bound_flows(binding: Binding, plugin: Plugin) -> Iterable[BoundFlow]:
    config = _config(binding, plugin)
    return [BoundFlow(flow, config) for flow in plugin.flows]


def _config(binding: Binding, plugin: Plugin) -> Any:
    """The stored configuration as the plugin's Struct; its defaults where what is stored does not fit any more."""
    if plugin.config is None:
        return None
    try:
        return msgspec.json.decode(binding.config, type=plugin.config)
    except msgspec.ValidationError as error:
        log.warning(
            "chatbot %s, plugin %s: stored configuration ignored: %s", binding.chatbot, plugin.id, error
        )
        return plugin.config()
