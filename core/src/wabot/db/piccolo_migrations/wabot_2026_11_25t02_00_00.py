"""Who is who: every id a cliente has been known by, clientes found to be one person, the other form of a number."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T02:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "identifiers, merged clientes, the ninth digit"

# The unique indices are partial for two reasons. A cliente that was merged keeps its row as it was, ids included. And
# an update of a column with a full unique index locks out whoever refers to the row: it would wait for a running turn.
CLIENTES = """
ALTER TABLE cliente
    ADD parent_bsuid text,
    ADD wa_id_proved boolean NOT NULL DEFAULT false, -- WhatsApp itself gave this form, or a message arrived there
    ADD mesclado_em bigint REFERENCES cliente ON DELETE CASCADE, -- the same person as that one, who goes on
    DROP CONSTRAINT cliente_chatbot_phone_key_key,
    DROP CONSTRAINT cliente_chatbot_bsuid_key;
CREATE UNIQUE INDEX cliente_phone_key ON cliente (chatbot, phone_key) WHERE mesclado_em IS NULL;
CREATE UNIQUE INDEX cliente_bsuid ON cliente (chatbot, bsuid) WHERE mesclado_em IS NULL;
CREATE UNIQUE INDEX cliente_parent_bsuid ON cliente (chatbot, parent_bsuid) WHERE mesclado_em IS NULL;
CREATE INDEX cliente_mesclado ON cliente (mesclado_em) WHERE mesclado_em IS NOT NULL;
"""

IDENTIFIERS = """
-- Every id by which somebody was ever known leads to one cliente: the last one Meta said it belongs to.
CREATE TABLE identifier (
    chatbot integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('bsuid', 'parent_bsuid', 'wa_id')),
    value text NOT NULL,      -- of a wa_id the canonical form (ninth digit)
    cliente bigint NOT NULL REFERENCES cliente ON DELETE CASCADE,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz,    -- in a message, to the day; null: a person wrote it down, WhatsApp has not shown it yet
    PRIMARY KEY (chatbot, kind, value)
) WITH (fillfactor = 85); -- last_seen is in no index: updated in place
CREATE INDEX identifier_of ON identifier (cliente, kind);

INSERT INTO identifier (chatbot, kind, value, cliente, first_seen)
SELECT chatbot, kind, value, cliente.id, criado_em
FROM cliente CROSS JOIN LATERAL (VALUES ('bsuid', bsuid), ('wa_id', phone_key)) AS known (kind, value)
WHERE value <> '';

-- Whoever gives a cliente an id, by whatever means: a webhook, the API, an import, an administrator.
CREATE FUNCTION remember_identifiers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO identifier (chatbot, kind, value, cliente)
    SELECT NEW.chatbot, kind, value, NEW.id
    FROM (VALUES ('bsuid', NEW.bsuid), ('parent_bsuid', NEW.parent_bsuid), ('wa_id', NEW.phone_key))
        AS known (kind, value)
    WHERE value <> ''
    ON CONFLICT (chatbot, kind, value) DO UPDATE SET cliente = excluded.cliente, first_seen = now(), last_seen = NULL
    WHERE identifier.cliente <> excluded.cliente;
    RETURN NULL;
END $$;
CREATE TRIGGER cliente_identified AFTER INSERT OR UPDATE OF bsuid, parent_bsuid, phone_key ON cliente
    FOR EACH ROW WHEN (NEW.mesclado_em IS NULL) EXECUTE FUNCTION remember_identifiers();
"""

MERGES = """
CREATE TABLE cliente_merge (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chatbot integer NOT NULL,
    survivor bigint NOT NULL REFERENCES cliente ON DELETE CASCADE,
    absorbed bigint NOT NULL REFERENCES cliente ON DELETE CASCADE,
    why text NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    undone_at timestamptz,
    carry_to bigint,          -- the cliente in whose conversa the absorbed one's goes on; null: nothing is left there
    consent bigint NOT NULL,  -- the last line of the ledger before: undoing must not undo an opt-out since then
    -- what it takes to undo: rows as they were and as the merge left them, and what was moved
    before json NOT NULL,
    after json NOT NULL DEFAULT '{}',
    stood json,               -- the survivor's conversa, if it took over where the absorbed one's stood
    stands json,
    identifiers json NOT NULL DEFAULT '[]',
    clientes bigint[] NOT NULL DEFAULT '{}',
    inbox bigint[] NOT NULL DEFAULT '{}',
    outbox bigint[] NOT NULL DEFAULT '{}',
    CHECK (survivor <> absorbed)
);
CREATE UNIQUE INDEX cliente_merge_absorbed ON cliente_merge (absorbed) WHERE undone_at IS NULL;
CREATE INDEX cliente_merge_survivor ON cliente_merge (survivor);
CREATE INDEX cliente_merge_waiting ON cliente_merge (carry_to) WHERE carry_to IS NOT NULL;

-- An opt-out hangs on the person: a turn that began before the merge writes it to the absorbed row.
CREATE FUNCTION cliente_opted_out() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cliente SET aceita_marketing = false WHERE id = NEW.mesclado_em;
    RETURN NULL;
END $$;
CREATE TRIGGER cliente_opted_out AFTER UPDATE OF aceita_marketing ON cliente FOR EACH ROW
    WHEN (NEW.mesclado_em IS NOT NULL AND OLD.aceita_marketing AND NOT NEW.aceita_marketing)
    EXECUTE FUNCTION cliente_opted_out();
"""

OTHER_FORM = """
ALTER TABLE outbox ADD other_wa_id text; -- the number's other form (ninth digit), tried once after 131026
"""

FENCED = """
SELECT wabot_fence_in(fenced::regclass) FROM unnest(ARRAY['identifier', 'cliente_merge']) AS fenced;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        for part in (CLIENTES, IDENTIFIERS, MERGES, OTHER_FORM, FENCED):
            await DB.execute(part)

    manager.add_raw(run)
    return manager
