"""Which bot uses which plugin, and how: a person's intent, one row per chatbot and plugin."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.explain import in_portuguese
from wabot.plugins.registry import Plugin


class BadConfig(WabotError):
    """A plugin's configuration has a field that does not exist or a value that does not fit."""


class Binding(msgspec.Struct, frozen=True):
    chatbot: int
    plugin: str
    enabled: bool
    config: msgspec.Raw
    priority: int


async def all_bindings() -> list[Binding]:
    """Every binding, in the order in which a bot's plugins are asked: highest priority first, then the oldest."""
    rows = await DB.fetch("SELECT * FROM plugin_binding ORDER BY chatbot, priority DESC, id")
    return [
        Binding(
            row["chatbot"],
            row["plugin"],
            row["enabled"],
            msgspec.Raw(row["config"].encode()),
            row["priority"],
        )
        for row in rows
    ]


async def enable(
    chatbot: int, plugin: Plugin, values: Mapping[str, Any], priority: int | None = None
) -> None:
    """Switch a plugin on for a bot. `values` change its configuration; what they do not name is kept.

    Raises BadConfig, naming every wrong field; then nothing has changed.
    """
    async with DB.transaction():
        kept = await DB.fetchval(
            "SELECT config FROM plugin_binding WHERE chatbot = $1 AND plugin = $2 FOR UPDATE",
            chatbot,
            plugin.id,
        )
        config = checked_config(plugin, {**msgspec.json.decode(kept or "{}"), **values})
        await DB.execute(
            """INSERT INTO plugin_binding (chatbot, plugin, config, priority) VALUES ($1, $2, $3, coalesce($4, 0))
               ON CONFLICT (chatbot, plugin) DO UPDATE SET enabled = true, config = excluded.config,
                   priority = coalesce($4, plugin_binding.priority), atualizado_em = now()""",
            chatbot,
            plugin.id,
            config.decode(),
            priority,
        )


async def disable(chatbot: int, plugin: str) -> bool:
    """Switch a plugin off for a bot; its configuration and data stay. False if it was never on."""
    done = await DB.execute(
        """UPDATE plugin_binding SET enabled = false, atualizado_em = now()
           WHERE chatbot = $1 AND plugin = $2""",
        chatbot,
        plugin,
    )
    return done != "UPDATE 0"


def checked_config(plugin: Plugin, values: Mapping[str, Any]) -> bytes:
    """The configuration as it is stored, if every field fits. Values may be strings, as the command line gives them."""
    if plugin.declared.config is None:
        if values:
            raise BadConfig(f"O plugin {plugin.id} não tem configuração.")
        return b"{}"
    known = {field.name: field for field in msgspec.structs.fields(plugin.declared.config.shape)}
    fitted, wrong = {}, []
    for name, value in values.items():
        if name not in known:
            wrong.append(f"{name}: não existe; há {', '.join(known)}")
            continue
        try:  # one by one: msgspec stops at the first field that is wrong
            fitted[name] = msgspec.convert(value, known[name].type, strict=False)
        except msgspec.ValidationError as error:
            wrong.append(f"{name}: {in_portuguese(str(error))}")
    if wrong:
        raise BadConfig("; ".join(wrong))
    return msgspec.json.encode(fitted)
