"""The first shape of the roll-up."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot import DB

ID = "2026-11-25T13:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "contagem, presenca, percurso"

SQL = """
CREATE SCHEMA metricas;

-- All that is counted: how much of a measure, in an hour, at a place. Nothing about any person.
CREATE TABLE metricas.contagem (
    chatbot integer NOT NULL REFERENCES public.chatbot ON DELETE CASCADE,
    medida text COLLATE "C" NOT NULL,
    hora timestamptz NOT NULL,
    flow text COLLATE "C" NOT NULL DEFAULT '',
    etapa text COLLATE "C" NOT NULL DEFAULT '',
    classe text COLLATE "C" NOT NULL DEFAULT '', -- of a wait its step, of a message sent its category
    total bigint NOT NULL,
    PRIMARY KEY (chatbot, medida, hora, flow, etapa, classe)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05); -- the rows of this hour change with every batch
SELECT wabot_fence_in('metricas.contagem');

-- Who has been counted as active on a day; for a few days only.
CREATE TABLE metricas.presenca (
    chatbot integer NOT NULL REFERENCES public.chatbot ON DELETE CASCADE,
    dia date NOT NULL,
    cliente bigint NOT NULL,
    PRIMARY KEY (chatbot, dia, cliente)
);
CREATE INDEX presenca_of ON metricas.presenca (cliente);
SELECT wabot_fence_in('metricas.presenca');

-- How far each conversation has come on its way through a flow, so that every etapa counts once; until it ends.
CREATE TABLE metricas.percurso (
    chatbot integer NOT NULL REFERENCES public.chatbot ON DELETE CASCADE,
    conversa bigint NOT NULL,
    hora timestamptz NOT NULL, -- in which it began: it counts there
    flow text NOT NULL,
    etapa text NOT NULL,       -- where it stands
    etapas text[] NOT NULL,    -- where it has been
    PRIMARY KEY (chatbot, conversa)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
SELECT wabot_fence_in('metricas.percurso');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot_metricas", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(SQL)

    manager.add_raw(run)
    return manager
