"""Dead letters: whose code failed, and finding them among millions of rows that are done."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T05:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "dead letters: the plugin that failed, and indices"

DEAD_LETTERS = """
ALTER TABLE inbox ADD plugin text NOT NULL DEFAULT '';  -- whose code failed, while `error` says how
CREATE INDEX inbox_dead ON inbox (chatbot, id) WHERE state = 'morta';
CREATE INDEX outbox_dead ON outbox (chatbot, id) WHERE state = 'falhou';
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(DEAD_LETTERS)

    manager.add_raw(run)
    return manager
