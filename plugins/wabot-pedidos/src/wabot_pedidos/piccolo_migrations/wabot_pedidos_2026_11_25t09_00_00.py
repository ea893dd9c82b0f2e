"""Orders outlive a person who is erased: without them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot import DB

ID = "2026-11-25T09:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "an order whose cliente was erased"

SQL = """
ALTER TABLE pedidos.pedido ALTER cliente DROP NOT NULL; -- null: the person was erased
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot_pedidos", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(SQL)

    manager.add_raw(run)
    return manager
