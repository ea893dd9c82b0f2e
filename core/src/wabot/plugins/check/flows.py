"""Conversations that get stuck: etapas nobody reaches or leaves, and releases without a way to the next."""

import contextlib
from collections.abc import Iterator
from typing import Any

from wabot.flow import Flow
from wabot.parts import Override
from wabot.plugins.check.finding import Finding, error, warning
from wabot.plugins.check.source import Module, calls, place_of_flow
from wabot.plugins.declared import Declared, load
from wabot.plugins.graph import dead_ends, graph_of, unreachable
from wabot.plugins.installed import installed
from wabot.plugins.places import place_of
from wabot.upgrade import current

OTHERWISE = {
    "restart": "as conversas em andamento recomeçam do início",
    "hand_over": "as conversas em andamento vão para uma pessoa",
}


def check(plugin: str, declared: Declared, source: list[Module]) -> Iterator[Finding]:
    """Every flow, and every etapa of somebody else's that the plugin changes."""
    for flow in declared.flows:
        place = place_of_flow(source, flow.id) or place_of(flow.etapas[flow.first])
        yield from _etapas(flow)
        yield from _renamed(flow, place)
        yield from _migrations(flow, place)
    for override in declared.overrides:
        yield from _override(plugin, override, declared, source)


def _etapas(flow: Flow[Any]) -> Iterator[Finding]:
    graph = graph_of(flow)
    for code in unreachable(graph, flow.renamed.values()):
        yield warning(
            "unreachable",
            f"Nenhum caminho leva à etapa {flow.id}.{code}.",
            place_of(flow.etapas[code]),
            f"devolva Go({code}) em outra etapa, ou apague esta e ponha em renamed onde quem parou nela continua",
        )
    for code in dead_ends(graph):
        yield warning(
            "dead-end",
            f"Da etapa {flow.id}.{code} não se sai: ela só leva a si mesma.",
            place_of(flow.etapas[code]),
            "devolva Go(outra_etapa), End(…) ou Handover(…) em algum caso",
        )


def _renamed(flow: Flow[Any], place: str) -> Iterator[Finding]:
    for old in flow.renamed:
        if old not in flow.etapas and current(flow, old) not in flow.etapas:
            yield error(
                "renamed-nowhere",
                f"renamed leva {old} a {flow.renamed[old]}, que não é uma etapa de {flow.id}.",
                place,
                f"escolha uma destas: {', '.join(flow.etapas)}",
            )


def _migrations(flow: Flow[Any], place: str) -> Iterator[Finding]:
    for version in missing(flow.version, flow.migrations):
        yield warning(
            "migration-missing",
            f"{flow.id} está na versão {flow.version} e não tem migrations[{version}]: "
            f"{OTHERWISE[flow.otherwise]} se estiverem na versão {version} ou em uma anterior.",
            place,
            f"migrations={{{version}: de_{version}}}, uma função que recebe e devolve um dict",
        )
    for version in sorted(version for version in flow.migrations if version >= flow.version):
        yield warning(
            "migration-unused",
            f"{flow.id} tem migrations[{version}], mas ainda está na versão {flow.version}: ela nunca é chamada.",
            place,
            f"version={version + 1}",
        )


def missing(version: int, migrations: Any) -> list[int]:
    """The versions that no migration leads away from."""
    return [number for number in range(1, version) if number not in migrations]


def _override(plugin: str, override: Override, declared: Declared, source: list[Module]) -> Iterator[Finding]:
    owner, _, etapa = override.etapa.partition(".")
    place = _place_of_override(source, override) or place_of(override.replace or override.wrap)
    flow = next((f for f in (*declared.flows, *_others(plugin)) if f.id == owner), None)
    if flow is None:
        yield warning(
            "override-unknown",
            f"Nenhum plugin instalado aqui tem o fluxo {owner}: não dá para saber se {override.etapa} existe.",
            place,
            "instale o plugin que tem esse fluxo e confira de novo",
        )
    elif etapa not in flow.etapas:
        yield error(
            "override-nothing",
            f"{override.etapa} não existe: o fluxo {owner} não tem essa etapa.",
            place,
            f"escolha uma destas: {', '.join(f'{owner}.{code}' for code in flow.etapas)}",
        )


def _place_of_override(source: list[Module], override: Override) -> str:
    for module in source:
        for _, call in calls(module, "Override"):
            values = [*call.args[:1], *(keyword.value for keyword in call.keywords)]
            if any(getattr(value, "value", None) == override.etapa for value in values):
                return module.at(call.lineno)
    return ""


def _others(plugin: str) -> Iterator[Flow[Any]]:
    """The flows of the other installed plugins that can be imported; what is wrong with those is not asked here."""
    for about in installed():
        if about.id != plugin:
            with contextlib.suppress(Exception, SystemExit):
                yield from load(about.id, about.module).flows
