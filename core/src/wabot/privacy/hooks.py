"""What plugins hold about a person: each is asked through its `wabot_privacy`, guarded, in the transaction in hand."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

import msgspec

from wabot.attempt import attempt
from wabot.db.engine import DB
from wabot.errors import FlowFault, PluginFailed, WabotError
from wabot.parts import Privacy
from wabot.plugins.guard import Guard
from wabot.plugins.registry import Registry
from wabot.privacy.subject import Subject

T = TypeVar("T")

LIMIT = 30.0
"""Seconds a plugin may take for one cliente."""
PART = "privacidade"

# Plugins that were here once, whose tables still are. Nobody can say what is in them.
LEFT_BEHIND = """
SELECT DISTINCT plugin FROM plugin_descriptor JOIN pg_namespace ON nspname = plugin
WHERE plugin <> ALL ($1) ORDER BY plugin
"""


class PluginInTheWay(WabotError):
    """A plugin's data cannot be handed over or erased now, and without it the work would not be whole."""


async def export(registry: Registry, subject: Subject) -> dict[str, list[Any]]:
    """What each plugin holds, cliente by cliente. Raises PluginInTheWay."""
    async with DB.transaction():
        told = {
            plugin: await _each(plugin, subject, _exported(privacy))
            for plugin, privacy in await _all(registry)
        }
    return {plugin: [part for part in parts if part] for plugin, parts in told.items()}


async def erase(registry: Registry, subject: Subject) -> dict[str, int]:
    """How many rows each plugin erased or made anonymous. Raises PluginInTheWay."""
    return {
        plugin: sum(await _each(plugin, subject, _erased(privacy)))
        for plugin, privacy in await _all(registry)
    }


async def _all(registry: Registry) -> Iterator[tuple[str, Privacy]]:
    """Whether or not a bot has the plugin on: its data stays when it is switched off."""
    if missing := [row["plugin"] for row in await DB.fetch(LEFT_BEHIND, list(registry.plugins))]:
        raise PluginInTheWay(
            f"Os dados do plugin {missing[0]} estão no banco, mas ele não está instalado ou não funciona: "
            "veja wabot plugins list e instale-o de novo. Nada foi feito."
        )
    return ((p.id, p.declared.privacy) for p in registry.plugins.values() if p.declared.privacy)


async def _each(plugin: str, subject: Subject, work: Callable[[int, int], Awaitable[T]]) -> list[T]:
    """A breaker of its own: what customers run into must not keep a person's rights from them, nor the reverse."""
    guard = Guard()
    try:
        return [
            await attempt(
                guard, subject.chatbot, plugin, PART, partial(work, subject.chatbot, cliente), LIMIT
            )
            for cliente in subject.clientes
        ]
    except PluginFailed as error:
        raise PluginInTheWay(
            f"O plugin {plugin} não conseguiu tratar os dados desta pessoa, e nada foi feito: "
            f"{type(error.__cause__).__name__}. Atualize o plugin e repita."
        ) from error


def _exported(privacy: Privacy) -> Callable[[int, int], Awaitable[Any]]:
    async def work(chatbot: int, cliente: int) -> Any:
        told = await privacy.export(chatbot, cliente)
        if not isinstance(told, Mapping):
            raise FlowFault(f"export gave {type(told).__name__}; expected a mapping")
        return msgspec.json.decode(msgspec.json.encode(told))

    return work


def _erased(privacy: Privacy) -> Callable[[int, int], Awaitable[int]]:
    async def work(chatbot: int, cliente: int) -> int:
        return int(await privacy.erase(chatbot, cliente))

    return work
