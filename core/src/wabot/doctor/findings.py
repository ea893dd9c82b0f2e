"""What a check may find, and how checks are run: side by side, none of them for ever."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec

from wabot.errors import Away

Severity = Literal["error", "warning"]

WITHIN = 10.0
"""Seconds a check may take."""
AT_ONCE = 16


class Finding(msgspec.Struct, frozen=True):
    """Something to know, in a sentence, and the command that mends it."""

    severity: Severity
    code: str
    message: str
    fix: str = ""


def error(code: str, message: str, fix: str) -> Finding:
    return Finding("error", code, message, fix)


def warning(code: str, message: str, fix: str) -> Finding:
    return Finding("warning", code, message, fix)


Check = Callable[[], Awaitable[list[Finding]]]


async def together(checks: Mapping[str, Check]) -> list[Finding]:
    """What all of them find, in their order. One that fails or takes too long is a finding itself."""
    slots = asyncio.Semaphore(AT_ONCE)
    found = await asyncio.gather(*(_one(name, check, slots) for name, check in checks.items()))
    return list(dict.fromkeys(finding for findings in found for finding in findings))


async def _one(name: str, check: Check, slots: asyncio.Semaphore) -> list[Finding]:
    async with slots:
        try:
            async with asyncio.timeout(WITHIN):
                return await check()
        except Away as away:
            return [database_away(away)]
        except TimeoutError:
            why = f"não terminou em {WITHIN:g} segundos"
        except Exception as fault:  # noqa: BLE001 - whatever it is, the others still have something to say
            why = f"falhou ({type(fault).__name__})"
    fix = "rode de novo: wabot doctor; se repetir, veja o log do banco e dos processos"
    return [error("unexamined", f"O exame «{name}» {why}.", fix)]


def database_away(away: Away) -> Finding:
    """Its sentences say what and, after the semicolon, what to do."""
    what, _, fix = str(away).rstrip(".").partition("; ")
    return error("database", f"{what}.", fix)
