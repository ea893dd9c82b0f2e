"""Passwords: what may be one, how it is kept (argon2id), and checking one without telling who exists."""

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from wabot.errors import WabotError

SHORTEST, LONGEST = 10, 200
"""Characters. A bound above, since whatever is sent gets hashed."""

COMMONEST = frozenset(Path(__file__).with_name("commonest_passwords.txt").read_text("utf-8").split())
"""Of the published lists of leaked passwords, those long enough for us, and what Brazilians make of them."""

# 32 MiB and about 70 ms on a small server. Whoever signs in with a hash of other parameters gets a new one.
_hasher = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
_NOBODY = _hasher.hash("the password of nobody")

# Two at a time: a crowd at the door must not take the machine's memory and processors from the webhook.
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")


class WeakPassword(WabotError):
    """The password may not be used. Its text says what to do."""


def require_strong(senha: str, email: str) -> None:
    """Raises WeakPassword."""
    folded = senha.casefold()
    if len(senha) < SHORTEST:
        raise WeakPassword(f"A senha precisa de pelo menos {SHORTEST} caracteres. Uma frase curta serve.")
    if len(senha) > LONGEST:
        raise WeakPassword(f"A senha pode ter no máximo {LONGEST} caracteres.")
    if folded in {email.casefold(), email.partition("@")[0].casefold()}:
        raise WeakPassword("A senha não pode ser o seu e-mail. Escolha outra.")
    if folded in COMMONEST or len(set(folded)) < 4:
        raise WeakPassword("Esta senha é das primeiras que alguém tentaria. Escolha outra.")


async def hashed(senha: str) -> str:
    """For keeping. In a thread: it takes a while, on purpose."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, _normal(senha))


async def fits(kept: str | None, senha: str) -> bool:
    """Whether it is the password kept. With None (no such person) it takes as long, and is False."""
    if len(senha) > LONGEST:
        return False
    return await asyncio.get_running_loop().run_in_executor(_threads, _fits, kept, _normal(senha))


def outdated(kept: str) -> bool:
    """Kept with other parameters than today's."""
    return _hasher.check_needs_rehash(kept)


def _fits(kept: str | None, senha: bytes) -> bool:
    try:
        return _hasher.verify(kept or _NOBODY, senha) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def _normal(senha: str) -> bytes:
    """The same characters typed on another keyboard are the same password (RFC 8265)."""
    return unicodedata.normalize("NFC", senha).encode("utf-8", "surrogatepass")
