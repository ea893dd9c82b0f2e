"""What is reachable, configured, out of date or stuck, and the command that mends it.

No plugin is imported, nothing is changed, and nothing is waited for longer than a few seconds.
"""

from functools import partial

import msgspec

from wabot.db.engine import DB
from wabot.db.pending import of_core, pending
from wabot.doctor import bots, machine, meta, work
from wabot.doctor.findings import Check, Finding, database_away, error, together
from wabot.errors import Away, BadSetting
from wabot.plugins.catalogue import catalogue
from wabot.settings import Settings
from wabot.whatsapp.client import Graph

__all__ = ["Finding", "Report", "count", "examine", "misconfigured", "without_database"]

COUNTS = """
SELECT (SELECT count(*) FROM inbox) AS received,
       (SELECT count(*) FROM inbox WHERE state = 'atendida') AS processed,
       (SELECT count(*) FROM inbox WHERE state = 'pendente') AS waiting,
       (SELECT count(*) FROM inbox WHERE state = 'morta') AS dead,
       (SELECT count(*) FROM outbox WHERE state IN ('pendente', 'enviando')) AS to_send,
       (SELECT count(*) FROM outbox WHERE state = 'enviada') AS sent,
       (SELECT count(*) FROM outbox WHERE state = 'falhou') AS failed
"""
# Of people who were erased, and what was old enough to go.
REMOVED = """
SELECT sum(many) FILTER (WHERE source = 'inbox') AS received,
       sum(many) FILTER (WHERE source = 'inbox' AND state = 'atendida') AS processed,
       sum(many) FILTER (WHERE source = 'outbox' AND state = 'enviada') AS sent,
       sum(many) FILTER (WHERE source = 'outbox' AND state = 'falhou') AS failed
FROM message_removed
"""
NOTHING = dict.fromkeys(("received", "processed", "waiting", "dead", "to_send", "sent", "failed"), 0)


class Report(msgspec.Struct, frozen=True):
    """`ok`: nothing among the findings is an error."""

    ok: bool
    findings: list[Finding]
    counts: dict[str, int]


async def examine(settings: Settings, graph: Graph | None = None) -> Report:
    """Look at everything. The database must be open. Without `graph`, Meta is not asked."""
    findings = await together(_outside(settings, graph) | {"migrações": _migrations})
    if any(finding.code == "migrations" for finding in findings):
        return _report(findings, NOTHING)  # the tables to look into may not be there
    checks = _inside(settings)
    if graph and not any(finding.code == "meta" for finding in findings):
        checks |= await meta.asked(settings, graph)
    counts = dict(NOTHING)

    async def counting() -> list[Finding]:
        counts.update(await count())
        return []

    findings += await together(checks | {"contagem": counting})
    return _report(findings, counts)


async def without_database(settings: Settings, graph: Graph | None, away: Away) -> Report:
    """What can be said while the database cannot be asked."""
    return _report([database_away(away), *await together(_outside(settings, graph))], {})


def misconfigured(wrong: BadSetting) -> Report:
    """What can be said of settings that cannot be read."""
    variable, _, fix = str(wrong).partition(": ")
    message = f"A variável {variable} falta ou tem um valor que não serve."
    return _report([error("settings", message, fix)], {})


async def count() -> dict[str, int]:
    """Messages by what became of them, since the beginning; what waits or is dead, now."""
    counts = dict(await DB.fetchrow(COUNTS))
    for what, many in (await DB.fetchrow(REMOVED)).items():
        counts[what] += int(many or 0)
    return counts


def _outside(settings: Settings, graph: Graph | None) -> dict[str, Check]:
    """What can be looked at whatever state the database is in."""
    checks: dict[str, Check] = {
        "redis": partial(machine.redis, settings),
        "disco": partial(machine.disk, settings),
        "chave": partial(machine.key_file, settings),
    }
    return checks | ({"meta": partial(machine.meta, graph)} if graph else {})


def _inside(settings: Settings) -> dict[str, Check]:
    return {
        "relógio": machine.database_clock,
        "plugins": bots.plugins,
        "chatbots": partial(bots.all_of_them, settings),
        "números parados": meta.held,
        "plugins que falham": bots.failing,
        "processos": work.processes,
        "fila": work.backlog,
        "mensagens paradas": work.set_aside,
        "agendamentos": work.jobs,
        "quarentena": work.not_understood,
        "avisos da Meta": meta.notices,
    }


async def _migrations() -> list[Finding]:
    missing = await pending(of_core())
    if not missing:
        plugins = (await catalogue()).values()
        missing = await pending(m for plugin in plugins for m in plugin.descriptor.migrations)
    return [error("migrations", f"Faltam {len(missing)} migrações.", "wabot migrate")] if missing else []


def _report(findings: list[Finding], counts: dict[str, int]) -> Report:
    return Report(not any(finding.severity == "error" for finding in findings), findings, counts)
