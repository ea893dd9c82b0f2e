"""Slowing down whoever guesses passwords: per e-mail and per address, for all web processes together.

A leaky bucket in one column: each try moves `full_until` further into the future, and once it is further away than the
bucket is deep, tries are refused until time has passed.
"""

import hashlib
import math
from datetime import timedelta
from ipaddress import ip_address, ip_network

import msgspec

from wabot.db.engine import DB
from wabot.errors import WabotError

# In one statement: concurrent tries see one another's. No row comes back where the bucket is full.
TAKE = """
INSERT INTO sign_in_throttle AS bucket (key, full_until) VALUES ($1, now() + $2::interval)
ON CONFLICT (key) DO UPDATE SET full_until = greatest(bucket.full_until, now()) + $2::interval
WHERE bucket.full_until + $2::interval <= now() + $3::interval RETURNING true
"""
WAIT = "SELECT full_until + $2::interval - $3::interval - now() FROM sign_in_throttle WHERE key = $1"
GIVE_BACK = "UPDATE sign_in_throttle SET full_until = full_until - $2::interval WHERE key = $1"
# Skipping what others hold: whoever waits here for one row while holding another could be waited for.
FORGET = """
DELETE FROM sign_in_throttle WHERE key = $1 OR key = ANY (ARRAY(
    SELECT key FROM sign_in_throttle WHERE full_until < now() FOR UPDATE SKIP LOCKED))
"""


class TooManyTries(WabotError):
    """Try again later. `wait` is how long."""

    def __init__(self, wait: timedelta) -> None:
        minutes = max(1, math.ceil(wait.total_seconds() / 60))
        super().__init__(
            f"Foram muitas tentativas. Espere {minutes} {'minuto' if minutes == 1 else 'minutos'} e tente de novo."
        )
        self.wait = wait


class Bucket(msgspec.Struct, frozen=True):
    """So many tries at once, then one per `every`."""

    name: str
    tries: int
    every: timedelta

    @property
    def depth(self) -> timedelta:
        return self.every * self.tries

    def key(self, of: str) -> bytes:
        """Neither e-mails nor addresses are kept: people also type their password into the wrong field."""
        return hashlib.sha256(f"{self.name}:{of}".encode("utf-8", "surrogatepass")).digest()

    async def take(self, of: str) -> None:
        """One try. Raises TooManyTries."""
        if not await DB.fetchval(TAKE, self.key(of), self.every, self.depth):
            wait = await DB.fetchval(WAIT, self.key(of), self.every, self.depth)
            raise TooManyTries(wait or self.every)

    async def give_back(self, of: str) -> None:
        """That try was not a guess."""
        await DB.execute(GIVE_BACK, self.key(of), self.every)

    async def forget(self, of: str) -> None:
        """Start anew; and clear out whoever has long been forgiven."""
        await DB.execute(FORGET, self.key(of))


PER_EMAIL = Bucket("email", tries=5, every=timedelta(minutes=3))
PER_ADDRESS = Bucket("address", tries=30, every=timedelta(seconds=20))
"""Looser: a whole office may come from one address."""


def _neighbours(address: str) -> str:
    """Whoever has one IPv6 address has all of its /64."""
    try:
        parsed = ip_address(address)
    except ValueError:  # a socket's, or a test's
        return address
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address


async def guess(email: str, address: str) -> None:
    """Charge for one guess, before it is looked at. The address first: one that is refused leaves no other row behind.

    Raises TooManyTries.
    """
    async with DB.transaction():
        await PER_ADDRESS.take(_neighbours(address))
        await PER_EMAIL.take(email)


async def right(email: str, address: str) -> None:
    """It was no guess: they knew the password."""
    await PER_ADDRESS.give_back(_neighbours(address))
    await PER_EMAIL.forget(email)
