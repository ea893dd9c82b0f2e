"""`X-Hub-Signature-256`: HMAC-SHA256 of the raw body with the app secret, as Meta signs its webhooks."""

import hmac
import re

_HEADER = re.compile(r"sha256=([0-9a-f]{64})", re.IGNORECASE)


def sign(secret: str, body: bytes) -> str:
    """The header value Meta would send for this body. The bytes count, not the JSON: never re-serialise."""
    return f"sha256={hmac.digest(secret.encode(), body, 'sha256').hex()}"


def is_signed(secret: str, body: bytes, header: str) -> bool:
    """Whether `header` is the signature of `body` by `secret`, compared in constant time."""
    match = _HEADER.fullmatch(header.strip())
    if match is None:
        return False
    return hmac.compare_digest(hmac.digest(secret.encode(), body, "sha256"), bytes.fromhex(match[1]))
