"""The plugin platform: what was found in each release, how each does on each bot, and the fence between businesses."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-24T12:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "plugin descriptors and health, secrets of bindings, the fence"

PLUGINS = """
-- What a release of a plugin declares, as the probe found it. `release` is a fingerprint of its files.
CREATE TABLE plugin_descriptor (
    plugin text NOT NULL,
    release text NOT NULL,
    descriptor json NOT NULL,
    probed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plugin, release)
);

-- How a plugin does on a bot: written when its breaker opens or closes. What a person wants is in plugin_binding.
CREATE TABLE plugin_health (
    chatbot integer NOT NULL REFERENCES chatbot ON DELETE CASCADE,
    plugin text NOT NULL,
    part text NOT NULL DEFAULT '', -- a job or a sink that fails by itself; empty: what customers talk to
    ok boolean NOT NULL,
    error text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chatbot, plugin, part)
);

ALTER TABLE plugin_binding
    ADD secrets text NOT NULL DEFAULT '',      -- encrypted: the fields of the configuration that are secrets
    ADD version integer NOT NULL DEFAULT 1;    -- of the configuration's shape
"""

# While `wabot.chatbots` is set (in a turn, a job, a request), rows of any other chatbot cannot be written, whatever
# the plugin's code meant to do. Unset, the comparison is null and no trigger fires.
FENCE = """
CREATE FUNCTION wabot_fence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of %.%: rows of another chatbot', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'WB001';
END $$;

CREATE FUNCTION wabot_fence_in(target regclass, owner name DEFAULT 'chatbot') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    foreign_row text := '%1$s.%2$I <> ALL (nullif(current_setting(''wabot.chatbots'', true), '''')::bigint[])';
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER wabot_fence_new BEFORE INSERT OR UPDATE ON %s FOR EACH ROW WHEN ('
        || format(foreign_row, 'NEW', owner) || ') EXECUTE FUNCTION wabot_fence()', target);
    EXECUTE format('CREATE OR REPLACE TRIGGER wabot_fence_old BEFORE UPDATE OR DELETE ON %s FOR EACH ROW WHEN ('
        || format(foreign_row, 'OLD', owner) || ') EXECUTE FUNCTION wabot_fence()', target);
END $$;

SELECT wabot_fence_in('chatbot', 'id');
SELECT wabot_fence_in(fenced::regclass)
FROM unnest(ARRAY['cliente', 'conversa', 'inbox', 'outbox', 'event', 'plugin_binding', 'api_token']) AS fenced;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        for part in (PLUGINS, FENCE):
            await DB.execute(part)

    manager.add_raw(run)
    return manager
