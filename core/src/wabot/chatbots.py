"""Chatbots as administrators handle them: adding, finding, switching off. Secrets go in and never come out."""

from collections.abc import Collection
from datetime import datetime

import asyncpg
import msgspec

from wabot import audit
from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.phone import canonical, digits
from wabot.text import clean
from wabot.vault import Vault


class NoSuchChatbot(WabotError):
    """No chatbot has that id, number or name, or more than one does."""


class ChatbotTaken(WabotError):
    """Another chatbot has this phone_number_id already."""


class ChatbotOut(msgspec.Struct, frozen=True):
    """A chatbot without its secrets."""

    id: int
    nome: str
    numero: str
    phone_number_id: str
    business_account_id: str
    timezone: str
    throughput: int
    """Messages a second that Meta takes from the number."""
    ativo: bool
    criado_em: datetime
    atualizado_em: datetime


class ChatbotIn(msgspec.Struct, frozen=True, kw_only=True):
    """A new chatbot. Secrets left empty come from the environment."""

    nome: str
    numero: str
    phone_number_id: str
    business_account_id: str
    timezone: str
    access_token: str = ""
    app_secret: str = ""
    verify_token: str = ""

    def __repr__(self) -> str:
        return f"ChatbotIn({self.phone_number_id})"  # secrets never reach a log


async def add(new: ChatbotIn, vault: Vault) -> ChatbotOut:
    """Raises ChatbotTaken if the number is registered already."""
    try:
        row = await DB.fetchrow(
            """INSERT INTO chatbot (nome, numero, phone_number_id, business_account_id, timezone,
                                    access_token, app_secret, verify_token)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *""",
            new.nome,
            digits(new.numero),
            new.phone_number_id,
            new.business_account_id,
            new.timezone,
            *(vault.encrypt(secret) for secret in (new.access_token, new.app_secret, new.verify_token)),
        )
    except asyncpg.UniqueViolationError:
        raise ChatbotTaken(f"Já existe um chatbot com o phone_number_id {new.phone_number_id}.") from None
    return _shown(row)


async def everyone() -> list[ChatbotOut]:
    return [_shown(row) for row in await DB.fetch("SELECT * FROM chatbot ORDER BY id")]


async def find(reference: str) -> ChatbotOut:
    """By id, number or name. Raises NoSuchChatbot, saying what there is."""
    bots = await everyone()
    name = reference.strip().casefold()
    for same in (
        lambda bot: str(bot.id) == reference,
        lambda bot: canonical(bot.numero) == canonical(reference) != "",
        lambda bot: bot.nome.casefold() == name,
    ):
        found = [bot for bot in bots if same(bot)]
        if len(found) == 1:
            return found[0]
        if found:
            which = ", ".join(f"{bot.id} ({bot.nome})" for bot in found)
            raise NoSuchChatbot(f"Há mais de um chatbot {reference!r}: use o id: {which}.")
    known = ", ".join(f"{bot.id} ({bot.nome})" for bot in bots) or "nenhum; crie um com: wabot bots add"
    raise NoSuchChatbot(f"Não há chatbot {reference!r}. Chatbots: {known}.")


async def get(number: int) -> ChatbotOut:
    """By id. Raises NoSuchChatbot."""
    row = await DB.fetchrow("SELECT * FROM chatbot WHERE id = $1", number) if number < 2**31 else None
    if row is None:
        raise NoSuchChatbot(f"Não há chatbot {number}.")
    return _shown(row)


async def matching(among: Collection[int] | None, words: str, most: int) -> list[ChatbotOut]:
    """Those of `among` (None: all) whose name or number has these words in it, by name."""
    rows = await DB.fetch(
        """SELECT * FROM chatbot WHERE ($1::int[] IS NULL OR id = ANY ($1))
           AND (strpos(lower(nome), lower($2)) > 0 OR strpos(numero, $2) > 0) ORDER BY lower(nome), id LIMIT $3""",
        None if among is None else list(among),
        clean(words).strip(),
        most,
    )
    return [_shown(row) for row in rows]


class ChatbotChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; empty and 0 leave as it is."""

    access_token: str = ""
    app_secret: str = ""
    verify_token: str = ""
    throughput: int = 0

    def __repr__(self) -> str:
        return "ChatbotChange()"  # secrets never reach a log


async def update(chatbot: int, change: ChatbotChange, vault: Vault) -> ChatbotOut:
    """New credentials lift what Meta's refusal of the old ones held up."""
    changed = [name for name in change.__struct_fields__ if getattr(change, name)]
    async with DB.transaction():
        row = await DB.fetchrow(
            """UPDATE chatbot SET access_token = coalesce($2, access_token), app_secret = coalesce($3, app_secret),
                   verify_token = coalesce($4, verify_token), throughput = coalesce($5, throughput),
                   atualizado_em = now()
               WHERE id = $1 RETURNING *""",
            chatbot,
            *(
                vault.encrypt(secret) if secret else None
                for secret in (change.access_token, change.app_secret, change.verify_token)
            ),
            change.throughput or None,
        )
        await audit.record("mudar", "chatbot", chatbot, chatbot=chatbot, campos=changed)
    return _shown(row)


async def disable(chatbot: int) -> ChatbotOut:
    """Switch a chatbot off: nothing is deleted, and what Meta still sends is kept in quarantine."""
    row = await DB.fetchrow(
        "UPDATE chatbot SET ativo = false, atualizado_em = now() WHERE id = $1 RETURNING *", chatbot
    )
    return _shown(row)


def _shown(row: asyncpg.Record) -> ChatbotOut:
    return ChatbotOut(**{name: row[name] for name in ChatbotOut.__struct_fields__})
