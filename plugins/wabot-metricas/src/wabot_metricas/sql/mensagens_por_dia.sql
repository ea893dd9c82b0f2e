-- Mensagens recebidas e respostas escritas, dia a dia.
WITH contado AS (
    SELECT (hora AT TIME ZONE $4)::date AS dia, sum(total) FILTER (WHERE medida = 'recebidas') AS recebidas,
        sum(total) FILTER (WHERE medida = 'respostas') AS respostas
    FROM metricas.contagem
    WHERE chatbot = $1 AND medida IN ('recebidas', 'respostas')
        AND hora >= $2::date::timestamp AT TIME ZONE $4 AND hora < ($3::date + 1)::timestamp AT TIME ZONE $4
    GROUP BY 1
)
SELECT dia, coalesce(recebidas, 0)::bigint AS recebidas, coalesce(respostas, 0)::bigint AS respostas
FROM (SELECT generate_series($2::date, $3::date, interval '1 day')::date AS dia) AS dias LEFT JOIN contado USING (dia)
ORDER BY dia
