"""The bot under test: it counts its turns, says what it heard, and writes one row of its own for each."""

CADERNO = '''
"""Caderno: conta os turnos e repete o que ouviu."""
import msgspec
from wabot import DB, Ask, Flow, Go, hookimpl

class Folha(msgspec.Struct):
    turno: int = 0
    ouvi: str = "oi"

caderno = Flow("caderno", data=Folha)

@caderno.etapa
async def ouvir(ctx):
    async def then(words):
        ctx.data.turno += 1
        ctx.data.ouvi = words
        await DB.execute("INSERT INTO linha (chatbot, words) VALUES ($1, $2)", ctx.bot.id, words)
        ctx.event("caderno.ouviu", turno=ctx.data.turno)
        return Go(ouvir)

    long = ctx.data.turno % 3 == 2  # then picture and words travel apart: two messages, in this order
    code = "turno={}&parte={}/{}&ouvi={}"
    parts = 2 if long else 1
    text = code.format(ctx.data.turno, parts, parts, ctx.data.ouvi) + " palavras" * 120 * long
    first = code.format(ctx.data.turno, 1, parts, ctx.data.ouvi)
    return Ask(text, check=str, then=then, image=f"https://loja.example/{first}" if long else "")

@hookimpl
def wabot_flows():
    return [caderno]
'''
"""Its answers carry the number of the turn, their place in it, and what is answered: see judge.heard."""

TABLE = """
CREATE TABLE linha (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, chatbot integer NOT NULL, words text NOT NULL)
"""
