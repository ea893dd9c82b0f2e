"""Which bot uses which plugin, and how: a person's intent, one row per chatbot and plugin."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from wabot import audit
from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.plugins.catalogue import Entry
from wabot.plugins.configs import Stored, change, differences
from wabot.plugins.conflicts import conflicts
from wabot.vault import Vault

if TYPE_CHECKING:
    from wabot.plugins.registry import Plugin

# Two plugins switched on at once would not see that they conflict.
ONE_AT_A_TIME = "SELECT FROM chatbot WHERE id = $1 FOR UPDATE"
KEPT = "SELECT * FROM plugin_binding WHERE chatbot = $1 AND plugin = $2 FOR UPDATE"
SAVE = """
INSERT INTO plugin_binding (chatbot, plugin, enabled, config, secrets, version, priority)
VALUES ($1, $2, $3, $4, $5, $6, coalesce($7, 0))
ON CONFLICT (chatbot, plugin) DO UPDATE SET enabled = $3, config = excluded.config, secrets = excluded.secrets,
    version = excluded.version, priority = coalesce($7, plugin_binding.priority), atualizado_em = now()
"""
DISABLE = """
UPDATE plugin_binding SET enabled = false, atualizado_em = now() WHERE chatbot = $1 AND plugin = $2 AND enabled
"""
EVER = "SELECT true FROM plugin_binding WHERE chatbot = $1 AND plugin = $2"


class Conflict(WabotError):
    """The plugin cannot be on together with another one of the bot. Nothing has changed."""


class Binding(msgspec.Struct, frozen=True):
    chatbot: int
    plugin: str
    enabled: bool
    stored: Stored
    priority: int


async def all_bindings() -> list[Binding]:
    """Every binding, in the order in which a bot's plugins are asked: highest priority first, then the oldest."""
    rows = await DB.fetch("SELECT * FROM plugin_binding ORDER BY chatbot, priority DESC, id")
    return [_binding(row) for row in rows]


async def enable(
    chatbot: int,
    plugin: "Plugin",
    values: Mapping[str, Any],
    vault: Vault,
    catalogue: Mapping[str, Entry],
    priority: int | None = None,
) -> None:
    """Switch a plugin on for a bot. `values` change its configuration; what they do not name is kept.

    Raises BadConfig, naming every wrong field, or Conflict; then nothing has changed.
    """
    await save(chatbot, plugin, values, vault, catalogue, enabled=True, priority=priority)


async def save(
    chatbot: int,
    plugin: "Plugin",
    values: Mapping[str, Any],
    vault: Vault,
    catalogue: Mapping[str, Entry],
    *,
    enabled: bool | None = None,
    priority: int | None = None,
    afresh: bool = False,
) -> None:
    """Write a bot's binding of a plugin; None leaves as it is. `afresh`: fields not in `values` get their defaults
    again, except secrets, which nobody can read in order to give them back.

    Raises BadConfig, naming every wrong field, or Conflict; then nothing has changed.
    """
    async with DB.transaction():
        await DB.execute(ONE_AT_A_TIME, chatbot)
        row = await DB.fetchrow(KEPT, chatbot, plugin.id)
        on = row["enabled"] if row and enabled is None else bool(enabled)
        if on and (
            why := conflicts(
                plugin.id, catalogue[plugin.id].descriptor, await _others(chatbot, plugin.id, catalogue)
            )
        ):
            raise Conflict(f"O plugin {plugin.id} não foi ligado: {'; '.join(why)}.")
        before = _stored(row) if row else Stored()
        kept = msgspec.structs.replace(before, config=b"{}") if afresh else before
        stored = change(plugin.declared.config, kept, values, vault)
        await DB.execute(
            SAVE, chatbot, plugin.id, on, stored.config.decode(), stored.secrets, stored.version, priority
        )
        was_on = bool(row and row["enabled"])
        changed = differences(before, stored, vault)
        if priority not in (None, row["priority"] if row else 0):
            changed.append("priority")
        if on != was_on:
            await audit.record(
                "ligar" if on else "desligar", "plugin", plugin.id, chatbot=chatbot, campos=changed
            )
        elif changed:
            await audit.record("mudar", "plugin", plugin.id, chatbot=chatbot, campos=changed)


async def disable(chatbot: int, plugin: str) -> bool:
    """Switch a plugin off for a bot; its configuration and data stay. False if it was never on."""
    async with DB.transaction():
        if await DB.execute(DISABLE, chatbot, plugin) != "UPDATE 0":
            await audit.record("desligar", "plugin", plugin, chatbot=chatbot)
            return True
        return bool(await DB.fetchval(EVER, chatbot, plugin))


async def of_chatbot(chatbot: int) -> dict[str, Binding]:
    """Every binding of one chatbot by the plugin's id, in the order in which they are asked."""
    sql = "SELECT * FROM plugin_binding WHERE chatbot = $1 ORDER BY priority DESC, id"
    return {row["plugin"]: _binding(row) for row in await DB.fetch(sql, chatbot)}


async def _others(chatbot: int, plugin: str, catalogue: Mapping[str, Entry]) -> dict[str, Any]:
    on = "SELECT plugin FROM plugin_binding WHERE chatbot = $1 AND enabled AND plugin <> $2"
    rows = await DB.fetch(on, chatbot, plugin)
    return {row["plugin"]: catalogue[row["plugin"]].descriptor for row in rows if row["plugin"] in catalogue}


def _binding(row: Any) -> Binding:
    return Binding(row["chatbot"], row["plugin"], row["enabled"], _stored(row), row["priority"])


def _stored(row: Any) -> Stored:
    return Stored(row["config"].encode(), row["secrets"], row["version"])
