"""Personal data: finding all of one person's, receipts of erasures, how long each kind of data is kept."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T09:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "indices by conversa, erasures, retention"

# Of what is over only: the webhook, which writes what waits, has no index more to keep.
OF_ONE_PERSON = """
CREATE INDEX inbox_of ON inbox (conversa, id) WHERE state <> 'pendente';
CREATE INDEX outbox_of ON outbox (conversa, id) WHERE state IN ('enviada', 'falhou');
CREATE INDEX event_of ON event (conversa, id);
"""

ERASURES = """
-- The receipt of an erasure. It names nobody: who knows an id can find out whether it was erased, and no one else.
CREATE TABLE apagamento (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chatbot integer NOT NULL,
    em timestamptz NOT NULL DEFAULT now(),
    clientes bigint[] NOT NULL,       -- numbers that lead nowhere now: asked again, the answer is this row
    quem text NOT NULL,               -- who did it, as in the audit trail
    contagens json NOT NULL,
    identificadores bytea[] NOT NULL, -- HMACs, see wabot.digests
    recusou boolean NOT NULL          -- did not accept marketing, and is not to be written to when imported anew
);
SELECT wabot_fence_in('apagamento');

-- The key of those HMACs, encrypted with SECRET_KEY.
CREATE TABLE digest_key (
    id integer PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    secret text NOT NULL
);
"""

RETENTION = """
-- Days that data is kept; null: for good. A chatbot without a row has the defaults of wabot.retention.
CREATE TABLE retencao (
    chatbot integer PRIMARY KEY REFERENCES chatbot ON DELETE CASCADE,
    mensagens integer CHECK (mensagens BETWEEN 8 AND 36500),
    arquivos integer CHECK (arquivos BETWEEN 1 AND 36500),
    eventos integer CHECK (eventos BETWEEN 1 AND 36500),
    avisos integer CHECK (avisos BETWEEN 8 AND 36500)
);
SELECT wabot_fence_in('retencao');

-- How many messages there were, for those who count them: `wabot doctor` says since the beginning.
CREATE TABLE message_removed (
    chatbot integer NOT NULL,
    source text NOT NULL,
    state text NOT NULL,
    many bigint NOT NULL,
    PRIMARY KEY (chatbot, source, state)
);
SELECT wabot_fence_in('message_removed');

CREATE FUNCTION count_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO message_removed (chatbot, source, state, many)
    SELECT chatbot, TG_TABLE_NAME, state, count(*) FROM gone GROUP BY chatbot, state ORDER BY chatbot, state
    ON CONFLICT (chatbot, source, state) DO UPDATE SET many = message_removed.many + excluded.many;
    RETURN NULL;
END $$;
CREATE TRIGGER inbox_removed AFTER DELETE ON inbox REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION count_removed();
CREATE TRIGGER outbox_removed AFTER DELETE ON outbox REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION count_removed();
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        for part in (OF_ONE_PERSON, ERASURES, RETENTION):
            await DB.execute(part)

    manager.add_raw(run)
    return manager
