"""What an upgrade does to the conversations that are under way, counted before it is done."""

from collections import Counter

import msgspec

from wabot.db.engine import DB
from wabot.flow import Flow
from wabot.plugins.registry import Registry
from wabot.upgrade import Fate, Left, resume

RUNNING = """
SELECT id, etapa, version, data FROM conversa WHERE flow = $1 AND id > $2 ORDER BY id LIMIT $3
"""
AT_ONCE = 1000


class Planned(msgspec.Struct, frozen=True, order=True):
    """Conversations of one flow that stand at the same place, and what becomes of them."""

    plugin: str
    flow: str
    version: int
    etapa: str
    fate: Fate
    goes_on_at: str
    why: str
    conversas: int = 0


async def upgrade_plan(registry: Registry, only: str = "") -> list[Planned]:
    """For the releases that this process has loaded: each running conversation is really migrated, and not written."""
    return [
        planned
        for plugin in registry.plugins.values()
        if only in ("", plugin.id)
        for flow in plugin.declared.flows
        for planned in await _of(plugin.id, flow)
    ]


async def _of(plugin: str, flow: Flow[object]) -> list[Planned]:
    counted: Counter[Planned] = Counter()
    last = 0
    while rows := await DB.fetch(RUNNING, flow.id, last, AT_ONCE):
        for row in rows:
            found = resume(flow, Left(row["etapa"], row["version"], row["data"].encode()))
            place = (plugin, flow.id, row["version"], row["etapa"])
            counted[Planned(*place, found.fate, found.etapa, found.why)] += 1
        last = rows[-1]["id"]
    return sorted(msgspec.structs.replace(planned, conversas=n) for planned, n in counted.items())
