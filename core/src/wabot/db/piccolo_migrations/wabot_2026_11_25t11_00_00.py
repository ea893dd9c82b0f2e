"""Agendamentos that people change while they run, ask for at once, and give arguments to."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T11:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "agendamentos: arguments, run now, clocks that go back"

AGENDAMENTOS = """
ALTER TABLE agendamento
    ADD arguments json NOT NULL DEFAULT '{}',
    ADD asked_at timestamptz,    -- somebody wants it run now
    ADD planned_at timestamptz;  -- when next_run was worked out: in the future, if the clock has gone back since
CREATE INDEX agendamento_asked ON agendamento (id) WHERE asked_at IS NOT NULL;

-- As before, but a run that was recorded by a clock that was wrong can be forgotten with the same statement that plans.
CREATE OR REPLACE FUNCTION agendamento_edited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT NEW.enabled OR NEW.cron <> OLD.cron OR NEW.timezone IS DISTINCT FROM OLD.timezone
        OR NEW.next_run <= NEW.last_due
    THEN NEW.next_run := NULL;
    END IF;
    RETURN NEW;
END $$;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(AGENDAMENTOS)

    manager.add_raw(run)
    return manager
