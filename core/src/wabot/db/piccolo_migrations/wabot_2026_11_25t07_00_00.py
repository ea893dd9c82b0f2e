"""The REST API: answers to repeated POSTs, and lists of a million clientes."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T07:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "idempotency keys; indices for lists of clientes"

IDEMPOTENCY = """
-- What a POST with an Idempotency-Key was answered, for a day. Rows are written once and deleted. No column names a
-- chatbot: `bearer`, a digest of the credential, keeps one caller's answers from all others.
CREATE TABLE idempotency (
    bearer bytea NOT NULL,
    path text NOT NULL,
    key text NOT NULL,
    digest bytea NOT NULL,    -- of the body
    location text NOT NULL,
    answer bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bearer, path, key)
);
CREATE INDEX idempotency_by_age ON idempotency (at);
"""

# See docs/decisions/0021. Words are searched with trigrams where the server has them; without, by reading.
LISTS = """
CREATE INDEX cliente_of_bot ON cliente (chatbot, id);
CREATE INDEX cliente_by_nome ON cliente (chatbot, nome, id);
CREATE INDEX cliente_by_age ON cliente (chatbot, criado_em, id);

-- What busca looks at, in one: LIKE over it is ten times as fast as ILIKE over three columns, and better estimated.
ALTER TABLE cliente ADD words text GENERATED ALWAYS AS (lower(nome || ' ' || telefone || ' ' || email)) STORED;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
        CREATE EXTENSION IF NOT EXISTS pg_trgm;
        CREATE INDEX cliente_words ON cliente USING gin (words gin_trgm_ops);
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'pg_trgm may not be created here: searching clientes reads them all';
END $$;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        for part in (IDEMPOTENCY, LISTS):
            await DB.execute(part)

    manager.add_raw(run)
    return manager
