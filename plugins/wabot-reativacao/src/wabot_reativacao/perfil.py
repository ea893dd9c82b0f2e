"""What is known of a cliente's orders, from the events alone: whose orders these are is another plugin's business.

The sink counts from when the plugin was switched on. An order within 30 days counts for the campanha that chose the
person last, whether they were written to or belong to the control group: both are measured alike.
"""

from collections.abc import Sequence

from wabot import DB, BotContext, Recorded

EVENTO = "pedido.confirmado"
JANELA_DIAS = 30
"""Within how many days an answer or an order counts for a campanha."""

ANOTAR_PEDIDOS = """
INSERT INTO reativacao.perfil AS perfil (chatbot, cliente, pedidos, ultimo_pedido, total)
SELECT $1, coalesce(mesclado_em, cliente.id) AS quem, count(*), max(pedido.em), sum(pedido.total)
FROM unnest($2::bigint[], $3::timestamptz[], $4::bigint[]) AS pedido (cliente, em, total)
    JOIN cliente ON cliente.id = pedido.cliente AND cliente.chatbot = $1
GROUP BY quem ORDER BY quem
ON CONFLICT (cliente) DO UPDATE SET pedidos = perfil.pedidos + excluded.pedidos,
    ultimo_pedido = greatest(perfil.ultimo_pedido, excluded.ultimo_pedido), total = perfil.total + excluded.total
"""
VOLTARAM = """
WITH pedido AS (
    SELECT em, total, (
        SELECT id FROM reativacao.envio WHERE chatbot = $1 AND envio.cliente = pedido.cliente AND NOT retirada
            AND envio.em <= pedido.em AND envio.em > pedido.em - make_interval(days => $5)
        ORDER BY envio.em DESC LIMIT 1) AS envio
    FROM unnest($2::bigint[], $3::timestamptz[], $4::bigint[]) AS pedido (cliente, em, total)
)
UPDATE reativacao.envio SET voltou_em = least(voltou_em, primeiro), receita = receita + soma
FROM (SELECT envio, min(em) AS primeiro, sum(total)::bigint AS soma FROM pedido GROUP BY envio) AS deles
WHERE envio.id = deles.envio
"""


async def pedidos_confirmados(ctx: BotContext, events: Sequence[Recorded]) -> None:
    """Count the orders, and write down who came back."""
    colunas = (
        [event.cliente for event in events],
        [event.at for event in events],
        [_total(event) for event in events],
    )
    await DB.execute(ANOTAR_PEDIDOS, ctx.bot.id, *colunas)
    await DB.execute(VOLTARAM, ctx.bot.id, *colunas, JANELA_DIAS)


def _total(event: Recorded) -> int:
    """In centavos; an event without one is an order all the same."""
    total = event.fields.get("total", 0)
    return total if isinstance(total, int) and 0 <= total < 2**53 else 0
