"""What becomes of a conversation that an earlier release of its flow left half-way: it is never lost."""

from typing import Any, Literal

import msgspec

from wabot.flow import Flow

Fate = Literal["continues", "migrates", "waits", "restart", "hand_over"]
"""`waits`: a newer release wrote the state, so a newer process answers. The last two are the flow's `otherwise`."""


class Left(msgspec.Struct, frozen=True):
    """A flow's own state as it was stored."""

    etapa: str
    version: int
    data: bytes


class Found(msgspec.Struct, frozen=True):
    """Where it goes on in this release, and why not if it cannot. Without a path `data` is None."""

    fate: Fate
    etapa: str = ""
    data: Any = None
    why: str = ""


def resume(flow: Flow[Any], left: Left) -> Found:
    """Read what was left, through the flow's renames and migrations. Raises nothing: a path that breaks is no path."""
    if left.version > flow.version:
        return Found("waits", left.etapa)
    etapa = current(flow, left.etapa)
    if etapa not in flow.etapas:
        return Found(flow.otherwise, why=f"a etapa {left.etapa} não existe mais")
    try:
        data = _migrated(flow, left)
    except Exception as error:  # noqa: BLE001 - a customer must not read what a migration raises
        return Found(flow.otherwise, why=f"{type(error).__name__}: {error}")
    same = etapa == left.etapa and left.version == flow.version
    return Found("continues" if same else "migrates", etapa, data)


def current(flow: Flow[Any], etapa: str) -> str:
    """The name an etapa has now."""
    for _ in flow.renamed:
        if etapa in flow.etapas or etapa not in flow.renamed:
            break
        etapa = flow.renamed[etapa]
    return etapa


def _migrated(flow: Flow[Any], left: Left) -> Any:
    if left.version == flow.version:
        return msgspec.json.decode(left.data, type=flow.data)
    data = msgspec.json.decode(left.data)
    for version in range(left.version, flow.version):
        if version not in flow.migrations:
            raise LookupError(f"não há migração da versão {version} para a {version + 1}")
        data = flow.migrations[version](data)
    return msgspec.convert(data, flow.data)
