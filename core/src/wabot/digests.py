"""Ids that can be recognised and not be read: keyed digests, for what has to be remembered of people who are erased.

A plain hash of a phone is no secret, there being few enough phones to try them all. So the digests have a key of
their own, which is stored encrypted like a credential: it outlives a rotation of SECRET_KEY, as digests must.
"""

import hmac
import secrets
from collections.abc import Iterable

from wabot.db.engine import DB
from wabot.vault import Vault

STORED = "SELECT secret FROM digest_key"
MAKE = "INSERT INTO digest_key (secret) VALUES ($1) ON CONFLICT DO NOTHING"


class Digests:
    """The one key of an installation, opened when the settings are known."""

    def __init__(self) -> None:
        self._vault: Vault | None = None

    def open(self, vault: Vault) -> None:
        self._vault = vault

    async def of(self, chatbot: int, identifiers: Iterable[tuple[str, str]]) -> list[bytes]:
        """A digest for each (kind, value), in order. The same id at another chatbot has another. Raises WrongKey."""
        key = await self._key()
        return [
            hmac.digest(key, f"{chatbot} {kind} {value}".encode(), "sha256") for kind, value in identifiers
        ]

    async def _key(self) -> bytes:
        """Read each time: made in a transaction that is undone, it was never there."""
        if self._vault is None:
            raise ConnectionError("the digests are not open")
        if not (stored := await DB.fetchval(STORED)):
            await DB.execute(MAKE, self._vault.encrypt(secrets.token_hex(32)))
            stored = await DB.fetchval(STORED)
        return bytes.fromhex(self._vault.decrypt(stored))


DIGESTS = Digests()
