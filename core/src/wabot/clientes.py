"""Clientes as a business handles them: adding, changing, removing. Those who write first come in through identity."""

from collections.abc import Mapping
from typing import Any

import asyncpg
from msgspec import UNSET

from wabot import audit, consent
from wabot.db.engine import DB
from wabot.db.tables import Cliente
from wabot.errors import WabotError, WrongFields
from wabot.phone import canonical, international
from wabot.text import clean

TAKEN = "Este chatbot já tem um cliente com este telefone ou BSUID."
NO_PHONE = "Informe o número com código do país e DDD, por exemplo +55 11 90000-0001."
NOBODY = "Informe o telefone ou o BSUID."

HISTORY = """
SELECT last_inbound_at IS NOT NULL OR EXISTS (SELECT FROM campaign_send WHERE campaign_send.cliente = $1)
    OR EXISTS (SELECT FROM cliente_merge WHERE $1 IN (survivor, absorbed))
FROM conversa WHERE conversa.cliente = $1
"""


class HasHistory(WabotError):
    """A cliente who has written, been written to or ordered is not removed: what happened would hang in the air."""


class Merged(WabotError):
    """A cliente who was found to be the same person as another one: that one goes on, this row stays as it was."""


async def add(chatbot: int, fields: Mapping[str, Any], *, how: str) -> Cliente:
    """A new cliente; `how` they came here, as the proof of their consent tells it. Raises WrongFields."""
    columns = written(fields)
    if not columns.get("wa_id") and not columns.get("bsuid"):
        raise WrongFields({"telefone": NOBODY})
    accepts = columns.pop("aceita_marketing", False)
    async with DB.transaction():
        try:
            cliente = Cliente(chatbot=chatbot, **columns)
            await cliente.save()
        except asyncpg.UniqueViolationError as error:
            raise _taken(error) from None
        if accepts:
            await consent.told([cliente.id], accepts=True, how=how)
            await cliente.refresh()
        await audit.record("criar", "cliente", cliente.id, chatbot=chatbot)
    return cliente


async def change(cliente: Cliente, fields: Mapping[str, Any], *, how: str) -> Cliente:
    """Write the fields given; UNSET is not given. `how`, as in `add`. Raises WrongFields and Merged."""
    columns = written(fields)
    if cliente.mesclado_em is not None:
        raise Merged(f"Este cliente é a mesma pessoa que o cliente {cliente.mesclado_em}: mude aquele.")
    if "wa_id" in columns and columns["phone_key"] == cliente.phone_key:
        del columns["wa_id"]  # WhatsApp's own spelling of the same number stays
    elif "wa_id" in columns:
        columns["wa_id_proved"] = False
    if not columns.get("phone_key", cliente.phone_key) and not columns.get("bsuid", cliente.bsuid):
        raise WrongFields({"telefone": NOBODY})
    accepts = columns.pop("aceita_marketing", cliente.aceita_marketing)
    async with DB.transaction():
        try:
            if columns:
                await Cliente.update(columns).where(Cliente.id == cliente.id)
        except asyncpg.UniqueViolationError as error:
            raise _taken(error) from None
        if accepts != cliente.aceita_marketing:
            await consent.told([cliente.id], accepts=accepts, how=how)
        await cliente.refresh()
        named = [name for name, value in fields.items() if value is not UNSET]
        await audit.record("mudar", "cliente", cliente.id, chatbot=cliente.chatbot, campos=named)
    return cliente


async def remove(cliente: Cliente) -> None:
    """Take back somebody who was added and never did anything. Raises HasHistory."""
    why = (
        "Este cliente tem conversas ou pedidos, que ficariam sem dono. Desative-o (ativo: false) "
        f"ou, se a pessoa pedir, apague tudo dela: POST /api/clientes/{cliente.id}/apagar/."
    )
    async with DB.transaction():
        await DB.execute("SELECT FROM cliente WHERE id = $1 FOR UPDATE", cliente.id)
        if await DB.fetchval(HISTORY, cliente.id):
            raise HasHistory(why)
        await audit.record("apagar", "cliente", cliente.id, chatbot=cliente.chatbot)
        try:
            await cliente.remove()
        except asyncpg.ForeignKeyViolationError:  # a plugin's table
            raise HasHistory(why) from None


def written(fields: Mapping[str, Any]) -> dict[Any, Any]:
    """The columns for what somebody wrote. Raises WrongFields for a phone that can be none."""
    given = {name: value for name, value in fields.items() if value is not UNSET}
    columns = {
        name: clean(value).strip() if isinstance(value, str) else value for name, value in given.items()
    }
    if "bsuid" in columns:
        columns["bsuid"] = columns["bsuid"] or None
    if "telefone" in columns:
        columns |= phone(columns["telefone"])
    return columns


def phone(telefone: str) -> dict[str, str | None]:
    """How a phone is kept: as written, as WhatsApp wants it, as it is compared. Raises WrongFields."""
    number = international(telefone)
    if telefone and not 8 <= len(number) <= 15:
        raise WrongFields({"telefone": NO_PHONE})
    return {"telefone": telefone, "wa_id": number or None, "phone_key": canonical(number) or None}


def _taken(error: asyncpg.UniqueViolationError) -> WrongFields:
    field = "bsuid" if "bsuid" in (error.constraint_name or "") else "telefone"
    return WrongFields({field: TAKEN})
