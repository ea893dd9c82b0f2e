"""The plugins this process has loaded: those that the probe found well. One by one: one that breaks harms no other."""

import logging
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import msgspec

from wabot.plugins.catalogue import Entry, sync
from wabot.plugins.declared import Declared
from wabot.plugins.declared import load as declared_by
from wabot.plugins.installed import folder_of

log = logging.getLogger(__name__)


class Plugin(msgspec.Struct, frozen=True):
    """A loaded plugin."""

    id: str
    declared: Declared
    folder: str = ""
    """Where its source lies: by this the watchdog knows whose code is being run."""


class Registry:
    """All loaded plugins by id. New ones, and new releases, need a restart."""

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self.plugins: Mapping[str, Plugin] = {plugin.id: plugin for plugin in plugins}
        self._owners = {plugin.folder: plugin.id for plugin in self.plugins.values() if plugin.folder}

    def owner(self, filename: str) -> str:
        """The id of the plugin that a file of source belongs to; empty: none."""
        path = Path(filename)
        return next((self._owners[str(p)] for p in (path, *path.parents) if str(p) in self._owners), "")


async def load_registry(unasked: Collection[str] = ()) -> Registry:
    """Examine what is new, then load what works; `unasked` hooks are left alone. Needs the database."""
    return Registry(plugin for entry in (await sync()).values() if (plugin := load(entry, unasked)))


def load(entry: Entry, unasked: Collection[str] = ()) -> Plugin | None:
    """One plugin, if it works."""
    if entry.status != "ok":
        log.warning("plugin %s left out: %s", entry.id, entry.error)
        return None
    try:
        declared = declared_by(entry.id, entry.about.module, unasked)
    except Exception as error:  # noqa: BLE001 - it worked in the probe, but that was another process
        log.error("plugin %s left out: %s: %s", entry.id, type(error).__name__, error)
        return None
    folder = folder_of(entry.about.module)
    return Plugin(entry.id, declared, str(folder) if folder else "")
