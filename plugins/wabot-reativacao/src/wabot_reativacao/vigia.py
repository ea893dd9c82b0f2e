"""The look every minute: a campanha that must not go on is paused, with the reason a person reads."""

from typing import Any

from wabot import DB, BotContext, Job
from wabot_reativacao import texts
from wabot_reativacao.campanhas import impedimento, pausar

ATIVAS = """
SELECT campanha.id, modelo, idioma, CASE mailing.state WHEN 'pausada' THEN mailing.reason ELSE '' END AS freio
FROM reativacao.campanha LEFT JOIN mailing ON mailing.id = campanha.mailing
WHERE campanha.chatbot = $1 AND estado = 'ativa' ORDER BY campanha.id FOR UPDATE OF campanha
"""


async def vigiar(ctx: BotContext) -> str | None:
    """Pause what Meta has stopped: the number (wabot has braked its messages already), or the template."""
    motivos = [(row["id"], await _motivo(ctx.bot.id, row)) for row in await DB.fetch(ATIVAS, ctx.bot.id)]
    pausadas = [(campanha, motivo) for campanha, motivo in motivos if motivo]
    for campanha, motivo in pausadas:
        await pausar(campanha, ctx.bot.id, motivo)
    return texts.VIGIA_PAUSOU.format(quantas=len(pausadas)) if pausadas else None


async def _motivo(chatbot: int, row: Any) -> str:
    return row["freio"] or await impedimento(chatbot, row["modelo"], row["idioma"])


VIGIAR = Job("vigiar", vigiar, "* * * * *", title="Vigiar campanhas")
