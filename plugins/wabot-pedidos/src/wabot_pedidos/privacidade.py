"""What an order tells about a person (LGPD): handed over, or erased, when the person asks."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wabot import DB

EXPORTAR = """
SELECT numero, status, total, observacoes, criado_em::text,
    (SELECT json_agg(json_build_object('produto', nome, 'preco', preco, 'quantidade', quantidade) ORDER BY id)
     FROM pedidos.item WHERE pedido = pedido.id) AS itens
FROM pedidos.pedido WHERE chatbot = $1 AND cliente = $2 ORDER BY numero
"""

# The order itself stays: the shop's books need it. Whose it was and what they wrote goes.
APAGAR = """
WITH apagado AS (
    UPDATE pedidos.pedido SET cliente = NULL, observacoes = '' WHERE chatbot = $1 AND cliente = $2 RETURNING 1
)
SELECT count(*) FROM apagado
"""


async def exportar(chatbot: int, cliente: int) -> Mapping[str, Any]:
    """All orders of a cliente, with their lines."""
    rows = [dict(row) for row in await DB.fetch(EXPORTAR, chatbot, cliente)]
    return {"pedidos": [row | {"itens": msgspec.json.decode(row["itens"] or "[]")} for row in rows]}


async def apagar(chatbot: int, cliente: int) -> int:
    """How many orders are nobody's now: number, date, items and total stay."""
    return int(await DB.fetchval(APAGAR, chatbot, cliente))
