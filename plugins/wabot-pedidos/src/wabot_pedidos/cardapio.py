"""What there is to order now: the flow's questions to the catalogue, one query each."""

from collections.abc import Sequence

import msgspec

from wabot import DB, Option, reais

CATEGORIAS = """
SELECT id, nome, descricao FROM pedidos.categoria c
WHERE chatbot = $1 AND ativo AND EXISTS (
    SELECT FROM pedidos.produto p WHERE p.categoria = c.id AND p.disponivel AND p.estoque IS DISTINCT FROM 0)
ORDER BY ordem, nome, id
"""

PRODUTOS = """
SELECT p.id, p.nome, p.descricao, p.preco, p.estoque, p.imagem_url
FROM pedidos.produto p JOIN pedidos.categoria c ON c.id = p.categoria AND c.ativo
WHERE p.chatbot = $1 AND p.disponivel AND p.estoque IS DISTINCT FROM 0
"""
DA_CATEGORIA = PRODUTOS + " AND ($2 = 0 OR p.categoria = $2) ORDER BY c.ordem, c.nome, p.nome, p.id"
POR_ID = PRODUTOS + " AND p.id = ANY($2)"


class Categoria(msgspec.Struct, frozen=True):
    id: int
    nome: str
    descricao: str = ""

    def option(self) -> Option:
        return Option(str(self.id), self.nome, self.descricao)


class Produto(msgspec.Struct, frozen=True):
    """A product that can be ordered now. `preco` in centavos; `estoque` None: not counted."""

    id: int
    nome: str
    preco: int
    descricao: str = ""
    estoque: int | None = None
    imagem_url: str = ""

    def option(self) -> Option:
        return Option(str(self.id), self.nome, " · ".join(filter(None, [reais(self.preco), self.descricao])))


class Cardapio:
    """The catalogue in the database. Only what is active, available and in stock."""

    async def categorias(self, bot: int) -> Sequence[Categoria]:
        """Categories that have something to order, as the shop sorts them."""
        return [Categoria(**row) for row in await DB.fetch_once(CATEGORIAS, bot)]

    async def produtos(self, bot: int, categoria: int) -> Sequence[Produto]:
        """The products of a category; of all of them for 0."""
        return [Produto(**row) for row in await DB.fetch_once(DA_CATEGORIA, bot, categoria)]

    async def por_id(self, bot: int, ids: Sequence[int]) -> dict[int, Produto]:
        return {row["id"]: Produto(**row) for row in await DB.fetch_once(POR_ID, bot, tuple(ids))}

    async def produto(self, bot: int, produto: int) -> Produto | None:
        return (await self.por_id(bot, [produto])).get(produto)
