"""The plugin's tables, in a schema of their own. Prices and totals are integer centavos."""

from piccolo.columns import BigInt, BigSerial, Boolean, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from wabot import DB


class Categoria(Table, db=DB, schema="pedidos", tablename="categoria"):
    id = BigSerial(primary_key=True)
    chatbot = Integer()
    nome = Text()
    descricao = Text()
    ordem = Integer()
    ativo = Boolean(default=True)


class Produto(Table, db=DB, schema="pedidos", tablename="produto"):
    id = BigSerial(primary_key=True)
    chatbot = Integer()
    categoria = ForeignKey(Categoria)
    nome = Text()
    descricao = Text()
    preco = Integer()
    disponivel = Boolean(default=True)
    estoque = Integer(null=True, default=None)
    imagem_url = Text()


class Pedido(Table, db=DB, schema="pedidos", tablename="pedido"):
    id = BigSerial(primary_key=True)
    chatbot = Integer()
    cliente = BigInt()
    numero = Integer()
    status = Text()
    total = BigInt()
    observacoes = Text()
    criado_em = Timestamptz(default=TimestamptzNow())
    atualizado_em = Timestamptz(default=TimestamptzNow(), auto_update=TimestamptzNow().python)


class ItemPedido(Table, db=DB, schema="pedidos", tablename="item"):
    """A line as it was ordered: it keeps its name and price when the product changes or goes."""

    id = BigSerial(primary_key=True)
    pedido = ForeignKey(Pedido)
    produto = BigInt()
    nome = Text()
    preco = Integer()
    quantidade = Integer()
