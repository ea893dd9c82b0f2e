-- Quantas conversas começadas no período chegaram a cada etapa de um fluxo, e em qual pararam.
-- `lugar` is the sum of the places at which the etapa was reached: its mean puts the etapas in the order of the flow.
SELECT flow, etapa, chegaram, pararam, concluiram, pararam::float8 / nullif(chegaram, 0) AS taxa_de_parada
FROM (
    SELECT flow, etapa, coalesce(sum(total) FILTER (WHERE medida = 'chegaram'), 0)::bigint AS chegaram,
        coalesce(sum(total) FILTER (WHERE medida = 'pararam'), 0)::bigint AS pararam,
        coalesce(sum(total) FILTER (WHERE medida = 'concluiram'), 0)::bigint AS concluiram,
        sum(total) FILTER (WHERE medida = 'lugar') AS lugar
    FROM metricas.contagem
    WHERE chatbot = $1 AND medida IN ('chegaram', 'pararam', 'concluiram', 'lugar')
        AND hora >= $2::date::timestamp AT TIME ZONE $4 AND hora < ($3::date + 1)::timestamp AT TIME ZONE $4
    GROUP BY flow, etapa
) AS etapas
ORDER BY flow, lugar / nullif(chegaram, 0), etapa
