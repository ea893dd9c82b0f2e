"""Verificação de pedidos: the job that looks after what everybody has forgotten.

New orders that nobody touched expire, carts left behind are brought to mind once, and orders that are stuck are told
to the shop. All of it in the job's one transaction: killed in the middle, nothing happened.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from wabot import DB, BotContext
from wabot_pedidos import texts
from wabot_pedidos.carrinho import Item, resumo, total
from wabot_pedidos.pedidos import Pedidos

EXPIRAM_MOST = 500
LEMBRADOS_MOST = 200
"""In one run: their next messages wait until it has ended."""
PARADOS_MOST = 20
JANELA = timedelta(hours=24)
"""After it Meta takes no free words: the cart stays where it is."""

VENCIDOS = """
SELECT id FROM pedidos.pedido
WHERE chatbot = $1 AND status IN ('rascunho', 'confirmado') AND atualizado_em < $2
ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
"""
CANCELAR = """
UPDATE pedidos.pedido SET status = 'cancelado', atualizado_em = now() WHERE chatbot = $1 AND id = ANY($2)
RETURNING id, numero, total, cliente
"""
PARADOS = """
SELECT numero, status, atualizado_em FROM pedidos.pedido
WHERE chatbot = $1 AND status IN ('em_preparo', 'saiu_para_entrega') AND atualizado_em < $2
ORDER BY atualizado_em LIMIT $3
"""

# Who has asked for marketing to stop is not urged either, though this is none.
ESQUECIDOS = """
SELECT conversa.cliente, nome, last_inbound_at, data ->> 'codigo' AS carrinho, data ->> 'itens' AS itens
FROM conversa JOIN cliente ON cliente.id = conversa.cliente
WHERE conversa.chatbot = $1 AND flow = 'pedidos' AND NOT person AND last_inbound_at > $2 AND last_inbound_at <= $3
    AND data ->> 'codigo' <> '' AND json_array_length(data -> 'itens') > 0
    AND NOT EXISTS (SELECT FROM pedidos.lembrete
        WHERE lembrete.chatbot = conversa.chatbot AND carrinho = data ->> 'codigo')
    AND (SELECT accepts FROM consent WHERE consent.cliente = conversa.cliente ORDER BY at DESC, id DESC LIMIT 1)
        IS NOT FALSE
ORDER BY last_inbound_at LIMIT $4
"""
LEMBRADO = "INSERT INTO pedidos.lembrete (chatbot, carrinho) VALUES ($1, $2)"
ESQUECER = "DELETE FROM pedidos.lembrete WHERE chatbot = $1 AND em < $2"
LEMBRADOS_POR = timedelta(days=90)
"""Kept that long: a cart that old has long been emptied or ordered."""


async def verificar(ctx: BotContext) -> str:
    """What was done and what is stuck, in a sentence or two. Reminders come last: see BotContext.say."""
    vencidos = await expirar(ctx)
    esperando = await parados(ctx.bot.id, ctx.now, ctx.config.avisar_parado_depois_de)
    lembrados = await lembrar(ctx)
    return texts.relatorio(vencidos, esperando, ctx.config.avisar_parado_depois_de, lembrados)


async def expirar(ctx: BotContext) -> list[int]:
    """Cancel new orders that nobody has touched for too long; their numbers."""
    horas = ctx.config.expirar_depois_de
    if horas is None:
        return []
    before = ctx.now - timedelta(hours=horas)
    ids = [row["id"] for row in await DB.fetch(VENCIDOS, ctx.bot.id, before, EXPIRAM_MOST)]
    cancelados = await DB.fetch(CANCELAR, ctx.bot.id, ids)
    await ctx.get(Pedidos).devolver(ctx.bot.id, ids)
    for row in cancelados:
        await ctx.event(
            "pedido.cancelado",
            cliente=row["cliente"],
            pedido=row["id"],
            numero=row["numero"],
            total=row["total"],
            motivo="expirou",
        )
    return sorted(row["numero"] for row in cancelados)


async def parados(bot: int, now: datetime, horas: int) -> Sequence[Any]:
    """Orders in the kitchen or on their way for longer than they should be, the oldest first."""
    return await DB.fetch(PARADOS, bot, now - timedelta(hours=horas), PARADOS_MOST)


async def lembrar(ctx: BotContext) -> int:
    """Remind each customer who left a cart behind, once; how many."""
    config, local = ctx.config, ctx.now.astimezone(ZoneInfo(ctx.bot.timezone))
    await DB.execute(ESQUECER, ctx.bot.id, ctx.now - LEMBRADOS_POR)
    if not config.lembrar_carrinho or not config.lembrar_entre.includes(local.time()):
        return 0
    since, until = ctx.now - JANELA, ctx.now - timedelta(hours=config.lembrar_depois_de)
    rows = await DB.fetch(ESQUECIDOS, ctx.bot.id, since, until, LEMBRADOS_MOST)
    return sum([await _lembrar(ctx, row) for row in rows])


async def _lembrar(ctx: BotContext, row: Any) -> bool:
    itens = msgspec.json.decode(row["itens"], type=list[Item])
    nome = f", {row['nome'].split()[0]}" if row["nome"].split() else ""
    ola = ctx.config.lembrete or texts.LEMBRETE.format(nome=nome)
    words = "\n\n".join([ola, resumo(itens), texts.LEMBRETE_CONTINUAR])
    if not await ctx.say(row["cliente"], words, quiet_since=row["last_inbound_at"]):
        return False
    await DB.execute(LEMBRADO, ctx.bot.id, row["carrinho"])
    await ctx.event(
        "carrinho.lembrado",
        cliente=row["cliente"],
        total=total(itens),
        itens=sum(item.quantidade for item in itens),
    )
    return True
