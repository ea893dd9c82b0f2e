"""A shop's numbers for the reports, as if its conversations had been counted."""

from wabot.db.engine import DB

# More at noon and in the evening, a little more each day: a picture in which a mistake would show.
COUNTED = """
WITH hora AS (
    SELECT hora, extract(hour FROM hora AT TIME ZONE 'America/Sao_Paulo')::int AS h,
        extract(day FROM hora)::int % 7 AS d
    FROM generate_series(date_trunc('hour', now()) - interval '29 days', date_trunc('hour', now()), '1 hour') AS hora
), cheia AS (SELECT hora, h, d, CASE WHEN h IN (11, 12, 19, 20) THEN 12 + d WHEN h > 8 THEN 3 ELSE 0 END AS n FROM hora)
INSERT INTO metricas.contagem (chatbot, hora, medida, flow, etapa, classe, total)
SELECT $1, hora, medida, flow, etapa, classe, total FROM cheia, LATERAL (VALUES
    ('recebidas', 'pedidos', 'selecionar_produto', '', n * 4), ('respostas', '', '', '', n * 5),
    ('nao_entendidas', 'pedidos', 'selecionar_produto', '', n / 4),
    ('ativos', '', '', '', n), ('novos', '', '', '', n / 3),
    ('espera', '', '', '68', n * 3), ('espera', '', '', '80', n / 4),
    ('chegaram', 'pedidos', 'selecionar_categoria', '', n), ('lugar', 'pedidos', 'selecionar_categoria', '', n),
    ('pararam', 'pedidos', 'selecionar_categoria', '', n / 4),
    ('chegaram', 'pedidos', 'selecionar_produto', '', n - n / 4), ('lugar', 'pedidos', 'selecionar_produto', '', n * 2),
    ('pararam', 'pedidos', 'selecionar_produto', '', n / 5),
    ('chegaram', 'pedidos', 'confirmar_pedido', '', n / 2), ('lugar', 'pedidos', 'confirmar_pedido', '', n * 3),
    ('concluiram', 'pedidos', 'confirmar_pedido', '', n / 2),
    ('enviadas', '', '', '', n * 5), ('entregues', '', '', '', n * 5 - n / 6), ('lidas', '', '', '', n * 4),
    ('falhas', '', '', '', n / 6), ('cobradas', '', '', 'marketing', n / 4), ('gratis', '', '', 'service', n * 5),
    ('pedidos', '', '', '', n / 2), ('desistencias', '', '', '', n / 6), ('itens', '', '', '', n),
    ('faturamento', '', '', '', n / 2 * 4290)
) AS medidas (medida, flow, etapa, classe, total) WHERE total > 0
"""


async def plant_numbers(chatbot: int) -> None:
    await DB.execute(COUNTED, chatbot)
