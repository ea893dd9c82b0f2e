"""What the simulated Meta may do wrong, and how often. Seeded, so that a bad run can be had again."""

import random

import msgspec


class Faults(msgspec.Struct, kw_only=True):
    """Rates are chances per request, from 0 to 1."""

    delay_ms: float = 0
    """How long the Graph API takes to answer."""
    fail_rate: float = 0
    """HTTP 500, nothing sent."""
    throttle_rate: float = 0
    """HTTP 429 with code 130429, nothing sent."""
    reset_rate: float = 0
    """The connection breaks, nothing sent."""
    timeout_rate: float = 0
    """The message is sent, and nobody answers the request."""
    duplicate: int = 1
    """How often each webhook is delivered."""
    shuffle: bool = False
    """Webhooks may overtake one another."""
    batch: int = 1
    """How many updates one webhook may carry."""
    statuses: bool = True
    """Whether sent, delivered and read are told."""


class Dice:
    """Decides which fault strikes."""

    def __init__(self, faults: Faults, seed: int = 1) -> None:
        self.faults = faults
        self.random = random.Random(seed)  # noqa: S311 - chance, not secrecy

    def strikes(self) -> str:
        """The fault of this request: fail, throttle, reset, timeout, or empty."""
        draw = self.random.random()
        for name in ("fail", "throttle", "reset", "timeout"):
            draw -= getattr(self.faults, f"{name}_rate")
            if draw < 0:
                return name
        return ""
