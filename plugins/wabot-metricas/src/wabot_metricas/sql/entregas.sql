-- Do que a Meta aceitou em cada dia: quanto entregou, quanto foi lido, quanto falhou depois.
WITH contado AS (
    SELECT (hora AT TIME ZONE $4)::date AS dia, sum(total) FILTER (WHERE medida = 'enviadas') AS enviadas,
        sum(total) FILTER (WHERE medida = 'entregues') AS entregues,
        sum(total) FILTER (WHERE medida = 'lidas') AS lidas,
        sum(total) FILTER (WHERE medida = 'falhas') AS falhas
    FROM metricas.contagem
    WHERE chatbot = $1 AND medida IN ('enviadas', 'entregues', 'lidas', 'falhas')
        AND hora >= $2::date::timestamp AT TIME ZONE $4 AND hora < ($3::date + 1)::timestamp AT TIME ZONE $4
    GROUP BY 1
)
SELECT dia, coalesce(enviadas, 0)::bigint AS enviadas, coalesce(entregues, 0)::bigint AS entregues,
    coalesce(lidas, 0)::bigint AS lidas, coalesce(falhas, 0)::bigint AS falhas,
    (entregues / nullif(enviadas, 0))::float8 AS taxa_de_entrega, (lidas / nullif(entregues, 0))::float8 AS taxa_de_leitura
FROM (SELECT generate_series($2::date, $3::date, interval '1 day')::date AS dia) AS dias LEFT JOIN contado USING (dia)
ORDER BY dia
