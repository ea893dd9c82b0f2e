-- Clientes que escreveram em cada dia, e quantos deles escreviam pela primeira vez.
WITH contado AS (
    SELECT (hora AT TIME ZONE $4)::date AS dia, sum(total) FILTER (WHERE medida = 'ativos') AS ativos,
        sum(total) FILTER (WHERE medida = 'novos') AS novos
    FROM metricas.contagem
    WHERE chatbot = $1 AND medida IN ('ativos', 'novos')
        AND hora >= $2::date::timestamp AT TIME ZONE $4 AND hora < ($3::date + 1)::timestamp AT TIME ZONE $4
    GROUP BY 1
)
SELECT dia, coalesce(ativos, 0)::bigint AS ativos, coalesce(novos, 0)::bigint AS novos
FROM (SELECT generate_series($2::date, $3::date, interval '1 day')::date AS dia) AS dias LEFT JOIN contado USING (dia)
ORDER BY dia
