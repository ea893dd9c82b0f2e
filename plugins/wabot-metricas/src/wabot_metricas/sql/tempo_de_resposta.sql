-- Tempo entre a chegada de uma mensagem e a resposta escrita: mediana e percentil 95, no período e em cada dia.
-- The waits are kept in steps, 24 to a power of ten: the percentile is exact among them, and within 5% of the wait.
WITH dias AS MATERIALIZED (
    SELECT (hora AT TIME ZONE $4)::date AS dia, classe::int AS faixa, sum(total) AS quantas
    FROM metricas.contagem
    WHERE chatbot = $1 AND medida = 'espera'
        AND hora >= $2::date::timestamp AT TIME ZONE $4 AND hora < ($3::date + 1)::timestamp AT TIME ZONE $4
    GROUP BY 1, 2
), faixas AS (
    SELECT dia, faixa, quantas FROM dias UNION ALL SELECT NULL, faixa, sum(quantas) FROM dias GROUP BY faixa
), acumulado AS (
    SELECT dia, faixa, sum(quantas) OVER (PARTITION BY dia ORDER BY faixa) AS ate,
        sum(quantas) OVER (PARTITION BY dia) AS todas
    FROM faixas
)
SELECT dia, max(todas)::bigint AS respondidas,
    round(10 ^ (min(faixa) FILTER (WHERE ate >= 0.50 * todas) / 24.0))::bigint AS p50,
    round(10 ^ (min(faixa) FILTER (WHERE ate >= 0.95 * todas) / 24.0))::bigint AS p95
FROM acumulado GROUP BY dia ORDER BY dia NULLS FIRST
