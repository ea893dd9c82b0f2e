"""Writing an order down: number, lines and stock, together or not at all, in one statement of the turn."""

from collections.abc import Sequence

import msgspec

from wabot import DB
from wabot_pedidos.carrinho import Item, total

# All of it or, if one of the products cannot be had (`faltam`), nothing. Locks the products in the order of their ids,
# so that two customers who want the same ones cannot wait for each other.
CONFIRMAR = """
WITH wanted AS (
    SELECT * FROM unnest($3::bigint[], $4::text[], $5::int[], $6::int[]) WITH ORDINALITY
        AS wanted (produto, nome, preco, quantidade, nth)
), locked AS MATERIALIZED (
    SELECT id, categoria, disponivel, estoque FROM pedidos.produto
    WHERE chatbot = $1 AND id = ANY ($3) ORDER BY id FOR UPDATE
), faltam AS MATERIALIZED (
    SELECT produto FROM wanted LEFT JOIN locked ON locked.id = produto
        LEFT JOIN pedidos.categoria c ON c.id = locked.categoria
    WHERE c.id IS NULL OR NOT c.ativo OR NOT disponivel OR estoque < quantidade
), tirado AS (
    UPDATE pedidos.produto SET estoque = produto.estoque - quantidade FROM wanted
    WHERE chatbot = $1 AND produto.id = wanted.produto AND estoque IS NOT NULL AND NOT EXISTS (SELECT FROM faltam)
), numerado AS (
    INSERT INTO pedidos.numeracao (chatbot, ultimo) SELECT $1, 1 WHERE NOT EXISTS (SELECT FROM faltam)
    ON CONFLICT (chatbot) DO UPDATE SET ultimo = numeracao.ultimo + 1 RETURNING ultimo
), anotado AS (
    INSERT INTO pedidos.pedido (chatbot, cliente, numero, status, total, observacoes)
    SELECT $1, $2, ultimo, 'confirmado', $7, $8 FROM numerado RETURNING id, numero
), itens AS (
    INSERT INTO pedidos.item (pedido, produto, nome, preco, quantidade)
    SELECT anotado.id, produto, nome, preco, quantidade FROM anotado, wanted ORDER BY nth
)
SELECT ARRAY (SELECT produto FROM faltam) AS faltam, id, numero FROM (SELECT) AS one LEFT JOIN anotado ON true
"""

# In the same order as CONFIRMAR, for the same reason.
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
        linhas = [(item.produto, item.nome, item.preco, item.quantidade) for item in itens]
        colunas = [list(coluna) for coluna in zip(*linhas, strict=True)]
        feito = await DB.fetchrow(CONFIRMAR, bot, cliente, *colunas, total(itens), observacoes)
        if feito["faltam"]:
            raise SemEstoque(feito["faltam"])
        return Confirmado(feito["id"], feito["numero"], total(itens))

    async def devolver(self, bot: int, pedidos: Sequence[int]) -> None:
        """Put the products of cancelled orders back on the shelf."""
        await DB.execute(TRANCAR, pedidos)
        await DB.execute(DEVOLVER_AO_ESTOQUE, pedidos, bot)
