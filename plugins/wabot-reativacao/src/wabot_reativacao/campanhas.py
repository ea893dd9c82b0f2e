"""A campanha's life: rascunho, ativa, pausada, encerrada. What waits in the outbox follows it through its mailing."""

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from wabot import DB, BotContext, Horario, Mailing
from wabot_reativacao import modelos, texts

if TYPE_CHECKING:
    from litestar.exceptions import ClientException

PLUGIN = "reativacao"

TRANCAR = "SELECT * FROM reativacao.campanha WHERE id = $1 AND chatbot = $2 FOR UPDATE"
MUDAR = """
UPDATE reativacao.campanha SET estado = $2, motivo = $3, mailing = coalesce($4, mailing), atualizado_em = now(),
    iniciada_em = coalesce(iniciada_em, CASE $2 WHEN 'ativa' THEN now() END) WHERE id = $1
"""
RETIRADAS = """
UPDATE reativacao.envio SET retirada = true FROM outbox
WHERE envio.campanha = $1 AND outbox.id = envio.outbox AND outbox.state = 'falhou' AND error = $2
"""
QUALIDADE = "SELECT value FROM number_state WHERE chatbot = $1 AND fact = 'quality'"
VERMELHA = "RED"


def hoje(ctx: BotContext) -> date:
    """The day of the bot's calendar: the round."""
    return ctx.now.astimezone(ZoneInfo(ctx.bot.timezone)).date()


async def hoje_de(chatbot: int) -> date:
    """The same, of a chatbot of which only the id is at hand."""
    zona: str = await DB.fetchval("SELECT timezone FROM chatbot WHERE id = $1", chatbot)
    return datetime.now(ZoneInfo(zona)).date()


async def iniciar(id: int, chatbot: int) -> None:
    """From the next run on, it writes. Raises ClientException (409) with what stands in its way."""
    async with DB.transaction():
        row = await _trancada(id, chatbot, {"rascunho"}, "iniciada")
        await _sem_impedimento(row)
        mailing = await Mailing.start(chatbot, PLUGIN, silencio(row))
        await DB.execute(MUDAR, id, "ativa", "", mailing.id)


async def pausar(id: int, chatbot: int, motivo: str = texts.POR_PESSOA) -> None:
    """Nobody more is chosen, and what waits in the outbox stays there. Raises ClientException (409)."""
    async with DB.transaction():
        row = await _trancada(id, chatbot, {"ativa"}, "pausada")
        await Mailing(chatbot, row["mailing"]).pause(motivo)
        await DB.execute(MUDAR, id, "pausada", motivo, None)


async def retomar(id: int, chatbot: int) -> None:
    """It goes on, with what waits first. Raises ClientException (409) with what stands in its way."""
    async with DB.transaction():
        row = await _trancada(id, chatbot, {"pausada"}, "retomada")
        await _sem_impedimento(row)
        await Mailing(chatbot, row["mailing"]).resume()
        await DB.execute(MUDAR, id, "ativa", "", None)


async def parar(id: int, chatbot: int) -> None:
    """For good: what waits is withdrawn, and those people may be chosen by another campanha."""
    async with DB.transaction():
        row = await _trancada(id, chatbot, {"ativa", "pausada"}, "encerrada")
        await Mailing(chatbot, row["mailing"]).withdraw()
        await DB.execute(RETIRADAS, id, Mailing.WITHDRAWN)
        await DB.execute(MUDAR, id, "encerrada", "", None)


async def impedimento(chatbot: int, nome: str, idioma: str) -> str:
    """Why nothing with this template should be sent now, for people; empty: nothing stands in the way."""
    modelo = await modelos.achar(chatbot, nome, idioma)
    if modelo is None or modelo.status == "DELETED":
        return texts.MODELO_SUMIU.format(nome=nome)
    if modelo.status != modelos.APROVADO:
        parado = texts.MODELO_PARADO.get(modelo.status, texts.MODELO_INDISPONIVEL)
        return parado.format(nome=nome, status=modelo.status or "desconhecida")
    if await DB.fetchval(QUALIDADE, chatbot) == VERMELHA:
        return texts.NUMERO_VERMELHO
    return ""


def silencio(campanha: Any) -> Horario:
    """The hours in which it writes to nobody."""
    return Horario(time.fromisoformat(campanha["silencio_das"]), time.fromisoformat(campanha["silencio_ate"]))


async def _trancada(id: int, chatbot: int, de: set[str], acao: str) -> Any:
    row = await DB.fetchrow(TRANCAR, id, chatbot)
    if row is None:
        raise _recusa(texts.SEM_CAMPANHA, 404)
    if row["estado"] not in de:
        raise _recusa(texts.NAO_PODE.format(estado=row["estado"], acao=acao))
    return row


async def _sem_impedimento(row: Any) -> None:
    modelo = await modelos.achar(row["chatbot"], row["modelo"], row["idioma"])
    recusa = modelo.recusa(len(row["parametros"])) if modelo else {}
    if motivo := await impedimento(row["chatbot"], row["modelo"], row["idioma"]) or next(
        iter(recusa.values()), ""
    ):
        raise _recusa(motivo)


def _recusa(detail: str, status: int = 409) -> "ClientException":
    # here, as a worker needs the campanhas without the web framework
    from litestar.exceptions import ClientException

    return ClientException(detail=detail, status_code=status)
