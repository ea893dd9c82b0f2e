"""The plugin's page in the panel: every campanha, how it stands and what it has brought; and what it would do now."""

from typing import Any

from wabot import Html, PageContext
from wabot_reativacao import resultados
from wabot_reativacao.previa import previa
from wabot_reativacao.tables import Campanha

MOSTRA = 50
"""Campanhas on the page, the newest first. The API has the rest."""


async def campanhas(ctx: PageContext) -> Html:
    """With `?previa=ID` also the preview of one: it reads all clientes, so it is only made when asked for."""
    rows = await _do_chatbot(ctx).order_by(Campanha.id, ascending=False).limit(MOSTRA)
    pedida = ctx.query.get("previa", "")
    escolhida = next((row for row in rows if str(row.id) == pedida), None)
    return Html(
        "campanhas.html",
        {
            "campanhas": rows,
            "resultados": await resultados.de([row.id for row in rows]),
            "escolhida": escolhida,
            "previa": await previa(escolhida) if escolhida else None,
        },
    )


def _do_chatbot(ctx: PageContext) -> Any:
    return Campanha.objects().where(Campanha.chatbot == ctx.bot.id)
