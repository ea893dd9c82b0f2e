"""What each bot is made of right now: compiled from its enabled bindings, replaced whole when one changes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from wabot.db.directory import Bot, Directory
from wabot.flow import Chatbot, Flow
from wabot.parts import Bound, Campaign, Filter, Job, Override, PluginPage, Sink
from wabot.plugins.bindings import Binding, all_bindings
from wabot.plugins.configs import read
from wabot.plugins.registry import Registry
from wabot.turn import BoundFlow
from wabot.vault import Vault


class BotRuntime(msgspec.Struct, frozen=True):
    """One bot with what its enabled plugins give it. Of the flows, the first is the one a greeting starts."""

    bot: Bot
    chatbot: Chatbot
    plugins: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Plugins that are switched on and cannot be used: not installed, or broken."""
    flows: tuple[BoundFlow, ...] = ()
    filters: tuple[Bound[Filter], ...] = ()
    jobs: tuple[Bound[Job], ...] = ()
    sinks: tuple[Bound[Sink], ...] = ()
    campaigns: tuple[Bound[Campaign], ...] = ()
    pages: tuple[Bound[PluginPage], ...] = ()


class Runtimes:
    """All bots' runtimes, kept up to date by `load`."""

    def __init__(self, directory: Directory, registry: Registry, vault: Vault) -> None:
        self._directory, self._registry, self._vault = directory, registry, vault
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
        working = self._registry.plugins
        on = [(working[b.plugin], b) for b in bindings if b.plugin in working]
        configs = {p.id: read(p.declared.config, binding.stored, self._vault) for p, binding in on}

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
            tuple(b.plugin for b in bindings if b.plugin not in working),
            _flows(bound("flows"), bound("overrides")),
            filters=bound("filters"),
            jobs=bound("jobs"),
            sinks=bound("sinks"),
            campaigns=bound("campaigns"),
            pages=bound("pages"),
        )


def _flows(flows: Iterable[Bound[Flow[Any]]], overrides: Sequence[Bound[Override]]) -> tuple[BoundFlow, ...]:
    """The flows with the etapas that other plugins change; of two that change the same one, the first counts."""
    changed: dict[str, dict[str, Bound[Override]]] = {}
    for override in overrides:
        flow, _, etapa = override.value.etapa.partition(".")
        changed.setdefault(flow, {}).setdefault(etapa, override)
    return tuple(BoundFlow(b.value, b.config, b.plugin, changed.get(b.value.id, {})) for b in flows)
