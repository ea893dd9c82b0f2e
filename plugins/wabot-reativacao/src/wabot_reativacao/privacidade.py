"""What campanhas keep about a person (LGPD): handed over, or erased, when the person asks."""

from collections.abc import Mapping
from typing import Any

from wabot import DB

ENVIOS = """
SELECT campanha.nome AS campanha, dia::text, envio.controle, respondeu_em::text, voltou_em::text, receita
FROM reativacao.envio JOIN reativacao.campanha ON campanha.id = envio.campanha
WHERE envio.chatbot = $1 AND cliente = $2 ORDER BY envio.id
"""
PERFIL = """
SELECT pedidos, ultimo_pedido::text, total FROM reativacao.perfil WHERE chatbot = $1 AND cliente = $2
"""
# That somebody was chosen stays, for the figures; who it was goes.
APAGAR = """
WITH solto AS (
    UPDATE reativacao.envio SET cliente = NULL, outbox = NULL WHERE chatbot = $1 AND cliente = $2 RETURNING 1
), perfil AS (
    DELETE FROM reativacao.perfil WHERE chatbot = $1 AND cliente = $2 RETURNING 1
)
SELECT (SELECT count(*) FROM solto) + (SELECT count(*) FROM perfil)
"""


async def exportar(chatbot: int, cliente: int) -> Mapping[str, Any]:
    """By which campanhas a cliente was chosen, and what is known of their orders."""
    lidos = {"campanhas": ENVIOS, "pedidos": PERFIL}
    return {nome: [dict(row) for row in await DB.fetch(sql, chatbot, cliente)] for nome, sql in lidos.items()}


async def apagar(chatbot: int, cliente: int) -> int:
    """How many rows are nobody's now, or gone."""
    return int(await DB.fetchval(APAGAR, chatbot, cliente))
