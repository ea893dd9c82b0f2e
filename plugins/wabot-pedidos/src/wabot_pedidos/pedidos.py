"""Writing an order down: number, lines and stock, together or not at all, in the transaction of the turn."""

from collections.abc import Sequence

import msgspec

from wabot import DB
from wabot_pedidos.carrinho import Item, total

# Locks the rows in the order of their ids, so that two customers who want the same products cannot wait for each
# other; says which of them cannot be had.
FALTAM = """
WITH wanted AS (SELECT * FROM unnest($2::bigint[], $3::int[]) AS wanted (produto, quantidade)),
locked AS (SELECT id, categoria, disponivel, estoque FROM pedidos.produto
           WHERE chatbot = $1 AND id = ANY($2) ORDER BY id FOR UPDATE)
SELECT produto FROM wanted LEFT JOIN locked ON locked.id = produto
    LEFT JOIN pedidos.categoria c ON c.id = locked.categoria
WHERE c.id IS NULL OR NOT c.ativo OR NOT disponivel OR estoque < quantidade
"""

# In the same order as FALTAM, for the same reason.
TRANCAR = """
SELECT FROM pedidos.produto WHERE id IN (SELECT produto FROM pedidos.item WHERE pedido = ANY($1)) ORDER BY id
FOR UPDATE
"""

DEVOLVER_AO_ESTOQUE = """
UPDATE pedidos.produto SET estoque = estoque + quantidade
FROM (SELECT produto, sum(quantidade)::int AS quantidade FROM pedidos.item WHERE pedido = ANY($1) GROUP BY produto)
    AS item
WHERE produto.id = item.produto AND chatbot = $2 AND estoque IS NOT NULL
"""

TIRAR_DO_ESTOQUE = """
UPDATE pedidos.produto SET estoque = estoque - quantidade
FROM unnest($2::bigint[], $3::int[]) AS wanted (produto, quantidade)
WHERE chatbot = $1 AND produto.id = wanted.produto AND estoque IS NOT NULL
"""

NUMERAR = """
INSERT INTO pedidos.numeracao (chatbot, ultimo) VALUES ($1, 1)
ON CONFLICT (chatbot) DO UPDATE SET ultimo = numeracao.ultimo + 1 RETURNING ultimo
"""

ANOTAR = """
WITH anotado AS (
    INSERT INTO pedidos.pedido (chatbot, cliente, numero, status, total, observacoes)
    VALUES ($1, $2, $3, 'confirmado', $4, $5) RETURNING id
), itens AS (
    INSERT INTO pedidos.item (pedido, produto, nome, preco, quantidade)
    SELECT anotado.id, i.* FROM anotado, unnest($6::bigint[], $7::text[], $8::int[], $9::int[]) AS i
)
SELECT id FROM anotado
"""


class SemEstoque(Exception):
    """Something ordered cannot be had any more; nothing was written. `produtos` are the ids."""

    def __init__(self, produtos: Sequence[int]) -> None:
        super().__init__(f"out of stock: {list(produtos)}")
        self.produtos = list(produtos)


class Confirmado(msgspec.Struct, frozen=True):
    id: int
    numero: int
    total: int


class Pedidos:
    """Orders in the database."""

    async def confirmar(
        self, bot: int, cliente: int, itens: Sequence[Item], observacoes: str = ""
    ) -> Confirmado:
        """Write a confirmed order at the items' prices and take its stock. Raises SemEstoque, with nothing written."""
        produtos = [item.produto for item in itens]
        quantidades = [item.quantidade for item in itens]
        async with DB.transaction():
            if faltam := await DB.fetch(FALTAM, bot, produtos, quantidades):
                raise SemEstoque([row["produto"] for row in faltam])
            await DB.execute(TIRAR_DO_ESTOQUE, bot, produtos, quantidades)
            numero = await DB.fetchval(NUMERAR, bot)
            colunas = (produtos, [i.nome for i in itens], [i.preco for i in itens], quantidades)
            pedido = await DB.fetchval(ANOTAR, bot, cliente, numero, total(itens), observacoes, *colunas)
        return Confirmado(pedido, numero, total(itens))

    async def devolver(self, bot: int, pedidos: Sequence[int]) -> None:
        """Put the products of cancelled orders back on the shelf."""
        await DB.execute(TRANCAR, pedidos)
        await DB.execute(DEVOLVER_AO_ESTOQUE, pedidos, bot)
