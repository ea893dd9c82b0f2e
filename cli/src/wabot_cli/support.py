"""What the commands share: settings, an open database, an event loop, JSON."""

import asyncio
import contextlib
import getpass
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import click
import msgspec

from wabot.settings import Settings, load

T = TypeVar("T")
log = logging.getLogger(__name__)

END_WITHIN = 28.0
"""Seconds a stopped process may take: longer than any turn, and than any reply on its way (whatsapp.client.WITHIN);
shorter than the half minute after which container managers kill."""

json_option = click.option("--json", "as_json", is_flag=True, help="Um documento JSON na saída.")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.run(work)
    return uvloop.run(work)


@contextlib.asynccontextmanager
async def database() -> AsyncIterator[Settings]:
    """The settings, and the database open. What is changed in it was changed at the command line."""
    from wabot import audit
    from wabot.db.connect import open_database

    audit.acting(audit.Actor("terminal", name=_account()))

    settings = load()
    async with open_database(settings):
        yield settings


def _account() -> str:
    """Who sits at the command line, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name, as containers have
        return ""


def show_json(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def show_table(rows: Sequence[tuple[str, ...]], *headings: str) -> None:
    """Columns as wide as they need to be."""
    widths = [max(len(row[i]) for row in [headings, *rows]) for i in range(len(headings))]
    for number, row in enumerate([headings, *rows]):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        click.secho(line, bold=number == 0)


def printable(text: str) -> str:
    """What a stranger may have written: nothing in it may steer the terminal."""
    return "".join(char if char.isprintable() else "·" for char in text)


def pairs(option: str, values: Sequence[str]) -> dict[str, str]:
    """What an option that may be repeated gives as CHAVE=VALOR."""
    if wrong := [value for value in values if "=" not in value]:
        raise click.UsageError(f"{option} {wrong[0]}: use CHAVE=VALOR.")
    return dict(value.partition("=")[::2] for value in values)


def secret(value: str) -> str:
    """A secret given as `-` is read from standard input, so that it stays out of the shell's history."""
    return sys.stdin.readline().strip() if value == "-" else value


def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run a process until Ctrl-C or SIGTERM, which end it in good order: what is open is left as it would be anyway.

    A second one ends it at once, and so does END_WITHIN.
    """

    async def main() -> None:
        task = asyncio.create_task(work)
        _on_stop(task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    run(main())


async def for_ever() -> None:
    """Until this process is stopped."""
    await asyncio.Event().wait()


def _on_stop(stop: Callable[[], Any]) -> None:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def stopped() -> None:
        for number in signals:
            with contextlib.suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        loop.call_later(END_WITHIN, _give_up)
        stop()

    for number in signals:
        try:
            loop.add_signal_handler(number, stopped)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped))


def _give_up() -> None:
    log.error("not ended within %g s; what is unfinished is left for others", END_WITHIN)
    os._exit(1)
