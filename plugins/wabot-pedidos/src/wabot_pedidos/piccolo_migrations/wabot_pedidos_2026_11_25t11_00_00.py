"""Of which carts a customer has been reminded."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from wabot import DB

ID = "2026-11-25T11:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "reminders of forgotten carts; orders that nobody moves on"

SQL = """
CREATE TABLE pedidos.lembrete (
    chatbot integer NOT NULL REFERENCES public.chatbot ON DELETE CASCADE,
    carrinho text NOT NULL, -- its codigo; whose it was stands in the conversa, for as long as it is one
    em timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (chatbot, carrinho)
);
CREATE INDEX pedido_waiting ON pedidos.pedido (chatbot, atualizado_em)
    WHERE status NOT IN ('entregue', 'cancelado');
"""


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="wabot_pedidos", description=DESCRIPTION)

    async def run() -> None:
        await DB.execute(SQL)

    manager.add_raw(run)
    return manager
