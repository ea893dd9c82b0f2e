"""People who may enter the panel: an e-mail, a password, and a role (papel) on each chatbot they work for."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import asyncpg
import msgspec

from wabot import audit, passwords
from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.parts import Papel

PAPEIS: tuple[Papel, ...] = get_args(Papel)

_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\".]+")
LONGEST_EMAIL = 254
"""RFC 5321."""

ROLES = """
(SELECT coalesce(json_object_agg(papel.chatbot, papel.papel), '{}') FROM papel WHERE papel.pessoa = pessoa.id) AS papeis
"""
"""A column for selections from `pessoa`: see person_of."""
WITH_ROLES = f"SELECT pessoa.*, {ROLES} FROM pessoa"  # noqa: S608 - a constant


class NotAnEmail(WabotError):
    """What was given does not look like an e-mail address."""


class EmailTaken(WabotError):
    """Somebody has this e-mail already."""


class NoSuchPerson(WabotError):
    """Nobody has that id or e-mail."""


class Person(msgspec.Struct, frozen=True):
    """Somebody known, and what they may do."""

    id: int
    email: str
    superuser: bool = False
    roles: dict[int, Papel] = {}
    """By chatbot."""

    def may(self, chatbot: int, papel: Papel) -> bool:
        """Whether they may do on this chatbot what that role may."""
        if self.superuser:
            return True
        own = self.roles.get(chatbot)
        return own is not None and PAPEIS.index(own) >= PAPEIS.index(papel)

    @property
    def chatbots(self) -> frozenset[int] | None:
        """Those they may see. None: all of them."""
        return None if self.superuser else frozenset(self.roles)


class PersonOut(msgspec.Struct, frozen=True):
    """A person as administrators see them: everything but the password."""

    id: int
    email: str
    superuser: bool
    ativo: bool
    papeis: dict[int, Papel]
    criado_em: datetime
    entrou_em: datetime | None


def normalised(email: str) -> str:
    """As e-mails are compared: no spaces around, lower case. Raises NotAnEmail."""
    plain = unicodedata.normalize("NFKC", email).strip().lower()
    if len(plain) > LONGEST_EMAIL or not plain.isprintable() or not _EMAIL.fullmatch(plain):
        raise NotAnEmail(f"{email[:80]!r} não parece um e-mail. Use, por exemplo, ana@empresa.com.br.")
    return plain


async def add(
    email: str, senha: str, *, superuser: bool = False, papeis: Mapping[int, Papel] | None = None
) -> PersonOut:
    """Raises NotAnEmail, passwords.WeakPassword or EmailTaken; then nobody was added."""
    email, roles = normalised(email), dict(papeis or {})
    passwords.require_strong(senha, email)
    kept = await passwords.hashed(senha)
    async with DB.transaction():
        try:
            number = await DB.fetchval(
                "INSERT INTO pessoa (email, senha, superuser) VALUES ($1, $2, $3) RETURNING id",
                email,
                kept,
                superuser,
            )
        except asyncpg.UniqueViolationError:
            raise EmailTaken(f"Já existe uma pessoa com o e-mail {email}.") from None
        await audit.record("criar", "pessoa", number, campos={"email": email, "superuser": superuser})
        for chatbot, papel in roles.items():
            await grant(number, chatbot, papel)
        return await _shown(number)


async def everyone() -> list[PersonOut]:
    return [_out(row) for row in await DB.fetch(f"{WITH_ROLES} ORDER BY email")]


async def find(reference: str) -> PersonOut:
    """By id or e-mail. Raises NoSuchPerson."""
    plain = reference.strip().lower()
    row = await DB.fetchrow(f"{WITH_ROLES} WHERE email = $1 OR id::text = $1", plain)
    if row is None:
        raise NoSuchPerson(f"Não há pessoa {reference!r}. Veja quem há: wabot users list")
    return _out(row)


async def set_password(number: int, senha: str, *, keep: bytes | None = None) -> None:
    """A new password ends the person's sessions, all but the one kept. Raises WeakPassword."""
    email = await DB.fetchval("SELECT email FROM pessoa WHERE id = $1", number)
    passwords.require_strong(senha, email)
    kept = await passwords.hashed(senha)
    async with DB.transaction():
        await DB.execute("UPDATE pessoa SET senha = $2, atualizado_em = now() WHERE id = $1", number, kept)
        await _end_sessions(number, keep)
        await audit.record("mudar", "pessoa", number, campos=["senha"])


async def grant(number: int, chatbot: int, papel: Papel) -> PersonOut:
    """Give a role on a chatbot, in the place of the one they had there."""
    async with DB.transaction():
        await DB.execute(
            """INSERT INTO papel (pessoa, chatbot, papel) VALUES ($1, $2, $3)
               ON CONFLICT (pessoa, chatbot) DO UPDATE SET papel = excluded.papel""",
            number,
            chatbot,
            papel,
        )
        await audit.record("mudar", "pessoa", number, chatbot=chatbot, campos={"papel": papel})
        return await _shown(number)


async def withdraw(number: int, chatbot: int) -> PersonOut:
    """Take the role on a chatbot away. It counts from the next click: roles are read with every request."""
    async with DB.transaction():
        await DB.execute("DELETE FROM papel WHERE pessoa = $1 AND chatbot = $2", number, chatbot)
        await audit.record("mudar", "pessoa", number, chatbot=chatbot, campos={"papel": None})
        return await _shown(number)


async def set_active(number: int, ativo: bool) -> PersonOut:
    """Let a person in again, or keep them out and end their sessions."""
    async with DB.transaction():
        await DB.execute("UPDATE pessoa SET ativo = $2, atualizado_em = now() WHERE id = $1", number, ativo)
        if not ativo:
            await _end_sessions(number)
        await audit.record("mudar", "pessoa", number, campos={"ativo": ativo})
        return await _shown(number)


def person_of(row: Any) -> Person:
    """From a row of `pessoa` with ROLES."""
    return Person(row["id"], row["email"], row["superuser"], _roles(row))


async def _end_sessions(number: int, keep: bytes | None = None) -> None:
    await DB.execute(
        "DELETE FROM panel_session WHERE pessoa = $1 AND digest IS DISTINCT FROM $2", number, keep
    )


async def _shown(number: int) -> PersonOut:
    return _out(await DB.fetchrow(f"{WITH_ROLES} WHERE id = $1", number))


def _out(row: Any) -> PersonOut:
    plain = {name: row[name] for name in PersonOut.__struct_fields__ if name != "papeis"}
    return PersonOut(**plain, papeis=_roles(row))


def _roles(row: Any) -> dict[int, Papel]:
    return msgspec.json.decode(row["papeis"], type=dict[int, Papel])
