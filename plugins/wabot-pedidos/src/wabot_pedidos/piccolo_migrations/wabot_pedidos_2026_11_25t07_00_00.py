"""A shop's books outlive a click on delete; and lists that stay fast when they are long."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot import DB

ID = "2026-11-25T07:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "a cliente with orders is not deleted; indices for lists"

SQL = """
ALTER TABLE pedidos.pedido DROP CONSTRAINT pedido_cliente_fkey,
    ADD CONSTRAINT pedido_cliente_fkey FOREIGN KEY (cliente) REFERENCES public.cliente;

CREATE INDEX pedido_of_bot ON pedidos.pedido (chatbot, id);
CREATE INDEX pedido_by_status ON pedidos.pedido (chatbot, status, id);
CREATE INDEX produto_by_id ON pedidos.produto (chatbot, id);
DROP INDEX pedidos.produto_of_bot;
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot_pedidos", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(SQL)

    manager.add_raw(run)
    return manager
