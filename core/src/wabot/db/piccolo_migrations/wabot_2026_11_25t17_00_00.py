"""Rows taken over from the system before this one."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T17:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what became of each row of the old system"

SQL = """
-- What was taken over once is not taken over again, were it deleted here or its person erased. The numbers are the old
-- database's: without it they name nobody.
CREATE TABLE legacy_row (
    source text NOT NULL,
    kind text NOT NULL,
    legacy_id bigint NOT NULL,
    chatbot integer NOT NULL REFERENCES chatbot ON DELETE CASCADE,
    new_id bigint NOT NULL,  -- no foreign key: it outlives the row
    PRIMARY KEY (source, kind, legacy_id, chatbot)
);
SELECT wabot_fence_in('legacy_row');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(SQL)

    manager.add_raw(run)
    return manager
