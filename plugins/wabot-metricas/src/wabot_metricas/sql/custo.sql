-- Mensagens que a Meta cobrou, por categoria, e quanto custaram pelos preços da configuração do plugin.
WITH preco AS (
    SELECT categoria, nullif((config ->> campo)::bigint, 0) AS por_mil
    FROM plugin_binding, (VALUES ('marketing', 'marketing_por_mil'), ('utility', 'utilidade_por_mil'),
        ('authentication', 'autenticacao_por_mil'), ('service', 'servico_por_mil')) AS campos (categoria, campo)
    WHERE chatbot = $1 AND plugin = 'metricas'
), contado AS (
    SELECT classe AS categoria, coalesce(sum(total) FILTER (WHERE medida = 'cobradas'), 0)::bigint AS cobradas,
        coalesce(sum(total) FILTER (WHERE medida = 'gratis'), 0)::bigint AS gratis
    FROM metricas.contagem
    WHERE chatbot = $1 AND medida IN ('cobradas', 'gratis')
        AND hora >= $2::date::timestamp AT TIME ZONE $4 AND hora < ($3::date + 1)::timestamp AT TIME ZONE $4
    GROUP BY classe
)
SELECT categoria, cobradas, gratis,
    CASE cobradas WHEN 0 THEN 0 ELSE round(cobradas * por_mil / 1000.0)::bigint END AS custo
FROM contado LEFT JOIN preco USING (categoria)
ORDER BY cobradas DESC, categoria
