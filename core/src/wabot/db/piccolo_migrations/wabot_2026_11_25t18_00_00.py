"""Fewer indices on what every turn writes: one that named the etapa, so that no turn could be written in place, and
one that nothing reads by."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T18:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "turns within a flow update their conversa in place"

INDICES = """
CREATE INDEX conversa_in_flow ON conversa (chatbot, flow) WHERE flow <> '';
DROP INDEX conversa_at;
DROP INDEX event_of_bot;
ALTER TABLE conversa SET (autovacuum_vacuum_scale_factor = 0.02); -- changed by every turn, in the room on its pages
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(INDICES)

    manager.add_raw(run)
    return manager
