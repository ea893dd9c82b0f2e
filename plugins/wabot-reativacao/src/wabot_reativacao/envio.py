"""The daily run: each campanha that is ativa chooses its people, and hands them over lot by lot."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from wabot import DB, BotContext, Campaign, Recipient, TemplateMessage
from wabot_reativacao import publico
from wabot_reativacao.campanhas import PLUGIN, hoje, impedimento
from wabot_reativacao.parametros import Pessoa, preenchidos

NOME = "reativacao"
ATIVAS = "SELECT * FROM reativacao.campanha WHERE chatbot = $1 AND estado = 'ativa' ORDER BY id"


async def audiencia(ctx: BotContext) -> AsyncIterator[Sequence[Recipient]]:
    """Everybody who is to be written to today. Two campanhas never choose the same person."""
    for campanha in await DB.fetch(ATIVAS, ctx.bot.id):
        if await impedimento(ctx.bot.id, campanha["modelo"], campanha["idioma"]):
            continue  # the next look pauses it, and says why
        dia = hoje(ctx)
        await _escolher(campanha, ctx)
        async for pessoas in publico.lotes(campanha["id"], dia):
            yield [_destinatario(campanha, pessoa, ctx.bot.timezone) for pessoa in pessoas]
        await publico.anotar(ctx.bot.id, campanha["id"], dia, plugin=PLUGIN, campaign=NOME)


async def _escolher(campanha: Any, ctx: BotContext) -> None:
    quem = publico.Criterios(*(campanha[nome] for nome in publico.Criterios.__struct_fields__))
    await publico.escolher(
        quem,
        hoje(ctx),
        campanha["id"],
        limite_diario=campanha["limite_diario"],
        controle=campanha["controle"],
    )


def _destinatario(campanha: Any, pessoa: Pessoa, timezone: str) -> Recipient:
    parametros = preenchidos(campanha["parametros"], pessoa, timezone)
    modelo = TemplateMessage(campanha["modelo"], campanha["idioma"], parametros)
    return Recipient(pessoa.cliente, modelo, campanha["mailing"])


REATIVACAO = Campaign(NOME, audiencia, title="Reativação")
