"""The plugin's tables, in a schema of their own."""

from piccolo.columns import Array, BigInt, Date, Integer, Text, Timestamptz
from piccolo.table import Table

from wabot import DB


class Contagem(Table, db=DB, schema="metricas", tablename="contagem"):
    """The roll-up: how much of a measure, in an hour, at a place."""

    chatbot = Integer()
    medida = Text()
    hora = Timestamptz()
    flow = Text()
    etapa = Text()
    classe = Text()
    total = BigInt()


class Presenca(Table, db=DB, schema="metricas", tablename="presenca"):
    """Who has been counted as active on a day."""

    chatbot = Integer()
    dia = Date()
    cliente = BigInt()


class Percurso(Table, db=DB, schema="metricas", tablename="percurso"):
    """How far a conversation has come on its way through a flow."""

    chatbot = Integer()
    conversa = BigInt()
    hora = Timestamptz()
    flow = Text()
    etapa = Text()
    etapas = Array(Text())
