"""Turning what a plugin declares into a descriptor. Only the probe does this: it has imported the plugin."""

from typing import Any

import msgspec

from wabot.db.migrate import migrations_of
from wabot.flow import Flow
from wabot.plugins.declared import Declared
from wabot.plugins.descriptor import ConfigAbout, Descriptor, FlowAbout, JobAbout
from wabot.plugins.graph import graph_of


def describe(declared: Declared) -> Descriptor:
    """The declaration as values that JSON can hold."""
    config = declared.config
    return Descriptor(
        title=declared.title,
        summary=declared.summary,
        kinds=tuple(declared.kinds),
        hooks=declared.hooks,
        config=ConfigAbout(config.version, msgspec.json.schema(config.shape)) if config else None,
        flows=tuple(_flow(flow) for flow in declared.flows),
        overrides=tuple(override.etapa for override in declared.overrides),
        filters=tuple(part.name for part in declared.filters),
        jobs=tuple(JobAbout(job.name, job.cron, job.title) for job in declared.jobs),
        sinks=tuple(part.name for part in declared.sinks),
        campaigns=tuple(JobAbout(part.name, part.cron, part.title) for part in declared.campaigns),
        tables=_tables(declared),
        migrations=tuple(migrations_of(declared.tables)) if declared.tables else (),
        routes=tuple(sorted({path for handler in declared.routes for path in _paths(handler)})),
        pages=tuple(page.title for page in declared.pages),
        privacy=declared.privacy is not None,
    )


def _flow(flow: Flow[Any]) -> FlowAbout:
    return FlowAbout(
        flow.id,
        flow.title,
        flow.version,
        tuple(sorted(flow.keywords)),
        tuple(sorted(flow.migrations)),
        flow.renamed,
        flow.otherwise,
        graph_of(flow),
    )


def _tables(declared: Declared) -> tuple[str, ...]:
    if declared.tables is None:
        return ()
    named = (
        table._meta.get_formatted_tablename().replace('"', "") for table in declared.tables.table_classes
    )
    return tuple(named)


def _paths(handler: Any) -> list[str]:
    path = getattr(handler, "path", None)
    if path is None:
        return sorted(getattr(handler, "paths", []))
    return [str(path)]
