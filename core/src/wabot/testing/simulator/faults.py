"""What the simulated Meta may do wrong, and how often. Seeded, so that a bad run can be had again."""

import random
from typing import Annotated

import msgspec

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
Many = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class Faults(msgspec.Struct, kw_only=True):
    """Rates are chances per request, from 0 to 1."""

    delay_ms: Annotated[float, msgspec.Meta(ge=0)] = 0
    """How long the Graph API takes to answer."""
    fail_rate: Rate = 0
    """HTTP 500, nothing sent."""
    throttle_rate: Rate = 0
    """HTTP 429 with code 130429, nothing sent."""
    pair_rate: Rate = 0
    """HTTP 400 with code 131056, nothing sent."""
    reset_rate: Rate = 0
    """The connection breaks, nothing sent."""
    timeout_rate: Rate = 0
    """The message is sent, and nobody answers the request."""
    duplicate: Many = 1
    """How often each webhook is delivered."""
    shuffle: bool = False
    """Webhooks may overtake one another."""
    batch: Many = 1
    """How many updates one webhook may carry."""
    statuses: bool = True
    """Whether sent, delivered and read are told."""
    window: bool = False
    """Whether a message that is no template needs words from the customer in the last 24 hours (131047)."""
    pair_limit: bool = False
    """Whether one customer takes only 45 messages at once, then one every 6 seconds (131056)."""
    per_second: Annotated[int, msgspec.Meta(ge=0)] = 0
    """How many messages a second one number may send (130429); 0: as many as it likes."""


class Dice:
    """Decides which fault strikes."""

    def __init__(self, faults: Faults, seed: int = 1) -> None:
        self.faults = faults
        self.random = random.Random(seed)  # noqa: S311 - chance, not secrecy

    def strikes(self) -> str:
        """The fault of this request: fail, throttle, pair, reset, timeout, or empty."""
        draw = self.random.random()
        for name in ("fail", "throttle", "pair", "reset", "timeout"):
            draw -= getattr(self.faults, f"{name}_rate")
            if draw < 0:
                return name
        return ""
