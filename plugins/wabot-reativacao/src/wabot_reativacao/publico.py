"""Who is in a campanha's audience, worked out by the database: a million clientes never come to Python.

The reasons that keep somebody out are asked in one order everywhere, so that the preview counts exactly those whom a
run would leave out.
"""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import msgspec

from wabot import DB
from wabot_reativacao.parametros import Pessoa

LOTE = 1000
"""People handed over at once."""

# Null: in. A person is known by whom they are now, if they were merged with another since.
FORA = """CASE
    WHEN NOT cliente.ativo THEN 'inativo'
    WHEN NOT cliente.aceita_marketing THEN 'sem_consentimento'
    WHEN cliente.wa_id IS NULL AND cliente.bsuid IS NULL THEN 'sem_endereco'
    WHEN greatest(cliente.criado_em, last_inbound_at, ultimo_pedido) > now() - make_interval(days => $2)
        THEN 'ativo_ha_pouco'
    WHEN coalesce(perfil.pedidos, 0) < $3 THEN 'poucos_pedidos'
    WHEN strpos(lower(cliente.observacoes), lower($4)) = 0 THEN 'sem_a_observacao'
    WHEN recentes.cliente IS NOT NULL THEN 'avisado_ha_pouco'
END"""
TODOS = """
FROM cliente JOIN conversa ON conversa.cliente = cliente.id
    LEFT JOIN reativacao.perfil ON perfil.cliente = cliente.id
    LEFT JOIN recentes ON recentes.cliente = cliente.id
WHERE cliente.chatbot = $1 AND cliente.mesclado_em IS NULL
"""
# Those of the control group too: written to by another campanha, they would be no control any more.
RECENTES = """
WITH recentes AS MATERIALIZED (
    SELECT DISTINCT coalesce(mesclado_em, cliente.id) AS cliente
    FROM reativacao.envio JOIN cliente ON cliente.id = envio.cliente
    WHERE envio.chatbot = $1 AND dia > $6::date - $5::int AND NOT retirada
)
"""
CONTAR = f"{RECENTES} SELECT {FORA} AS fora, count(*) AS quantos {TODOS} GROUP BY fora"
AMOSTRA = f"""
{RECENTES} SELECT cliente.id AS cliente, cliente.nome, coalesce(perfil.pedidos, 0) AS pedidos, ultimo_pedido
{TODOS} AND {FORA} IS NULL
ORDER BY greatest(cliente.criado_em, last_inbound_at, ultimo_pedido) DESC, cliente.id LIMIT $7
"""

# Whoever was here last comes first. Which group somebody falls into is decided by their number and the campanha's:
# asked again, it is the same. Who is being erased at this moment is left out, and nobody waits for it.
ESCOLHER = f"""
{RECENTES}, escolhidos AS (
    SELECT cliente.id {TODOS} AND {FORA} IS NULL
    ORDER BY greatest(cliente.criado_em, last_inbound_at, ultimo_pedido) DESC, cliente.id
    LIMIT greatest($8 - (SELECT count(*) FROM reativacao.envio WHERE campanha = $7 AND dia = $6::date), 0)
    FOR KEY SHARE OF cliente SKIP LOCKED
)
INSERT INTO reativacao.envio (chatbot, campanha, dia, cliente, controle)
SELECT $1, $7, $6::date, id, ('x' || left(md5($7 || ':' || id), 8))::bit(32)::bigint % 100 < $9 FROM escolhidos
ON CONFLICT DO NOTHING
"""  # noqa: S608

# Two steps, or else the planner joins all of them before it takes the first thousand.
LER_LOTE = """
SELECT envio.id, envio.cliente, nome, coalesce(pedidos, 0) AS pedidos, ultimo_pedido
FROM (SELECT id, cliente FROM reativacao.envio
      WHERE campanha = $1 AND dia = $2 AND id > $3 AND NOT controle AND outbox IS NULL ORDER BY id LIMIT $4) AS envio
JOIN cliente ON cliente.id = envio.cliente LEFT JOIN reativacao.perfil ON perfil.cliente = envio.cliente
ORDER BY envio.id
"""
ANOTAR = """
UPDATE reativacao.envio SET outbox = enviado.outbox FROM campaign_send AS enviado
WHERE enviado.chatbot = $1 AND enviado.plugin = $4 AND enviado.campaign = $5 AND enviado.round = $3
    AND enviado.cliente = envio.cliente AND envio.campanha = $2 AND envio.dia = $3 AND NOT controle
    AND envio.outbox IS NULL
"""
DESFAZER = """
DELETE FROM reativacao.envio WHERE campanha = $1 AND dia = $2 AND NOT controle AND outbox IS NULL
"""


class Criterios(msgspec.Struct, frozen=True):
    """Whom a campanha is for."""

    chatbot: int
    inativo_dias: int
    minimo_pedidos: int
    observacao: str
    intervalo_dias: int

    def valores(self, hoje: date) -> tuple[Any, ...]:
        return (*msgspec.structs.astuple(self), hoje)


class Contagem(msgspec.Struct, frozen=True):
    """How many are in, and how many are out for which reason."""

    dentro: int
    fora: dict[str, int]


def criterios(campanha: Any) -> Criterios:
    """Of a row of the table, or anything with its columns."""
    return Criterios(*(getattr(campanha, nome) for nome in Criterios.__struct_fields__))


async def contar(quem: Criterios, hoje: date) -> Contagem:
    rows = {row["fora"]: row["quantos"] for row in await DB.fetch(CONTAR, *quem.valores(hoje))}
    return Contagem(rows.pop(None, 0), rows)


async def amostra(quem: Criterios, hoje: date, quantos: int) -> list[Pessoa]:
    """The first of them."""
    return [Pessoa(**row) for row in await DB.fetch(AMOSTRA, *quem.valores(hoje), quantos)]


async def escolher(quem: Criterios, hoje: date, campanha: int, *, limite_diario: int, controle: int) -> None:
    """Write down whom the campanha takes today, up to its limit, and who of them is the control group."""
    await DB.execute(ESCOLHER, *quem.valores(hoje), campanha, limite_diario, controle)


async def lotes(campanha: int, hoje: date) -> AsyncIterator[list[Pessoa]]:
    """Those chosen today who have no message yet, the control group apart, a thousand at a time."""
    ultimo = 0
    while rows := await DB.fetch(LER_LOTE, campanha, hoje, ultimo, LOTE):
        ultimo = rows[-1]["id"]
        yield [Pessoa(row["cliente"], row["nome"], row["pedidos"], row["ultimo_pedido"]) for row in rows]


async def anotar(chatbot: int, campanha: int, hoje: date, *, plugin: str, campaign: str) -> None:
    """Which message each of them has; whom wabot left out after all was not chosen."""
    await DB.execute(ANOTAR, chatbot, campanha, hoje, plugin, campaign)
    await DB.execute(DESFAZER, campanha, hoje)
