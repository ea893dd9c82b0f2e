"""Limits of what goes out: numbers that are on hold, their pace, and the pace of each pair."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T01:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "holds and pace of numbers, pace of pairs, the flow a reply belongs to"

HOLDS = """
-- Since when the number's credentials are what they are: a refusal of earlier ones says nothing of these.
ALTER TABLE chatbot ADD credentials_at timestamptz NOT NULL DEFAULT now();

-- A number that Meta refuses until somebody mends something. While the row stands, nothing of it is claimed, but for
-- one message whenever `next_try` has come.
CREATE TABLE number_hold (
    chatbot integer PRIMARY KEY REFERENCES chatbot ON DELETE CASCADE,
    code integer,             -- Meta's
    reason text NOT NULL,     -- what the operator reads
    since timestamptz NOT NULL DEFAULT now(),
    next_try timestamptz NOT NULL
);
SELECT wabot_fence_in('number_hold');

-- A person has changed the credentials, by whatever means: whatever was wrong with them is wrong no more.
CREATE FUNCTION chatbot_mended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.credentials_at := clock_timestamp();
    DELETE FROM number_hold WHERE chatbot = NEW.id;
    RETURN NEW;
END $$;
CREATE TRIGGER chatbot_mended BEFORE UPDATE ON chatbot FOR EACH ROW
    WHEN ((NEW.phone_number_id, NEW.business_account_id, NEW.access_token)
        IS DISTINCT FROM (OLD.phone_number_id, OLD.business_account_id, OLD.access_token))
    EXECUTE FUNCTION chatbot_mended();
"""

PACE = """
ALTER TABLE chatbot ADD throughput integer NOT NULL DEFAULT 80 -- messages a second Meta takes of the number
    CHECK (throughput BETWEEN 5 AND 1000);

-- How fast a number may send, shared by all workers: every chatbot has a row, whoever made the chatbot. It is updated
-- in place many times a second, so nothing in it is indexed and pages keep room for the next version.
CREATE TABLE number_pace (
    chatbot integer PRIMARY KEY REFERENCES chatbot ON DELETE CASCADE,
    bulk_at timestamptz,      -- when the next bulk message may go
    rate double precision,    -- messages a second, while Meta has refused some for going faster; null: no limit
    next_at timestamptz,      -- when the next message of any kind may go, while there is a rate
    changed_at timestamptz    -- when the rate last changed
) WITH (fillfactor = 20, autovacuum_vacuum_cost_delay = 0);
SELECT wabot_fence_in('number_pace');
INSERT INTO number_pace (chatbot) SELECT id FROM chatbot;

CREATE FUNCTION give_pace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO number_pace (chatbot) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER chatbot_has_pace AFTER INSERT ON chatbot FOR EACH ROW EXECUTE FUNCTION give_pace();

-- When what has been written to a customer would all have gone, at one message every six seconds.
ALTER TABLE conversa ADD pair_at timestamptz;
"""

# Bulk messages are claimed number by number, and the few that are being sent are looked for every second: neither
# may read through a whole campaign.
OUTBOX = """
ALTER TABLE outbox ADD flow text NOT NULL DEFAULT ''; -- which wrote it
DROP INDEX outbox_bulk;
CREATE INDEX outbox_bulk_waiting ON outbox (chatbot, id) WHERE bulk AND state = 'pendente';
CREATE INDEX outbox_bulk_sending ON outbox (sending_at) WHERE bulk AND state = 'enviando';
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        for part in (HOLDS, PACE, OUTBOX):
            await DB.execute(part)

    manager.add_raw(run)
    return manager
