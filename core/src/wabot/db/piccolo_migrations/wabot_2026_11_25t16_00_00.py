"""Which etapa a message led to, for whoever asks later what became of it: `wabot logs show`."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot.db.engine import DB

ID = "2026-11-25T16:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "the etapa a message led to"

LED_TO = """
ALTER TABLE inbox ADD etapa text NOT NULL DEFAULT ''; -- with its flow: pedidos.confirmar_pedido
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(LED_TO)

    manager.add_raw(run)
    return manager
