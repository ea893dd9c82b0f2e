"""Finding a bot's orders of one day."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot import DB

ID = "2026-11-25T08:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "orders by day"

INDEX = "CREATE INDEX pedido_of_day ON pedidos.pedido (chatbot, criado_em)"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot_pedidos", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(INDEX)

    manager.add_raw(run)
    return manager
