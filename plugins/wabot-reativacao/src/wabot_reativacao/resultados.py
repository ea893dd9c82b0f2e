"""What a campanha has brought, beside its control group: people who were chosen in the same way and not written to.

Rates are of the people chosen, not of those reached: else whoever could not be reached would flatter the campanha.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from wabot import DB, BotContext, Job, Mailing
from wabot_reativacao import texts
from wabot_reativacao.perfil import JANELA_DIAS
from wabot_reativacao.precos import em_centavos

# The message knows best, as long as it is kept; then what was written down of it.
SITUACAO = """
FROM reativacao.envio LEFT JOIN outbox ON outbox.id = envio.outbox
    LEFT JOIN conversa ON conversa.cliente = envio.cliente
WHERE envio.campanha = ANY ($1) AND NOT retirada
"""
ENTREGUE = "coalesce(outbox.delivered_at, outbox.read_at, envio.entregue_em, envio.lida_em)"
RESPONDEU = """coalesce(envio.respondeu_em, CASE WHEN last_inbound_at > envio.em
    AND last_inbound_at <= envio.em + make_interval(days => $2) THEN last_inbound_at END)"""

GRUPOS = f"""
SELECT envio.campanha, controle, count(*) AS pessoas,
    count(coalesce(outbox.sent_at, enviada_em)) AS enviadas, count({ENTREGUE}) AS entregues,
    count(coalesce(outbox.read_at, lida_em)) AS lidas, count({RESPONDEU}) AS responderam,
    count(voltou_em) AS voltaram, coalesce(sum(receita), 0)::bigint AS receita
{SITUACAO} GROUP BY 1, 2
"""
CUSTOS = f"""
SELECT envio.campanha, coalesce(nullif(coalesce(outbox.price_category, categoria), ''), 'MARKETING') AS categoria,
    ({ENTREGUE})::date AS dia, count(*) AS quantas
{SITUACAO} AND {ENTREGUE} IS NOT NULL AND NOT coalesce(NOT outbox.billable, gratis) GROUP BY 1, 2, 3
"""
FILA = """
SELECT campanha, count(*) AS quantas FROM reativacao.envio JOIN outbox ON outbox.id = envio.outbox
WHERE campanha = ANY ($1) AND outbox.state = 'pendente' GROUP BY 1
"""

# Messages are kept for eight days at least, and this runs every hour. An answer is the first one that is seen. Only
# rows that change are written: nearly all of a month's have told what they had to tell.
NOVO = ("enviada_em", "entregue_em", "lida_em", "categoria", "gratis", "retirada", "respondeu_em")
APURAR = f"""
UPDATE reativacao.envio AS antes SET {", ".join(f"{nome} = agora.{nome}" for nome in NOVO)}
FROM (
    SELECT envio.id, coalesce(outbox.sent_at, envio.enviada_em) AS enviada_em, {ENTREGUE} AS entregue_em,
        coalesce(outbox.read_at, envio.lida_em) AS lida_em,
        coalesce(outbox.price_category, envio.categoria) AS categoria,
        coalesce(NOT outbox.billable, envio.gratis) AS gratis,
        retirada OR coalesce(outbox.state = 'falhou' AND outbox.error = $3, false) AS retirada,
        {RESPONDEU} AS respondeu_em
    FROM reativacao.envio LEFT JOIN outbox ON outbox.id = envio.outbox
        LEFT JOIN conversa ON conversa.cliente = envio.cliente
    WHERE envio.chatbot = $1 AND envio.dia > current_date - 2 - $2::int
) AS agora
WHERE antes.id = agora.id
    AND ({", ".join(f"antes.{nome}" for nome in NOVO)}) IS DISTINCT FROM ({", ".join(f"agora.{nome}" for nome in NOVO)})
"""  # noqa: S608


class Grupo(msgspec.Struct):
    """People of a campanha and what they did. The control group was sent nothing."""

    pessoas: int = 0
    enviadas: int = 0
    entregues: int = 0
    lidas: int = 0
    responderam: int = 0
    voltaram: int = 0
    receita: int = 0


class Resultado(msgspec.Struct):
    """Both groups, what waits, and what it cost (centavos)."""

    avisados: Grupo = msgspec.field(default_factory=Grupo)
    controle: Grupo = msgspec.field(default_factory=Grupo)
    na_fila: int = 0
    custo: int = 0

    @property
    def receita_a_mais(self) -> int | None:
        """Revenue beyond what as many people of the control group would have brought; None without one."""
        if not self.controle.pessoas:
            return None
        return self.avisados.receita - self.controle.receita * self.avisados.pessoas // self.controle.pessoas


async def de(campanhas: Sequence[int]) -> dict[int, Resultado]:
    """The results of each of these."""
    ids = list(campanhas)
    resultados = {campanha: Resultado() for campanha in ids}
    for row in await DB.fetch(GRUPOS, ids, JANELA_DIAS):
        grupo = Grupo(**{nome: row[nome] for nome in Grupo.__struct_fields__})
        setattr(resultados[row["campanha"]], "controle" if row["controle"] else "avisados", grupo)
    for row in await DB.fetch(FILA, ids):
        resultados[row["campanha"]].na_fila = row["quantas"]
    custos = await DB.fetch(CUSTOS, ids)
    for campanha, resultado in resultados.items():
        resultado.custo = em_centavos(_mensagem(row) for row in custos if row["campanha"] == campanha)
    return resultados


def _mensagem(row: Any) -> tuple[str, Any, int]:
    return row["categoria"], row["dia"], row["quantas"]


async def apurar(ctx: BotContext) -> str:
    """Keep what became of each message, before the message itself is removed."""
    status = await DB.execute(APURAR, ctx.bot.id, JANELA_DIAS, Mailing.WITHDRAWN)
    return texts.APURADOS.format(quantos=status.rpartition(" ")[2])


APURAR_DE_HORA_EM_HORA = Job("apurar", apurar, "17 * * * *", title="Apurar resultados de campanhas")
