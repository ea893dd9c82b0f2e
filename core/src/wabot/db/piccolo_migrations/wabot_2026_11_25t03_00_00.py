"""What Meta tells beside messages: notices that are acted on, templates, the standing of numbers, consent, prices."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T03:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "notices with a state, templates, number_state, the consent ledger, prices as columns"

# A few a day come, and one at a time is applied: no storage settings. Those that came before this release wait too,
# since nobody has acted on a customer's "stop" among them yet.
NOTICES = """
ALTER TABLE notice
    ADD state text NOT NULL DEFAULT 'pendente' CHECK (state IN ('pendente', 'tratada', 'ignorada')),
    ADD at timestamptz,       -- Meta's own time, where it tells one
    ADD tries integer NOT NULL DEFAULT 0,
    ADD retry_at timestamptz,
    ADD error text NOT NULL DEFAULT '',
    ADD done_at timestamptz;
CREATE INDEX notice_waiting ON notice (coalesce(at, received_at), id) WHERE state = 'pendente';

-- One of an account that several chatbots share was kept once, without a chatbot. It concerns each of them.
INSERT INTO notice (chatbot, business_account_id, field, raw, digest, received_at)
SELECT chatbot.id, notice.business_account_id, field, raw, sha256(digest || chatbot.id::text::bytea), received_at
FROM notice JOIN chatbot USING (business_account_id) WHERE notice.chatbot IS NULL;
UPDATE notice SET state = 'ignorada', done_at = now() WHERE chatbot IS NULL;
"""

TEMPLATES = """
CREATE TABLE template (
    chatbot integer NOT NULL REFERENCES chatbot ON DELETE CASCADE,
    name text NOT NULL,
    language text NOT NULL,   -- pt_BR, however Meta spelled it
    meta_id text NOT NULL DEFAULT '',
    category text NOT NULL DEFAULT '',
    next_category text NOT NULL DEFAULT '', -- what Meta says it should be, or will make it
    status text NOT NULL DEFAULT '',  -- Meta's word; empty: never told
    reason text NOT NULL DEFAULT '',
    until timestamptz,        -- when a status ends by itself: a pause
    quality text NOT NULL DEFAULT '',
    components json,
    parameters integer,       -- placeholders of the body; null: not known
    -- when Meta said so, of each of these: what arrives late changes nothing
    status_at timestamptz,
    quality_at timestamptz,
    category_at timestamptz,
    components_at timestamptz,
    PRIMARY KEY (chatbot, name, language)
);
SELECT wabot_fence_in('template');
"""

NUMBERS = """
-- What Meta last said of each chatbot's number and account: its quality, its limit, a ban…
CREATE TABLE number_state (
    chatbot integer NOT NULL REFERENCES chatbot ON DELETE CASCADE,
    fact text NOT NULL,
    value text NOT NULL,      -- Meta's word
    detail text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    until timestamptz,        -- when it ends by itself
    PRIMARY KEY (chatbot, fact)
);
SELECT wabot_fence_in('number_state');
"""

CONSENT = """
-- Who agreed to marketing or withdrew, when, how and in which words. Written once, never changed: it is the proof.
CREATE TABLE consent (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chatbot integer NOT NULL,
    cliente bigint NOT NULL REFERENCES cliente ON DELETE CASCADE,
    accepts boolean NOT NULL,
    who text NOT NULL,
    how text NOT NULL,
    wording text NOT NULL DEFAULT '',
    source text NOT NULL DEFAULT '', -- a wamid, a notice, a message of ours: told again, it counts once
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX consent_of ON consent (cliente, at);
CREATE UNIQUE INDEX consent_source ON consent (cliente, source) WHERE source <> '';
SELECT wabot_fence_in('consent');

-- A row goes only together with its cliente, who is then gone already.
CREATE FUNCTION consent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM cliente WHERE id = OLD.cliente) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'consent is append-only: % refused', TG_OP USING ERRCODE = 'WB002';
END $$;
CREATE TRIGGER consent_stays BEFORE UPDATE OR DELETE ON consent FOR EACH ROW EXECUTE FUNCTION consent_stays();

-- What was said last decides, not what arrived last. The lock comes first, in a statement of its own: the second of
-- two at once then sees the first one's row.
CREATE FUNCTION consent_decides() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last boolean;
BEGIN
    PERFORM FROM cliente WHERE id = NEW.cliente FOR NO KEY UPDATE;
    SELECT accepts INTO last FROM consent WHERE cliente = NEW.cliente ORDER BY at DESC, id DESC LIMIT 1;
    UPDATE cliente SET aceita_marketing = last, atualizado_em = now()
    WHERE id = NEW.cliente AND aceita_marketing <> last;
    RETURN NULL;
END $$;
CREATE TRIGGER consent_decides AFTER INSERT ON consent FOR EACH ROW EXECUTE FUNCTION consent_decides();
"""

# Worked out when a status is applied, so that no report has to open the JSON.
PRICES = """
ALTER TABLE outbox
    ADD priced text NOT NULL DEFAULT '',  -- the status that told the price
    ADD price_category text GENERATED ALWAYS AS (pricing ->> 'category') STORED,
    ADD price_type text GENERATED ALWAYS AS (pricing ->> 'type') STORED,
    ADD price_model text GENERATED ALWAYS AS (pricing ->> 'model') STORED,
    ADD billable boolean GENERATED ALWAYS AS ((pricing ->> 'billable')::boolean) STORED;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        for part in (NOTICES, TEMPLATES, NUMBERS, CONSENT, PRICES):
            await DB.execute(part)

    manager.add_raw(run)
    return manager
