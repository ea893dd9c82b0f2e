"""Bots made of values, for tests of what runs outside a conversation: no registry, no installed plugin."""

from collections.abc import Iterable
from typing import Any

from wabot import chatbots
from wabot.chatbots import ChatbotIn
from wabot.db.directory import Bot
from wabot.db.engine import DB
from wabot.flow import Chatbot
from wabot.message import Outbound, TextMessage
from wabot.outbox import encode
from wabot.parts import Bound
from wabot.plugins.runtime import BotRuntime
from wabot.vault import Vault

PLUGIN = "anotador"


class FixedRuntimes:
    """Stands in for Runtimes: exactly these bots."""

    def __init__(self, *runtimes: BotRuntime) -> None:
        self.all = list(runtimes)

    def get(self, chatbot: int) -> BotRuntime | None:
        return next((runtime for runtime in self.all if runtime.bot.id == chatbot), None)


async def add_bot(number: int = 1) -> Bot:
    """A chatbot in the database."""
    fields = {
        "nome": f"Loja {number}",
        "numero": f"551190000000{number}",
        "phone_number_id": f"20000000000000{number}",
        "business_account_id": "300000000000001",
        "timezone": "America/Sao_Paulo",
        "access_token": "token-de-acesso",
    }
    made = await chatbots.add(ChatbotIn(**fields), Vault(("chave-de-teste-0123456789",)))
    since = await DB.fetchval("SELECT credentials_at FROM chatbot WHERE id = $1", made.id)
    return Bot(id=made.id, ativo=True, app_secret="", verify_token="", credentials_at=since, **fields)


def runtime(bot: Bot, plugin: str = PLUGIN, **kinds: Iterable[Any]) -> BotRuntime:
    """The bot with these jobs, sinks or campaigns of one plugin."""
    bound = {kind: tuple(Bound(plugin, value) for value in values) for kind, values in kinds.items()}
    return BotRuntime(bot, Chatbot(bot.id, bot.nome, bot.timezone), (plugin,), **bound)


async def add_cliente(
    bot: Bot, nome: str = "Ana", *, ativo: bool = True, aceita_marketing: bool = True
) -> int:
    """A cliente with a number of their own, who accepts to be written to."""
    return await DB.fetchval(
        """INSERT INTO cliente (chatbot, nome, ativo, aceita_marketing, wa_id)
           VALUES ($1, $2, $3, $4, '55119' || lpad(nextval('cliente_id_seq')::text, 8, '7')) RETURNING id""",
        bot.id,
        nome,
        ativo,
        aceita_marketing,
    )


async def conversa_of(cliente: int) -> int:
    return await DB.fetchval("SELECT id FROM conversa WHERE cliente = $1", cliente)


async def says(cliente: int, *said: str | Outbound) -> int:
    """The bot answers what the cliente has just written. Returns the conversa, which nobody has rung for."""
    conversa = await conversa_of(cliente)
    await DB.execute("UPDATE conversa SET last_inbound_at = now() WHERE id = $1", conversa)
    await DB.execute(
        """INSERT INTO outbox (chatbot, conversa, content)
           SELECT chatbot, id, content FROM conversa, unnest($2::json[]) AS content WHERE id = $1""",
        conversa,
        encode(TextMessage(one) if isinstance(one, str) else one for one in said),
    )
    return conversa
