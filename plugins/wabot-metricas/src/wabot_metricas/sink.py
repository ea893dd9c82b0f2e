"""The sink: brings the roll-up forward by a batch of a bot's events, in the transaction that moves its checkpoint."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from wabot import DB, BotContext, Recorded
from wabot_metricas.contagem import Contagem, Percurso
from wabot_metricas.eventos import Evento

log = logging.getLogger(__name__)

PRESENCA_KEPT = timedelta(days=7)
"""A day is over after a day; a sink may have stood still for some more."""
PERCURSO_KEPT = timedelta(days=30)
"""A conversation that went on later than this would count no more etapas."""

A_CAMINHO = """
SELECT conversa, hora, flow, etapa, etapas FROM metricas.percurso WHERE chatbot = $1 AND conversa = ANY ($2)
"""
CHEGOU_HOJE = """
INSERT INTO metricas.presenca (chatbot, dia, cliente) SELECT $1, * FROM unnest($2::date[], $3::bigint[])
ON CONFLICT DO NOTHING RETURNING dia, cliente
"""
CONTAR = """
INSERT INTO metricas.contagem (chatbot, medida, hora, flow, etapa, classe, total)
SELECT $1, * FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::bigint[])
ON CONFLICT (chatbot, medida, hora, flow, etapa, classe) DO UPDATE SET total = contagem.total + excluded.total
"""
ANDAR = """
INSERT INTO metricas.percurso (chatbot, conversa, hora, flow, etapa, etapas)
SELECT $1, conversa, hora, flow, etapa, string_to_array(etapas, ',')
FROM unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[])
    AS andou (conversa, hora, flow, etapa, etapas)
ON CONFLICT (chatbot, conversa) DO UPDATE
    SET hora = excluded.hora, flow = excluded.flow, etapa = excluded.etapa, etapas = excluded.etapas
"""
ENCERRAR = "DELETE FROM metricas.percurso WHERE chatbot = $1 AND conversa = ANY ($2)"
ESQUECER = """
WITH dias AS (DELETE FROM metricas.presenca WHERE chatbot = $1 AND dia < $2::date),
caminhos AS (DELETE FROM metricas.percurso WHERE chatbot = $1 AND hora < $3)
SELECT
"""


async def contar(ctx: BotContext, events: Sequence[Recorded]) -> None:
    """Count a batch. It runs in one transaction with the checkpoint, so every event counts once."""
    bot = ctx.bot.id
    conversas = list({event.conversa for event in events if event.conversa})
    rows = await DB.fetch(A_CAMINHO, bot, conversas)
    a_caminho = {
        row["conversa"]: Percurso(row["hora"], row["flow"], row["etapa"], row["etapas"]) for row in rows
    }
    contagem = Contagem(ZoneInfo(ctx.bot.timezone), a_caminho)
    for event in events:
        if known := _read(event):
            contagem.add(known, event.at, event.conversa, event.cliente)
    await _presentes(bot, contagem)
    await _totais(bot, contagem)
    await _percursos(bot, contagem)


def _read(event: Recorded) -> Evento | None:
    try:
        known: Evento = msgspec.convert({"name": event.name} | event.fields, Evento)
    except msgspec.ValidationError as error:
        log.warning("event %s (%s) is not counted: %s", event.id, event.name, error)
        return None
    return known


async def _presentes(bot: int, contagem: Contagem) -> None:
    """Whoever had not been seen yet on their day is one more."""
    dias, clientes = [dia for dia, _ in contagem.presentes], [cliente for _, cliente in contagem.presentes]
    for row in await DB.fetch(CHEGOU_HOJE, bot, dias, clientes):
        contagem.ativo(contagem.presentes[row["dia"], row["cliente"]])


async def _totais(bot: int, contagem: Contagem) -> None:
    rows = [(*lugar, total) for lugar, total in contagem.totais.items() if total]
    if rows:
        await DB.execute(CONTAR, bot, *map(list, zip(*rows, strict=True)))


async def _percursos(bot: int, contagem: Contagem) -> None:
    rows = [
        (conversa, one.hora, one.flow, one.etapa, ",".join(one.etapas))
        for conversa, one in contagem.percursos.items()
    ]
    if rows:
        await DB.execute(ANDAR, bot, *map(list, zip(*rows, strict=True)))
    if contagem.encerrados:
        await DB.execute(ENCERRAR, bot, list(contagem.encerrados))


async def esquecer(ctx: BotContext) -> None:
    """Forget who was here and who stands where, once no count needs it any more."""
    await DB.execute(ESQUECER, ctx.bot.id, (ctx.now - PRESENCA_KEPT).date(), ctx.now - PERCURSO_KEPT)
