"""Campaigns: an audience becomes rows of the outbox, in one transaction, each cliente once a round."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from datetime import date
from zoneinfo import ZoneInfo

from wabot.db.engine import DB
from wabot.errors import FlowFault
from wabot.message import TemplateMessage
from wabot.outbox import encode
from wabot.parts import Audience, BotContext, Campaign, Recipient

# Only clientes of this bot who accept to be written to. The outbox ids are drawn first, so that both tables agree.
INVITE = """
WITH asked AS (
    SELECT DISTINCT ON (cliente) *
    FROM unnest($5::bigint[], $6::json[], $7::bigint[]) WITH ORDINALITY AS a (cliente, content, mailing, place)
    ORDER BY cliente, place
), invited AS (
    INSERT INTO campaign_send (chatbot, plugin, campaign, round, cliente, outbox)
    SELECT $1, $2, $3, $4, cliente.id, nextval(pg_get_serial_sequence('outbox', 'id'))
    FROM asked JOIN cliente ON cliente.id = asked.cliente
    WHERE cliente.chatbot = $1 AND ativo AND aceita_marketing
    FOR KEY SHARE OF cliente SKIP LOCKED -- not who is being erased at this moment
    ON CONFLICT DO NOTHING RETURNING cliente, outbox
), said AS (
    INSERT INTO outbox (id, chatbot, conversa, content, bulk, mailing) OVERRIDING SYSTEM VALUE
    SELECT invited.outbox, $1, conversa.id, content, true, mailing.id
    FROM invited JOIN asked USING (cliente) JOIN conversa USING (cliente)
        LEFT JOIN mailing ON mailing.id = asked.mailing AND mailing.chatbot = $1
)
SELECT count(*) FROM invited
"""


async def send(plugin: str, campaign: Campaign, context: BotContext) -> str:
    """Ask the plugin to whom and what, and put that in the outbox. Says how many, for whoever reads the result.

    Raises FlowFault for an audience that is none, and whatever the plugin raises.
    """
    asked = invited = 0
    async for lot in _lots(campaign.audience(context)):
        asked += len(_checked(campaign, lot))
        invited += await DB.fetchval(
            INVITE,
            context.bot.id,
            plugin,
            campaign.name,
            _round(context),
            [recipient.cliente for recipient in lot],
            encode(recipient.template for recipient in lot),
            [recipient.mailing for recipient in lot],
        )
    left_out = asked - invited
    return (
        f"Mensagens na fila: {invited}. Fora (sem consentimento, inativos ou já avisados hoje): {left_out}."
    )


async def _lots(audience: Audience) -> AsyncIterator[Sequence[Recipient]]:
    """The generator's lots, one after the other, or all at once. A generator is closed whatever happens."""
    if isinstance(audience, AsyncGenerator):
        async with aclosing(audience):
            async for lot in audience:
                yield lot
    elif isinstance(audience, AsyncIterator):
        async for lot in audience:
            yield lot
    else:
        yield await audience


def _checked(campaign: Campaign, audience: Sequence[Recipient]) -> Sequence[Recipient]:
    for recipient in audience:
        if not (isinstance(recipient, Recipient) and isinstance(recipient.template, TemplateMessage)):
            raise FlowFault(f"campaign {campaign.name}: {type(recipient).__name__} is not a Recipient")
    return audience


def _round(context: BotContext) -> date:
    """The day of the bot's calendar."""
    return context.now.astimezone(ZoneInfo(context.bot.timezone)).date()
