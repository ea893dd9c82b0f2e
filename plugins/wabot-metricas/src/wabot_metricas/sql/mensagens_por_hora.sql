-- Mensagens recebidas e respostas escritas, hora a hora.
WITH contado AS (
    SELECT hora, sum(total) FILTER (WHERE medida = 'recebidas') AS recebidas,
        sum(total) FILTER (WHERE medida = 'respostas') AS respostas
    FROM metricas.contagem
    WHERE chatbot = $1 AND medida IN ('recebidas', 'respostas')
        AND hora >= $2::date::timestamp AT TIME ZONE $4 AND hora < ($3::date + 1)::timestamp AT TIME ZONE $4
    GROUP BY hora
)
SELECT hora, coalesce(recebidas, 0)::bigint AS recebidas, coalesce(respostas, 0)::bigint AS respostas
FROM generate_series($2::date::timestamp AT TIME ZONE $4,
    ($3::date + 1)::timestamp AT TIME ZONE $4 - interval '1 hour', interval '1 hour') AS hora
    LEFT JOIN contado USING (hora)
ORDER BY hora
