"""A made-up population, and a plain count of what it did: for tests and benches of the roll-up.

The count reads all events at once, in SQL and without any state: what the sink adds up batch by batch must be the same.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from wabot import DB
from wabot_metricas.contagem import Lugar

ETAPAS = ("inicio", "categoria", "produto", "quantidade", "mais", "confirmar")
FLUXOS = ("pedidos", "reservas")
CATEGORIAS = ("marketing", "utility", "service")
BEGIN = datetime(2026, 8, 1, 12, tzinfo=UTC)


class Aconteceu(NamedTuple):
    """An event before it is written."""

    conversa: int
    name: str
    fields: dict[str, Any]
    at: datetime


def populacao(many: int, conversas: int, seed: int = 7, step: float = 0.7) -> Iterator[Aconteceu]:
    """About `many` events of so many conversas, `step` seconds apart; with the same seed always the same."""
    rng, at = random.Random(seed), BEGIN  # noqa: S311 - play, not secrecy
    onde: dict[int, tuple[str, int]] = {}
    seen: set[int] = set()
    for _ in range(many):
        at += timedelta(seconds=rng.random() * 2 * step)
        conversa = rng.randint(1, conversas)
        match rng.random():
            case chance if chance < 0.08:
                yield _enviou(rng, at)
            case chance if chance < 0.12:
                flow, place = onde.get(conversa, ("pedidos", 1))
                yield Aconteceu(
                    conversa, "resposta.nao_entendida", {"flow": flow, "etapa": ETAPAS[place]}, at
                )
            case chance if chance < 0.16:
                fields = {
                    "pedido": 1,
                    "numero": 1,
                    "total": rng.randint(1000, 9000),
                    "itens": rng.randint(1, 5),
                }
                yield Aconteceu(conversa, "pedido.confirmado", fields, at)
            case chance if chance < 0.17:
                yield Aconteceu(conversa, "pedido.desistiu", {"total": 1000}, at)
            case _:
                yield _escreveu(rng, at, conversa, onde, seen)


def _escreveu(
    rng: random.Random, at: datetime, conversa: int, onde: dict[int, tuple[str, int]], seen: set[int]
) -> Aconteceu:
    """A message: it starts a flow, moves on in it, goes back, is not understood, or ends it."""
    stood, primeira = onde.get(conversa), conversa not in seen
    seen.add(conversa)
    caminho: list[int] = []
    iniciada = encerrada = False
    if stood is None or rng.random() < 0.05:
        flow, iniciada, caminho = rng.choice(FLUXOS), True, [0, 1]
        encerrada = rng.random() < 0.02  # nothing to order today
    else:
        flow, place = stood
        encerrada = place == len(ETAPAS) - 1 and rng.random() < 0.8
        if not encerrada and rng.random() < 0.85:
            caminho = [
                rng.choice((1, place, min(place + 1, len(ETAPAS) - 1), min(place + 1, len(ETAPAS) - 1)))
            ]
    if encerrada:
        onde.pop(conversa, None)
    elif caminho:
        onde[conversa] = (flow, caminho[-1])
    fields = {
        "tipo": "text",
        "flow": stood[0] if stood else "",
        "etapa": ETAPAS[stood[1]] if stood else "",
        "caminho": [f"{flow}.{ETAPAS[place]}" for place in caminho],
        "iniciada": iniciada,
        "encerrada": encerrada,
        "primeira": primeira,
        "espera": int(rng.lognormvariate(5, 1)),
        "respostas": rng.choice((0, 1, 1, 1, 2)),
    }
    return Aconteceu(conversa, "mensagem.atendida", fields, at)


def _enviou(rng: random.Random, at: datetime) -> Aconteceu:
    hora = at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=rng.choice((0, 0, 1, 30)))
    medida, many = (
        rng.choice(("enviadas", "entregues", "lidas", "falhas", "cobradas", "gratis")),
        rng.randint(-2, 90),
    )
    fields = {"hora": hora.isoformat(), "categoria": rng.choice(CATEGORIAS), medida: many}
    return Aconteceu(0, "envios.contados", fields, at)


async def recontar(bot: int, zone: str = "America/Sao_Paulo") -> dict[Lugar, int]:
    """What the roll-up should hold, counted from the events of a bot whose zone has whole hours."""
    rows = [row for sql in (SIMPLES, ENVIOS, ATIVOS, FUNIL) for row in await DB.fetch(sql, bot, zone)]
    return {Lugar(*row[:5]): row["total"] for row in rows if row["total"]}


async def contado(bot: int) -> dict[Lugar, int]:
    """What the roll-up does hold."""
    rows = await DB.fetch(
        "SELECT medida, hora, flow, etapa, classe, total FROM metricas.contagem WHERE chatbot = $1", bot
    )
    return {Lugar(*row[:5]): row["total"] for row in rows if row["total"]}


SIMPLES = """
SELECT medida, date_trunc('hour', at, $2) AS hora, flow, etapa, classe, sum(many)::bigint AS total
FROM event, LATERAL (
    SELECT 'recebidas' AS medida, fields ->> 'flow' AS flow, fields ->> 'etapa' AS etapa, '' AS classe, 1 AS many
        WHERE name = 'mensagem.atendida'
    UNION ALL SELECT 'respostas', fields ->> 'flow', fields ->> 'etapa', '', (fields ->> 'respostas')::int
        WHERE name = 'mensagem.atendida'
    UNION ALL SELECT 'novos', '', '', '', 1 WHERE fields ->> 'primeira' = 'true'
    UNION ALL SELECT 'espera', '', '', round(24 * log(greatest(1, (fields ->> 'espera')::float8)))::text, 1
        WHERE (fields ->> 'respostas')::int > 0
    UNION ALL SELECT 'nao_entendidas', fields ->> 'flow', fields ->> 'etapa', '', 1
        WHERE name = 'resposta.nao_entendida'
    UNION ALL SELECT 'pedidos', '', '', '', 1 WHERE name = 'pedido.confirmado'
    UNION ALL SELECT 'itens', '', '', '', (fields ->> 'itens')::int WHERE name = 'pedido.confirmado'
    UNION ALL SELECT 'faturamento', '', '', '', (fields ->> 'total')::int WHERE name = 'pedido.confirmado'
    UNION ALL SELECT 'desistencias', '', '', '', 1 WHERE name = 'pedido.desistiu'
) AS counted
WHERE chatbot = $1 GROUP BY 1, 2, 3, 4, 5
"""
ENVIOS = """
SELECT medida, date_trunc('hour', (fields ->> 'hora')::timestamptz, $2) AS hora, '', '', fields ->> 'categoria',
    sum((fields ->> medida)::int)::bigint AS total
