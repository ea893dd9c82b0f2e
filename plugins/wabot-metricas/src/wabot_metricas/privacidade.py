"""What the counting keeps of a person (LGPD), for a few days: handed over, or erased, when the person asks."""

from collections.abc import Mapping
from typing import Any

from wabot import DB

DIAS = "SELECT dia::text FROM metricas.presenca WHERE chatbot = $1 AND cliente = $2 ORDER BY dia"
PERCURSOS = """
SELECT hora::text AS desde, flow, etapa, etapas FROM metricas.percurso
WHERE chatbot = $1 AND conversa IN (SELECT id FROM conversa WHERE cliente = $2)
"""
APAGAR = """
WITH dias AS (
    DELETE FROM metricas.presenca WHERE chatbot = $1 AND cliente = $2 RETURNING 1
), percursos AS (
    DELETE FROM metricas.percurso
    WHERE chatbot = $1 AND conversa IN (SELECT id FROM conversa WHERE cliente = $2) RETURNING 1
)
SELECT (SELECT count(*) FROM dias) + (SELECT count(*) FROM percursos)
"""


async def exportar(chatbot: int, cliente: int) -> Mapping[str, Any]:
    """On which of the last days they wrote, and where they stand in a flow."""
    dias = [row["dia"] for row in await DB.fetch(DIAS, chatbot, cliente)]
    percursos = [dict(row) for row in await DB.fetch(PERCURSOS, chatbot, cliente)]
    return {"dias": dias, "percursos": percursos} if dias or percursos else {}


async def apagar(chatbot: int, cliente: int) -> int:
    """How many rows were about them. The counts stay: nobody is in them."""
    return int(await DB.fetchval(APAGAR, chatbot, cliente))
