"""Files: what customers sent and plugins keep, what Meta holds of ours; and messages edited or deleted later."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T04:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "media, uploads to Meta, edited and revoked messages"

# Like the inbox: written with every message that has a file, so no foreign keys. Rows change state once or twice
# and then rest. Where a file is follows from chatbot and sha256.
MEDIA = """
CREATE TABLE media (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chatbot integer NOT NULL,
    conversa bigint,          -- null: the business's own, or nobody to answer
    wamid text,               -- the message it came with; null: a plugin keeps it
    media_id text NOT NULL DEFAULT '', -- Meta's, good for 7 days
    mime_type text NOT NULL DEFAULT '', -- as the sender says; once kept, as its bytes say
    filename text NOT NULL DEFAULT '', -- as the sender says: a label, never a path
    expected text NOT NULL DEFAULT '', -- the SHA-256 that Meta announced, in hex
    sha256 text,              -- of what is kept
    size bigint,
    state text NOT NULL DEFAULT 'pendente'
        CHECK (state IN ('pendente', 'guardada', 'falhou', 'expirada', 'apagando')),
    tries integer NOT NULL DEFAULT 0,
    retry_at timestamptz NOT NULL DEFAULT now(), -- while somebody fetches it: when another may
    error text NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL DEFAULT now(),
    fetched_at timestamptz,
    UNIQUE (chatbot, wamid),
    CHECK (state <> 'guardada' OR sha256 IS NOT NULL)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX media_waiting ON media (retry_at) WHERE state = 'pendente';
CREATE INDEX media_going ON media (id) WHERE state = 'apagando';
CREATE INDEX media_known ON media (chatbot, media_id) WHERE media_id <> '';
CREATE INDEX media_kept ON media (chatbot, sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX media_of ON media (conversa) WHERE conversa IS NOT NULL;
-- A plugin that sends a thousand customers the same file keeps it once for each of them.
CREATE UNIQUE INDEX media_of_plugin ON media (chatbot, conversa, sha256) NULLS NOT DISTINCT WHERE wamid IS NULL;

-- A file of ours at Meta, where it lives 30 days: sent a thousand times, uploaded once.
CREATE TABLE media_upload (
    chatbot integer NOT NULL,
    sha256 text NOT NULL,
    mime_type text NOT NULL,
    media_id text NOT NULL DEFAULT '',
    expires_at timestamptz,
    claimed_until timestamptz, -- while somebody uploads it
    PRIMARY KEY (chatbot, sha256, mime_type)
) WITH (fillfactor = 70);
"""

CORRECTED = """
ALTER TABLE inbox
    ADD edited_at timestamptz,  -- when its sender changed it, and to what
    ADD edited_text text,
    ADD revoked_at timestamptz; -- when its sender deleted it for everybody
"""

FENCED = "SELECT wabot_fence_in('media'); SELECT wabot_fence_in('media_upload');"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        for part in (MEDIA, CORRECTED, FENCED):
            await DB.execute(part)

    manager.add_raw(run)
    return manager
