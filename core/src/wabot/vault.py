"""Secrets at rest: encrypted with `SECRET_KEY`, readable with any of its keys, written with the first."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from wabot.errors import WabotError


class WrongKey(WabotError):
    """A stored secret was encrypted with a key that SECRET_KEY no longer names."""


class Vault:
    """Encrypts and decrypts credentials. To rotate, put the new key first and keep the old one after a comma."""

    def __init__(self, keys: Sequence[str]) -> None:
        fernets = [Fernet(urlsafe_b64encode(derived(key, "credentials"))) for key in keys]
        self._first, self._fernet = fernets[0], MultiFernet(fernets)

    def encrypt(self, secret: str) -> str:
        return self._fernet.encrypt(secret.encode()).decode() if secret else ""

    def decrypt(self, stored: str) -> str:
        """Raises WrongKey when none of the keys fits."""
        try:
            return self._fernet.decrypt(stored).decode() if stored else ""
        except InvalidToken:
            raise WrongKey(
                "Uma credencial guardada não abre com a SECRET_KEY atual. "
                "Acrescente a chave antiga a SECRET_KEY, depois de uma vírgula."
            ) from None

    def is_current(self, stored: str) -> bool:
        """Whether the first key alone opens it: the others may go."""
        try:
            self._first.decrypt(stored or self._first.encrypt(b""))
        except InvalidToken:
            return False
        return True


def derived(key: str, purpose: str) -> bytes:
    """32 bytes made from one of the keys, for this purpose only: they tell nothing about the key or its other uses."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"wabot {purpose}".encode()).derive(
        key.encode()
    )


def fingerprint(key: str) -> str:
    """A name for a key by which it can be told from others and not be guessed."""
    return derived(key, "fingerprint")[:6].hex()
