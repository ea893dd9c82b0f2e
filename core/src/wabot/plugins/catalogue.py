"""The installed plugins with what is known of each. Reading the catalogue imports no plugin."""

import asyncio
from typing import Any, Literal

import msgspec

from wabot.db.engine import DB
from wabot.plugins.descriptor import Descriptor
from wabot.plugins.installed import Installed, installed
from wabot.plugins.probe import probe

Status = Literal["ok", "broken", "incompatible", "orphaned"]

KEPT = 10
"""Descriptors kept of one plugin: while it is being written, every change of a file is a release."""

KNOWN = """
SELECT DISTINCT ON (plugin) plugin, release, descriptor FROM plugin_descriptor
JOIN unnest($1::text[], $2::text[]) AS here (plugin, release) USING (plugin, release)
"""
KEEP = """
INSERT INTO plugin_descriptor (plugin, release, descriptor) VALUES ($1, $2, $3)
ON CONFLICT (plugin, release) DO UPDATE SET descriptor = excluded.descriptor, probed_at = now()
"""
FORGET = """
DELETE FROM plugin_descriptor WHERE plugin = $1 AND release NOT IN (
    SELECT release FROM plugin_descriptor WHERE plugin = $1 ORDER BY probed_at DESC LIMIT $2)
"""
ORPHANS = """
SELECT DISTINCT ON (plugin) plugin, descriptor FROM plugin_binding LEFT JOIN plugin_descriptor USING (plugin)
WHERE enabled AND plugin <> ALL ($1) ORDER BY plugin, probed_at DESC
"""


class Entry(msgspec.Struct, frozen=True):
    """A plugin as the list shows it."""

    about: Installed
    status: Status
    error: str = ""
    descriptor: Descriptor = Descriptor()

    @property
    def id(self) -> str:
        return self.about.id

    @property
    def title(self) -> str:
        return self.descriptor.title or self.id


async def catalogue() -> dict[str, Entry]:
    """Every installed plugin, and those that are switched on without being installed, by id."""
    here = await asyncio.to_thread(installed)  # it reads many files, and the panel asks while customers write
    known = await _known(here)
    entries = {about.id: _entry(about, known.get(about.id)) for about in here}
    for row in await DB.fetch(ORPHANS, list(entries)):
        entries[row["plugin"]] = _orphan(row["plugin"], _decoded(row))
    return entries


async def sync(*, again: bool = False) -> dict[str, Entry]:
    """Look at every release that nobody has looked at yet (with `again`, at all of them); then the catalogue."""
    here = [about for about in installed() if not about.clash and not about.incompatible]
    known = {} if again else await _known(here)
    new = [about for about in here if about.id not in known]
    for about, found in zip(new, await probe(new), strict=True):
        descriptor = msgspec.structs.replace(found, distribution=about.distribution, version=about.version)
        async with DB.transaction():
            await DB.execute(KEEP, about.id, about.release, msgspec.json.encode(descriptor).decode())
            await DB.execute(FORGET, about.id, KEPT)
    return await catalogue()


async def _known(here: list[Installed]) -> dict[str, Descriptor]:
    rows = await DB.fetch(KNOWN, [about.id for about in here], [about.release for about in here])
    return {row["plugin"]: _decoded(row) for row in rows}


def _decoded(row: Any) -> Descriptor:
    return msgspec.json.decode(row["descriptor"] or "{}", type=Descriptor)


def _entry(about: Installed, descriptor: Descriptor | None) -> Entry:
    if about.clash:
        return Entry(
            about,
            "broken",
            f"{about.distribution} e {about.clash} têm um plugin chamado {about.id}; "
            f"desinstale um deles: pip uninstall {about.clash}",
        )
    if about.incompatible:
        return Entry(about, "incompatible", about.incompatible)
    if descriptor is None:
        return Entry(about, "broken", "esta versão ainda não foi examinada; rode: wabot plugins sync")
    status: Status = "broken" if descriptor.error else "ok"
    return Entry(about, status, descriptor.error, descriptor)


def _orphan(plugin: str, last: Descriptor) -> Entry:
    package = last.distribution or f"wabot-{plugin.replace('_', '-')}"
    exact = f"{package}=={last.version}" if last.version else package
    return Entry(
        Installed(plugin, "", package, last.version),
        "orphaned",
        f"ligado, mas não está instalado; instale de novo: pip install {exact}",
        last,
    )
