"""Chatbots as administrators handle them: adding, finding, switching off. Secrets go in and never come out."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
import msgspec
from msgspec import Meta

from wabot import audit
from wabot.db.engine import DB
from wabot.db.tables import Chatbot
from wabot.errors import WabotError
from wabot.phone import canonical, digits
from wabot.text import clean
from wabot.vault import Vault


class NoSuchChatbot(WabotError):
    """No chatbot has that id, number or name, or more than one does."""


class ChatbotTaken(WabotError):
    """Another chatbot has this phone_number_id already."""


SECRETS = ("access_token", "app_secret", "verify_token")


class ChatbotOut(msgspec.Struct, frozen=True):
    """A chatbot without its secrets."""

    id: Annotated[int, Meta(description="O id do chatbot.")]
    nome: Annotated[str, Meta(description="Como o chatbot é chamado.")]
    numero: Annotated[str, Meta(description="O número no WhatsApp, só algarismos.")]
    phone_number_id: Annotated[str, Meta(description="O id do número na Meta.")]
    business_account_id: Annotated[str, Meta(description="O id da conta do WhatsApp Business (WABA).")]
    timezone: Annotated[str, Meta(description="Fuso horário.")]
    throughput: Annotated[int, Meta(description="Mensagens por segundo que a Meta aceita do número.")]
    ativo: Annotated[bool, Meta(description="Falso: nada é respondido.")]
    criado_em: Annotated[datetime, Meta(description="UTC.")]
    atualizado_em: Annotated[datetime, Meta(description="UTC.")]
    credenciais: Annotated[
        list[str], Meta(description="Quais credenciais próprias tem; o valor nunca é mostrado.")
    ]


class ChatbotIn(msgspec.Struct, frozen=True, kw_only=True):
    """A new chatbot. Secrets left empty come from the environment."""

    nome: str
    numero: str
    phone_number_id: str
    business_account_id: str
    timezone: str
    throughput: int = 80
    ativo: bool = True
    access_token: str = ""
    app_secret: str = ""
    verify_token: str = ""

    def __repr__(self) -> str:
        return f"ChatbotIn({self.phone_number_id})"  # secrets never reach a log


async def add(new: ChatbotIn, vault: Vault) -> ChatbotOut:
    """Raises ChatbotTaken if the number is registered already."""
    secrets = [vault.encrypt(getattr(new, name)) for name in SECRETS]
    try:
        async with DB.transaction():
            row = await DB.fetchrow(
                """INSERT INTO chatbot (nome, numero, phone_number_id, business_account_id, timezone, throughput, ativo,
                                        access_token, app_secret, verify_token)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING *""",
                new.nome,
                digits(new.numero),
                new.phone_number_id,
                new.business_account_id,
                new.timezone,
                new.throughput,
                new.ativo,
                *secrets,
            )
            await audit.record("criar", "chatbot", row["id"], chatbot=row["id"])
    except asyncpg.UniqueViolationError:
        raise _taken(new.phone_number_id) from None
    return shown(row)


async def change(chatbot: int, fields: Mapping[str, Any], vault: Vault) -> ChatbotOut:
    """Write the fields given, secrets encrypted; an empty secret gives way to the environment's. New credentials lift
    what Meta's refusal of the old ones held up.

    Raises ChatbotTaken, with nothing changed.
    """
    columns: dict[Any, Any] = {
        name: vault.encrypt(value) if name in SECRETS else value for name, value in fields.items()
    }
    if "numero" in columns:
        columns["numero"] = digits(columns["numero"])
    try:
        async with DB.transaction():
            await Chatbot.update({"atualizado_em": datetime.now(UTC)} | columns).where(Chatbot.id == chatbot)
            await audit.record("mudar", "chatbot", chatbot, chatbot=chatbot, campos=list(fields))
    except asyncpg.UniqueViolationError:
        raise _taken(columns["phone_number_id"]) from None
    return shown(await DB.fetchrow("SELECT * FROM chatbot WHERE id = $1", chatbot))


async def everyone() -> list[ChatbotOut]:
    return [shown(row) for row in await DB.fetch("SELECT * FROM chatbot ORDER BY id")]


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
    return shown(row)


async def matching(among: Collection[int] | None, words: str, most: int) -> list[ChatbotOut]:
    """Those of `among` (None: all) whose name or number has these words in it, by name."""
    rows = await DB.fetch(
        """SELECT * FROM chatbot WHERE ($1::int[] IS NULL OR id = ANY ($1))
           AND (strpos(lower(nome), lower($2)) > 0 OR strpos(numero, $2) > 0) ORDER BY lower(nome), id LIMIT $3""",
        None if among is None else list(among),
        clean(words).strip(),
        most,
    )
    return [shown(row) for row in rows]


async def disable(chatbot: int) -> ChatbotOut:
    """Switch a chatbot off: nothing is deleted, and what Meta still sends is kept in quarantine."""
    async with DB.transaction():
        row = await DB.fetchrow(
            "UPDATE chatbot SET ativo = false, atualizado_em = now() WHERE id = $1 RETURNING *", chatbot
        )
        await audit.record("mudar", "chatbot", chatbot, chatbot=chatbot, campos={"ativo": False})
    return shown(row)


def shown(row: Any) -> ChatbotOut:
    """A row as people see it."""
    fields = {name: row[name] for name in ChatbotOut.__struct_fields__ if name != "credenciais"}
    return ChatbotOut(**fields, credenciais=[name for name in SECRETS if row[name]])


def _taken(phone_number_id: str) -> ChatbotTaken:
    return ChatbotTaken(f"Já existe um chatbot com o phone_number_id {phone_number_id}.")
