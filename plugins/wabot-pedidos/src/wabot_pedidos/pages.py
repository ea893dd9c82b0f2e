"""The plugin's page in the panel: today's orders, as the kitchen looks at them."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from wabot import DB, Html, PageContext
from wabot_pedidos.texts import STATUS
from wabot_pedidos.verificacao import parados

MOST = 200
"""Orders on the page. The API has the rest."""

DE_HOJE = """
SELECT pedido.numero, pedido.status, pedido.total, pedido.criado_em, pedido.observacoes, cliente.nome,
    (SELECT string_agg(quantidade || '× ' || item.nome, ', ' ORDER BY item.id) FROM pedidos.item
     WHERE item.pedido = pedido.id) AS itens
FROM pedidos.pedido JOIN cliente ON cliente.id = pedido.cliente
WHERE pedido.chatbot = $1 AND pedido.criado_em >= $2 AND pedido.criado_em < $3
ORDER BY pedido.criado_em DESC LIMIT $4
"""
SOMA = """
SELECT count(*) AS pedidos, coalesce(sum(total), 0)::bigint AS total FROM pedidos.pedido
WHERE chatbot = $1 AND criado_em >= $2 AND criado_em < $3 AND status NOT IN ('rascunho', 'cancelado')
"""


async def de_hoje(ctx: PageContext) -> Html:
    """What is stuck, whatever its day; then today's, newest first: what was cancelled is shown, and not counted."""
    dia = _dia(ctx)
    pedidos = await DB.fetch(DE_HOJE, ctx.bot.id, *dia, MOST)
    soma = await DB.fetchrow(SOMA, ctx.bot.id, *dia)
    horas = ctx.config.avisar_parado_depois_de
    presos = await parados(ctx.bot.id, ctx.now, horas)
    values = {"pedidos": pedidos, "soma": soma, "parados": presos, "horas": horas, "nomes": STATUS}
    return Html("de_hoje.html", values)


def _dia(ctx: PageContext) -> tuple[datetime, datetime]:
    """Today's beginning and end where the shop is."""
    zone = ZoneInfo(ctx.bot.timezone)
    hoje = ctx.now.astimezone(zone).date()
    inicio, fim = (datetime.combine(hoje + timedelta(days=n), time(), zone) for n in (0, 1))
    return inicio, fim
