"""Mailings: what waits in the outbox for one wave of a campaign is paused, resumed and withdrawn as one."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T12:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "mailings: bulk messages that are held and withdrawn together"

MAILINGS = """
CREATE TABLE mailing (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chatbot integer NOT NULL REFERENCES chatbot ON DELETE CASCADE,
    plugin text NOT NULL,
    state text NOT NULL DEFAULT 'aberta' CHECK (state IN ('aberta', 'pausada', 'encerrada')),
    reason text NOT NULL DEFAULT '', -- why it was paused, for people
    quiet_from time NOT NULL,        -- from when until when nothing goes, in the bot's zone; the same: at any time
    quiet_until time NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX mailing_open ON mailing (chatbot) WHERE state = 'aberta';
SELECT wabot_fence_in('mailing');

ALTER TABLE outbox ADD mailing bigint; -- of bulk messages only; no foreign key, as on all of this table
CREATE INDEX outbox_of_mailing ON outbox (mailing) WHERE bulk AND state = 'pendente' AND mailing IS NOT NULL;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(MAILINGS)

    manager.add_raw(run)
    return manager
