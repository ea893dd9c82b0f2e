"""The plugin's tables, in a schema of their own. Money is integer centavos."""

from piccolo.columns import Array, BigInt, BigSerial, Boolean, Date, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.table import Table

from wabot import DB


class Campanha(Table, db=DB, schema="reativacao", tablename="campanha"):
    """To whom a chatbot writes, with which template, how many a day, and how that stands."""

    id = BigSerial(primary_key=True)
    chatbot = Integer()
    nome = Text()
    estado = Text(default="rascunho")
    motivo = Text()
    modelo = Text()
    idioma = Text()
    parametros = Array(Text())
    inativo_dias = Integer()
    minimo_pedidos = Integer()
    observacao = Text()
    intervalo_dias = Integer()
    limite_diario = Integer()
    controle = Integer()
    silencio_das = Text()
    silencio_ate = Text()
    mailing = BigInt(null=True, default=None)
    criado_em = Timestamptz(default=TimestamptzNow())
    iniciada_em = Timestamptz(null=True, default=None)
    atualizado_em = Timestamptz(default=TimestamptzNow(), auto_update=TimestamptzNow().python)


class Envio(Table, db=DB, schema="reativacao", tablename="envio"):
    """Somebody a campanha has chosen on a day: to be written to, or for the control group."""

    id = BigSerial(primary_key=True)
    chatbot = Integer()
    campanha = ForeignKey(Campanha)
    dia = Date()
    cliente = BigInt(null=True)
    controle = Boolean()
    outbox = BigInt(null=True)
    em = Timestamptz()
    respondeu_em = Timestamptz(null=True)
    voltou_em = Timestamptz(null=True)
    receita = BigInt()


class Perfil(Table, db=DB, schema="reativacao", tablename="perfil"):
    """What the events have told of a cliente's orders."""

    cliente = BigInt(primary_key=True)
    chatbot = Integer()
    pedidos = Integer()
    ultimo_pedido = Timestamptz()
    total = BigInt()
