"""API tokens: shown once, kept as a digest, compared by it."""

import hashlib
import secrets

import msgspec

from wabot.db.engine import DB


class NewToken(msgspec.Struct, frozen=True):
    """A token at the only moment it can be read."""

    id: int
    nome: str
    token: str


class Bearer(msgspec.Struct, frozen=True):
    """What a valid token may do. `chatbot` None: all of them."""

    chatbot: int | None
    writes: bool


def _digest(token: str) -> bytes:
    """A plain hash will do: the token is 256 random bits, not a password somebody chose."""
    return hashlib.sha256(token.encode()).digest()


async def create(nome: str, chatbot: int | None, *, writes: bool) -> NewToken:
    token = f"wabot_{secrets.token_urlsafe(32)}"
    number = await DB.fetchval(
        "INSERT INTO api_token (nome, digest, chatbot, escrita) VALUES ($1, $2, $3, $4) RETURNING id",
        nome,
        _digest(token),
        chatbot,
        writes,
    )
    return NewToken(number, nome, token)


async def find(token: str) -> Bearer | None:
    """Who bears this token; None if nobody does (any more). Notes when it was used, to the minute."""
    row = await DB.fetchrow(
        "SELECT id, chatbot, escrita, usado_em > now() - interval '1 minute' AS seen FROM api_token "
        "WHERE digest = $1 AND revogado_em IS NULL",
        _digest(token),
    )
    if row is None:
        return None
    if not row["seen"]:
        await DB.execute("UPDATE api_token SET usado_em = now() WHERE id = $1", row["id"])
    return Bearer(row["chatbot"], row["escrita"])


async def revoke(number: int) -> bool:
    """False if there is no such token, or it was revoked before."""
    done = await DB.execute(
        "UPDATE api_token SET revogado_em = now() WHERE id = $1 AND revogado_em IS NULL", number
    )
    return done != "UPDATE 0"
