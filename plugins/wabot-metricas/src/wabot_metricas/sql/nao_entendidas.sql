-- Respostas que o bot não entendeu, etapa por etapa, entre todas as que recebeu ali.
SELECT flow, etapa, nao_entendidas, recebidas, nao_entendidas::float8 / nullif(recebidas, 0) AS taxa
FROM (
    SELECT flow, etapa, coalesce(sum(total) FILTER (WHERE medida = 'nao_entendidas'), 0)::bigint AS nao_entendidas,
        coalesce(sum(total) FILTER (WHERE medida = 'recebidas'), 0)::bigint AS recebidas
    FROM metricas.contagem
    WHERE chatbot = $1 AND medida IN ('nao_entendidas', 'recebidas') AND etapa <> ''
        AND hora >= $2::date::timestamp AT TIME ZONE $4 AND hora < ($3::date + 1)::timestamp AT TIME ZONE $4
    GROUP BY flow, etapa
) AS etapas
ORDER BY nao_entendidas DESC, flow, etapa
