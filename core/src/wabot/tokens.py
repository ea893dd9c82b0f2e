"""API tokens: shown once, kept as a digest, compared by it. For all chatbots or some, to write or only to read."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from wabot import audit
from wabot.db.engine import DB

# One statement for every request. When it was used is noted to the minute, so that a request seldom writes.
FIND = """
WITH found AS (SELECT id, nome, chatbots, escrita, usado_em FROM api_token WHERE digest = $1 AND revogado_em IS NULL),
     noted AS (
    UPDATE api_token SET usado_em = now() FROM found
    WHERE api_token.id = found.id AND (found.usado_em IS NULL OR found.usado_em < now() - interval '1 minute'))
SELECT * FROM found
"""


class NewToken(msgspec.Struct, frozen=True):
    """A token at the only moment it can be read."""

    id: int
    nome: str
    token: str


class TokenOut(msgspec.Struct, frozen=True):
    """A token as administrators see it: everything but the token."""

    id: int
    nome: str
    chatbots: list[int] | None
    """None: all of them."""
    escrita: bool
    criado_em: datetime
    criado_por: str | None
    """An e-mail; None: somebody at the command line."""
    usado_em: datetime | None
    revogado_em: datetime | None


class Bearer(msgspec.Struct, frozen=True):
    """Who a valid token is, and what it may do. `chatbots` None: all of them."""

    id: int
    nome: str
    chatbots: frozenset[int] | None
    writes: bool


def _digest(token: str) -> bytes:
    """A plain hash will do: the token is 256 random bits, not a password somebody chose."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def create(
    nome: str, chatbots: Iterable[int] | None, *, writes: bool, by: int | None = None
) -> NewToken:
    """For these chatbots; None: for all, those to come included. `by` is the person who makes it."""
    token = f"wabot_{secrets.token_urlsafe(32)}"
    scope = None if chatbots is None else sorted(set(chatbots))
    async with DB.transaction():
        number = await DB.fetchval(
            """INSERT INTO api_token (nome, digest, chatbots, escrita, criado_por) VALUES ($1, $2, $3, $4, $5)
               RETURNING id""",
            nome,
            _digest(token),
            scope,
            writes,
            by,
        )
        campos = {"nome": nome, "chatbots": scope, "escrita": writes}
        await audit.record("criar", "token", number, chatbot=_only(scope), campos=campos)
    return NewToken(number, nome, token)


async def everyone() -> list[TokenOut]:
    """All tokens, the revoked ones too, newest first."""
    rows = await DB.fetch(
        """SELECT api_token.*, email FROM api_token LEFT JOIN pessoa ON pessoa.id = criado_por
           ORDER BY api_token.id DESC"""
    )
    return [_shown(row) for row in rows]


async def find(token: str) -> Bearer | None:
    """Who bears this token; None if nobody does (any more)."""
    row = await DB.fetchrow(FIND, _digest(token))
    if row is None:
        return None
    chatbots = None if row["chatbots"] is None else frozenset(row["chatbots"])
    return Bearer(row["id"], row["nome"], chatbots, row["escrita"])


async def revoke(number: int) -> bool:
    """False if there is no such token, or it was revoked before."""
    async with DB.transaction():
        row = await DB.fetchrow(
            """UPDATE api_token SET revogado_em = now() WHERE id = $1 AND revogado_em IS NULL RETURNING chatbots""",
            number,
        )
        if row is not None:
            await audit.record("revogar", "token", number, chatbot=_only(row["chatbots"]))
    return row is not None


def _only(chatbots: list[int] | None) -> int | None:
    """The chatbot a token is about, where it is about one."""
    return chatbots[0] if chatbots and len(chatbots) == 1 else None


def _shown(row: Any) -> TokenOut:
    fields = {name: row[name] for name in TokenOut.__struct_fields__}
    return TokenOut(**fields | {"criado_por": row["email"]})
