"""Signing in, staying signed in, signing out. A session is a row: deleting it ends it, in every process at once."""

import hashlib
import secrets
from datetime import timedelta

from wabot import audit, passwords, people, throttle
from wabot.audit import Actor
from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.people import NotAnEmail, Person

IDLE, LONGEST = timedelta(hours=12), timedelta(days=7)
"""A session ends after so long without a click, and after so long in any case."""

# Whoever changes the password or disables the person meanwhile waits for this, and then ends this session too; or was
# faster, and then none begins.
START = """
WITH entered AS (
    UPDATE pessoa SET entrou_em = now() WHERE id = $1 AND senha = $2 AND ativo RETURNING id)
INSERT INTO panel_session (digest, pessoa) SELECT $3, id FROM entered RETURNING true
"""

CLEAR = """
DELETE FROM panel_session WHERE digest IN (
    SELECT digest FROM panel_session WHERE started_at < now() - $1::interval FOR UPDATE SKIP LOCKED)
"""

# When it was used is noted once a minute, so that a click seldom writes.
FIND = f"""
WITH found AS (
    SELECT digest, pessoa, used_at FROM panel_session
    WHERE digest = $1 AND used_at > now() - $2::interval AND started_at > now() - $3::interval),
     noted AS (
    UPDATE panel_session SET used_at = now() FROM found
    WHERE panel_session.digest = found.digest AND found.used_at < now() - interval '1 minute')
SELECT pessoa.id, email, superuser, {people.ROLES} FROM found JOIN pessoa ON pessoa.id = found.pessoa AND ativo
"""  # noqa: S608 - a constant


class WrongLogin(WabotError):
    """Nobody has that e-mail and password. It is not told which of them is wrong."""

    def __init__(self) -> None:
        super().__init__("E-mail ou senha não conferem.")


class WrongPassword(WabotError):
    """The present password, asked for again, is not the one given."""

    def __init__(self) -> None:
        super().__init__("Esta não é a sua senha atual.")


def digest(token: str) -> bytes:
    """What is kept of a session's token: a copy of the table opens nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def sign_in(email: str, senha: str, address: str) -> str:
    """A new session's token, for the cookie. Raises WrongLogin or throttle.TooManyTries."""
    try:
        known = email = people.normalised(email)
    except NotAnEmail:
        known, email = (
            None,
            email[: people.LONGEST_EMAIL],
        )  # nobody's; it takes as long, and counts, as any other
    await throttle.guess(email, address)
    row = await DB.fetchrow("SELECT id, senha FROM pessoa WHERE email = $1 AND ativo", known)
    if not await passwords.fits(row["senha"] if row else None, senha):
        raise WrongLogin
    token = await _start(row["id"], await _fresh(row["id"], row["senha"], senha), email, address)
    await throttle.right(email, address)
    return token


async def find(token: str) -> Person | None:
    """Who is signed in with it; None if nobody is (any more)."""
    row = await DB.fetchrow(FIND, digest(token), IDLE, LONGEST)
    return people.person_of(row) if row else None


async def end(token: str) -> None:
    """Sign out."""
    await DB.execute("DELETE FROM panel_session WHERE digest = $1", digest(token))


async def change_password(person: Person, old: str, new: str, token: str, address: str) -> None:
    """By the person: asks for the old one, and ends all their other sessions.

    Raises WrongPassword, WeakPassword or TooManyTries.
    """
    await throttle.guess(person.email, address)
    kept = await DB.fetchval("SELECT senha FROM pessoa WHERE id = $1", person.id)
    if not await passwords.fits(kept, old):
        raise WrongPassword
    await throttle.right(person.email, address)
    await people.set_password(person.id, new, keep=digest(token))


async def _start(number: int, kept: str, email: str, address: str) -> str:
    token = secrets.token_urlsafe(32)
    audit.acting(Actor("pessoa", number, email, address))
    await DB.execute(CLEAR, LONGEST)
    async with DB.transaction():
        if not await DB.fetchval(START, number, kept, digest(token)):
            raise WrongLogin  # disabled, or given another password, while this one was being checked
        await audit.record("entrar", "pessoa", number)
    return token


async def _fresh(number: int, kept: str, senha: str) -> str:
    """What is kept of the password, with today's parameters: only now is there a password to make it from."""
    if not passwords.outdated(kept):
        return kept
    new = await passwords.hashed(senha)
    done = await DB.execute("UPDATE pessoa SET senha = $3 WHERE id = $1 AND senha = $2", number, kept, new)
    return kept if done == "UPDATE 0" else new
