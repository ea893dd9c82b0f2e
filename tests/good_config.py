"""A plugin whose configuration has one field of every kind, for the tests of forms."""

CONFIGURAVEL = '''
"""Vitrine: mostra um campo de cada tipo. Serve para testes."""
import enum
from datetime import date, time
from typing import Annotated, Literal
import msgspec
from msgspec import Meta
from wabot import Ask, End, Flow, Horario, Reais, Secret, hookimpl

class Entrega(enum.Enum):
    RETIRADA = "Retirada no balcão"
    MOTO = "Moto"

class Bairro(msgspec.Struct, frozen=True):
    nome: Annotated[str, Meta(title="Bairro", min_length=1, max_length=40)] = ""
    taxa: Annotated[Reais, Meta(title="Taxa", ge=0, le=10000)] = 0

class Config(msgspec.Struct, frozen=True):
    nome: Annotated[str, Meta(title="Nome", description="Como a loja se apresenta.", max_length=30)] = "Loja"
    aviso: Annotated[str, Meta(title="Aviso", max_length=500)] = ""
    chave: Annotated[Secret, Meta(title="Chave do mapa")] = ""
    pratos: Annotated[int, Meta(title="Pratos por pedido", ge=1, le=99)] = 10
    nota: Annotated[float, Meta(title="Nota mínima", ge=0, le=5)] = 4.5
    frete: Annotated[Reais, Meta(title="Frete", description="Por entrega.", ge=0, le=10000)] = 590
    aberta: Annotated[bool, Meta(title="Aberta")] = True
    entrega: Annotated[Entrega, Meta(title="Entrega")] = Entrega.MOTO
    dias: Annotated[list[Literal["seg", "ter", "qua"]], Meta(title="Dias")] = []
    corte: Annotated[time, Meta(title="Último pedido")] = time(22, 30)
    feriado: Annotated[date | None, Meta(title="Próximo feriado")] = None
    horario: Annotated[Horario, Meta(title="Funcionamento")] = Horario()
    bairros: Annotated[list[Bairro], Meta(title="Bairros", max_length=3)] = []
    extra: Annotated[dict[str, int], Meta(title="Extra")] = {}

class Nada(msgspec.Struct):
    pass

vitrine = Flow("vitrine", data=Nada, title="Vitrine", keywords=["vitrine"])

@vitrine.etapa
async def inicio(ctx):
    return Ask(f"Aqui é {ctx.config.nome}. Diga.", check=str, then=lambda words: End("Até logo."))

@hookimpl
def wabot_config():
    return Config

@hookimpl
def wabot_flows():
    return [vitrine]
'''
