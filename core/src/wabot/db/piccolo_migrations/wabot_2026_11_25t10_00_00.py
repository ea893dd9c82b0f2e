"""Refusals are counted apart from claims: a crash between claim and outcome must not use up a message's tries."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T10:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "refusals of outgoing messages"

REFUSED = """
ALTER TABLE outbox ADD refused integer NOT NULL DEFAULT 0; -- by Meta, as far as it costs a try; `tries` are claims
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(REFUSED)

    manager.add_raw(run)
    return manager
