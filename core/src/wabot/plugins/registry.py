"""Which plugins are installed, and what each declares. One by one: a broken plugin harms nothing else."""

import logging
from collections import Counter
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points, version
from typing import Literal

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from piccolo.conf.apps import AppConfig

from wabot import hookspecs
from wabot.plugins.declared import Declared, PluginFault, load

log = logging.getLogger(__name__)

Status = Literal["ok", "broken", "incompatible", "orphaned"]


class Plugin(msgspec.Struct, frozen=True, kw_only=True):
    """An installed plugin and what it declares; a broken one declares nothing and says why."""

    id: str
    distribution: str = ""
    version: str = ""
    title: str = ""
    status: Status = "ok"
    error: str = ""
    declared: Declared = Declared()


class Registry:
    """All installed plugins by id. Found at first use; new ones need a restart."""

    @cached_property
    def plugins(self) -> dict[str, Plugin]:
        found = sorted(entry_points(group=hookspecs.GROUP), key=lambda entry: entry.name)
        names = Counter(entry.name for entry in found)
        return {entry.name: _load(entry, alone=names[entry.name] == 1) for entry in found}

    @property
    def working(self) -> list[Plugin]:
        return [plugin for plugin in self.plugins.values() if plugin.status == "ok"]

    @property
    def apps(self) -> list[AppConfig]:
        """The plugins' Piccolo apps, whose migrations run after the core's."""
        return [plugin.declared.tables for plugin in self.working if plugin.declared.tables]


def _load(entry: EntryPoint, *, alone: bool) -> Plugin:
    about = _about(entry)
    try:
        if not alone:
            raise PluginFault(
                f"dois pacotes instalados têm um plugin chamado {entry.name!r}; desinstale um deles"
            )
        if reason := _incompatible(entry):
            return msgspec.structs.replace(about, status="incompatible", error=reason)
        declared = load(entry.name, entry.value)
        return msgspec.structs.replace(about, title=declared.title, declared=declared)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a plugin may even call sys.exit() when imported
        reason = str(error) if isinstance(error, PluginFault) else f"{type(error).__name__}: {error}"
        log.warning("plugin %s is broken: %s", entry.name, reason)
        return msgspec.structs.replace(about, status="broken", error=reason[:500])


def _about(entry: EntryPoint) -> Plugin:
    dist = entry.dist
    return Plugin(
        id=entry.name,
        distribution=dist.name if dist else "",
        version=dist.version if dist else "",
        title=entry.name,
    )


def _incompatible(entry: EntryPoint) -> str:
    """Why this plugin's release cannot work with this wabot, told by its own metadata before anything is imported."""
    for text in (entry.dist.requires if entry.dist else None) or []:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.name == "wabot" and not requirement.specifier.contains(
            version("wabot"), prereleases=True
        ):
            return f"precisa de {requirement}, e este é o wabot {version('wabot')}"
    return ""
