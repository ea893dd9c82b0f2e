-- Pedidos confirmados na conversa, desistências no resumo e faturamento, dia a dia.
WITH contado AS (
    SELECT (hora AT TIME ZONE $4)::date AS dia, sum(total) FILTER (WHERE medida = 'pedidos') AS pedidos,
        sum(total) FILTER (WHERE medida = 'desistencias') AS desistencias,
        sum(total) FILTER (WHERE medida = 'itens') AS itens,
        sum(total) FILTER (WHERE medida = 'faturamento') AS faturamento
    FROM metricas.contagem
    WHERE chatbot = $1 AND medida IN ('pedidos', 'desistencias', 'itens', 'faturamento')
        AND hora >= $2::date::timestamp AT TIME ZONE $4 AND hora < ($3::date + 1)::timestamp AT TIME ZONE $4
    GROUP BY 1
)
SELECT dia, coalesce(pedidos, 0)::bigint AS pedidos, coalesce(desistencias, 0)::bigint AS desistencias,
    coalesce(itens, 0)::bigint AS itens, coalesce(faturamento, 0)::bigint AS faturamento,
    round(faturamento / nullif(pedidos, 0))::bigint AS ticket_medio
FROM (SELECT generate_series($2::date, $3::date, interval '1 day')::date AS dia) AS dias LEFT JOIN contado USING (dia)
ORDER BY dia
