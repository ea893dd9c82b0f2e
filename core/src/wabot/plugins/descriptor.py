"""What is known of a release of a plugin without importing it: found once by the probe, kept in a row."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wabot.flow import Otherwise
from wabot.plugins.graph import Graph


class FlowAbout(msgspec.Struct, frozen=True):
    """A flow: what starts it, where it leads, and which older conversations it can go on with."""

    id: str
    title: str
    version: int
    keywords: tuple[str, ...]
    migrations: tuple[int, ...]
    renamed: Mapping[str, str]
    otherwise: Otherwise
    graph: Graph


class JobAbout(msgspec.Struct, frozen=True):
    name: str
    cron: str
    title: str = ""


class ConfigAbout(msgspec.Struct, frozen=True):
    version: int
    schema: dict[str, Any]


class Descriptor(msgspec.Struct, frozen=True):
    """Everything a release declares; if it could not be loaded, only the error."""

    distribution: str = ""
    version: str = ""
    title: str = ""
    summary: str = ""
    """What it does, in a sentence or two, for whoever may switch it on."""
    error: str = ""
    kinds: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    config: ConfigAbout | None = None
    flows: tuple[FlowAbout, ...] = ()
    overrides: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    jobs: tuple[JobAbout, ...] = ()
    sinks: tuple[str, ...] = ()
    campaigns: tuple[JobAbout, ...] = ()
    tables: tuple[str, ...] = ()
    migrations: tuple[tuple[str, str], ...] = ()
    """Its tables' migrations: the name of the app and the id."""
    routes: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    privacy: bool = False
