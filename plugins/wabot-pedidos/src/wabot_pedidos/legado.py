"""What becomes of the old system's menu and orders: the entry point that `wabot import-legacy` calls.

The old menu belonged to nobody; here each chatbot that takes orders gets a copy of it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from wabot import DB, Legacy, LegacyKind, Unfit

ITENS = """
SELECT item.id, item.pedido_id, item.produto_id, item.quantidade, item.preco_unitario, produto.nome
FROM pedidos_itempedido item JOIN pedidos_produto produto ON produto.id = item.produto_id
WHERE item.pedido_id = $1 ORDER BY item.id
"""
STATUS = ("rascunho", "confirmado", "em_preparo", "saiu_para_entrega", "entregue", "cancelado")

CATEGORIA = """
INSERT INTO pedidos.categoria (chatbot, nome, descricao, ordem, ativo) VALUES ($1, $2, $3, $4, $5) RETURNING id
"""
PRODUTO = """
INSERT INTO pedidos.produto (chatbot, categoria, nome, descricao, preco, disponivel, estoque, imagem_url)
SELECT $1, id, $3, $4, $5, $6, $7, $8 FROM pedidos.categoria WHERE id = $2 AND chatbot = $1 RETURNING id
"""
PEDIDO = """
INSERT INTO pedidos.pedido (chatbot, cliente, numero, status, total, observacoes, criado_em, atualizado_em)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (chatbot, numero) DO NOTHING RETURNING id
"""
ITEM = "INSERT INTO pedidos.item (pedido, produto, nome, preco, quantidade) VALUES ($1, $2, $3, $4, $5)"
NUMERACAO = """
INSERT INTO pedidos.numeracao (chatbot, ultimo) VALUES ($1, $2)
ON CONFLICT (chatbot) DO UPDATE SET ultimo = greatest(numeracao.ultimo, excluded.ultimo)
"""


class Antigo(NamedTuple):
    """An order as the old system has it, but for its lines."""

    id: int
    cliente: int
    numero: int
    status: str
    total: int
    observacoes: str
    criado_em: datetime


def kinds(old: Legacy) -> list[LegacyKind]:
    """In the order in which each finds here what it depends on."""
    return [_categorias(old), _produtos(old), _pedidos(old)]


def _categorias(old: Legacy) -> LegacyKind:
    def read(row: dict[str, Any], _: int) -> tuple[Any, ...]:
        ativa = row.get("ativa", row.get("ativo", True))
        return (
            _nome(old, row),
            old.words(row.get("descricao"), 1000),
            int(row.get("ordem") or 0),
            bool(ativa),
        )

    return LegacyKind(
        name="categoria", table="pedidos_categoria", chatbots=_menus(old), read=read, write=_adding(CATEGORIA)
    )


def _produtos(old: Legacy) -> LegacyKind:
    def read(row: dict[str, Any], chatbot: int) -> tuple[Any, ...]:
        return (
            old.new("categoria", row["categoria_id"], chatbot),
            _nome(old, row),
            old.words(row.get("descricao"), 1000),
            old.centavos(row["preco"]),
            bool(row.get("disponivel", row.get("ativo", True))),
            _contagem(row["estoque"]) if row.get("estoque") is not None else None,
            old.words(row.get("imagem_url"), 2000),
        )

    return LegacyKind(
        name="produto", table="pedidos_produto", chatbots=_menus(old), read=read, write=_adding(PRODUTO)
    )


def _pedidos(old: Legacy) -> LegacyKind:
    def read(row: dict[str, Any], chatbot: int) -> Antigo:
        if row["status"] not in STATUS:
            raise Unfit(f"o status {row['status']!r} não existe aqui")
        return Antigo(
            row["id"],
            old.new("cliente", row["cliente_id"], chatbot),
            int(row.get("numero") or row["id"]),  # what the customer was told
            row["status"],
            old.centavos(row["total"]),
            old.words(row.get("observacoes"), 1000),
            old.moment(row["criado_em"]),
        )

    async def write(items: Sequence[tuple[int, Antigo]]) -> list[int | Unfit]:
        return [await _anotar(old, chatbot, pedido) for chatbot, pedido in items]

    return LegacyKind(
        name="pedido",
        table="pedidos_pedido",
        chatbots=lambda row: [old.chatbot(row["chatbot_id"])],
        read=read,
        write=write,
    )


async def _anotar(old: Legacy, chatbot: int, pedido: Antigo) -> int | Unfit:
    """The order with its lines, or neither."""
    try:
        itens = [
            (
                old.new("produto", row["produto_id"], chatbot),
                old.words(row["nome"], 200),
                old.centavos(row["preco_unitario"]),
                _contagem(row["quantidade"], least=1),
            )
            for row in await old.source.fetch(ITENS, pedido.id)
        ]
    except Unfit as why:
        return why
    novo = await DB.fetchval(PEDIDO, chatbot, *pedido[1:])
    if novo is None:
        return Unfit(f"já há aqui um pedido de número {pedido.numero}")
    for item in itens:
        await DB.execute(ITEM, novo, *item)
    await DB.execute(NUMERACAO, chatbot, pedido.numero)
    return int(novo)


def _menus(old: Legacy) -> Any:
    """For whom an old row of the menu is."""

    def chatbots(row: dict[str, Any]) -> Iterable[int]:
        return [old.chatbot(row["chatbot_id"])] if row.get("chatbot_id") else old.served_by("pedidos")

    return chatbots


def _adding(sql: str) -> Any:
    async def write(items: Sequence[tuple[int, tuple[Any, ...]]]) -> list[int | Unfit]:
        return [
            await DB.fetchval(sql, chatbot, *values) or Unfit("a sua categoria foi apagada aqui")
            for chatbot, values in items
        ]

    return write


def _contagem(value: Any, least: int = 0) -> int:
    if not isinstance(value, int) or not least <= value < 2**31:
        raise Unfit(f"a quantidade {value} não serve")
    return value


def _nome(old: Legacy, row: dict[str, Any]) -> str:
    if nome := old.words(row.get("nome"), 200):
        return nome
    raise Unfit("não tem nome")