FROM event, unnest('{enviadas,entregues,lidas,falhas,cobradas,gratis}'::text[]) AS medida
WHERE chatbot = $1 AND name = 'envios.contados' GROUP BY 1, 2, 5
"""
ATIVOS = """
SELECT 'ativos', hora, '', '', '', count(*)::bigint AS total
FROM (
    SELECT min(date_trunc('hour', at, $2)) AS hora FROM event JOIN conversa ON conversa.id = conversa
    WHERE event.chatbot = $1 AND name = 'mensagem.atendida' GROUP BY cliente, (at AT TIME ZONE $2)::date
) AS days GROUP BY hora
"""
FUNIL = """
WITH messages AS (
    SELECT xid, id, conversa, at, fields, fields ->> 'encerrada' = 'true' AS ends,
        count(*) FILTER (WHERE fields ->> 'iniciada' = 'true') OVER (PARTITION BY conversa ORDER BY xid, id) AS run
    FROM event WHERE chatbot = $1 AND name = 'mensagem.atendida'
), runs AS (
    SELECT conversa, run, date_trunc('hour', min(at), $2) AS hora, bool_or(ends) AS ended
    FROM messages WHERE run > 0 GROUP BY conversa, run
), steps AS (
    SELECT conversa, run, split_part(place, '.', 1) AS flow, split_part(place, '.', 2) AS etapa,
        row_number() OVER (PARTITION BY conversa, run ORDER BY xid, id, nth) AS step
    FROM messages, json_array_elements_text(fields -> 'caminho') WITH ORDINALITY AS path (place, nth) WHERE run > 0
), firsts AS (
    SELECT conversa, run, flow, etapa, rank() OVER (PARTITION BY conversa, run ORDER BY min(step)) AS place
    FROM steps GROUP BY conversa, run, flow, etapa
), lasts AS (
    SELECT DISTINCT ON (conversa, run) conversa, run, flow, etapa FROM steps ORDER BY conversa, run, step DESC
)
SELECT medida, hora, flow, etapa, '', sum(many)::bigint AS total
FROM (
    SELECT 'chegaram' AS medida, hora, flow, etapa, 1 AS many FROM firsts JOIN runs USING (conversa, run)
    UNION ALL SELECT 'lugar', hora, flow, etapa, place FROM firsts JOIN runs USING (conversa, run)
    UNION ALL SELECT CASE WHEN ended THEN 'concluiram' ELSE 'pararam' END, hora, flow, etapa, 1
        FROM lasts JOIN runs USING (conversa, run)
) AS counted GROUP BY 1, 2, 3, 4
"""
