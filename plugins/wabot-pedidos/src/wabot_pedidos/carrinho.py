"""What the customer has chosen so far. Pure: it knows prices and stock only as it is told."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence

import msgspec

from wabot import reais
from wabot_pedidos import texts
from wabot_pedidos.cardapio import Produto

LONG = 1500
"""Characters of a summary from which the receipt leaves it out; WhatsApp takes 4096, an emoji counting as two."""


class Item(msgspec.Struct, frozen=True):
    """A line of the cart, with the price (in centavos) that the customer was shown."""

    produto: int
    nome: str
    preco: int
    quantidade: int

    @property
    def subtotal(self) -> int:
        return self.preco * self.quantidade


class Carrinho(msgspec.Struct):
    """The flow's state: what is being chosen, and what has been."""

    categoria: int = 0
    produto: int = 0
    itens: list[Item] = []
    codigo: str = ""
    """Tells this cart from every other, since its first item: of each one the customer is reminded once."""

    @property
    def total(self) -> int:
        return total(self.itens)

    def quantidade_de(self, produto: int) -> int:
        return sum(item.quantidade for item in self.itens if item.produto == produto)

    def add(self, produto: Produto, quantidade: int) -> None:
        """Put something in; the same product again makes one line of both, at today's price."""
        quantidade += self.quantidade_de(produto.id)
        outros = [item for item in self.itens if item.produto != produto.id]
        self.itens = [*outros, Item(produto.id, produto.nome, produto.preco, quantidade)]
        self.codigo = self.codigo or secrets.token_hex(8)


class Revisado(msgspec.Struct, frozen=True):
    """A cart held against today's menu: what it is now, and what changed, in words."""

    itens: list[Item]
    avisos: list[str]


def total(itens: Sequence[Item]) -> int:
    return sum(item.subtotal for item in itens)


def revisar(itens: Sequence[Item], cardapio: Mapping[int, Produto]) -> Revisado:
    """The items as they can be ordered now. Nobody is charged a price they did not see: `avisos` tells each change."""
    agora, avisos = [], []
    for item in itens:
        produto = cardapio.get(item.produto)
        if produto is None or produto.estoque == 0:
            avisos.append(texts.SAIU_DO_CARDAPIO.format(produto=item.nome))
            continue
        quantidade = item.quantidade
        if produto.estoque is not None and quantidade > produto.estoque:
            quantidade = produto.estoque
            avisos.append(texts.MUDOU_QUANTIDADE.format(restam=quantidade, produto=item.nome))
        if produto.preco != item.preco:
            antes, depois = reais(item.preco), reais(produto.preco)
            avisos.append(texts.MUDOU_PRECO.format(produto=item.nome, antes=antes, agora=depois))
        agora.append(Item(item.produto, produto.nome, produto.preco, quantidade))
    return Revisado(agora, avisos)


def impressao(itens: Sequence[Item]) -> str:
    """A fingerprint of exactly these items at these prices: part of the Confirmar button's key."""
    return hashlib.sha256(msgspec.json.encode(itens)).hexdigest()[:12]


def resumo(itens: Sequence[Item]) -> str:
    return "\n".join([*map(_linha, itens), _linha_do_total(itens)])


def recibo(numero: int, itens: Sequence[Item], despedida: str) -> str:
    """The last message of an order. Of a long one it repeats only the total, so that it stays one message."""
    pedido = resumo(itens)
    if len(pedido) > LONG:
        pedido = _linha_do_total(itens)
    return "\n\n".join([texts.CONFIRMADO.format(numero=numero), pedido, despedida])


def _linha(item: Item) -> str:
    return texts.LINHA.format(quantidade=item.quantidade, produto=item.nome, subtotal=reais(item.subtotal))


def _linha_do_total(itens: Sequence[Item]) -> str:
    return texts.TOTAL.format(total=reais(total(itens)))
