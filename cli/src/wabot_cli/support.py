"""What the commands share: settings, an open database, an event loop, JSON."""

import asyncio
import contextlib
import getpass
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, TypeVar

import click
import msgspec

from wabot.settings import Settings, load

T = TypeVar("T")

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


def secret(value: str) -> str:
    """A secret given as `-` is read from standard input, so that it stays out of the shell's history."""
    return sys.stdin.readline().strip() if value == "-" else value


async def until_stopped() -> None:
    """Until Ctrl-C or SIGTERM."""
    stopped = asyncio.Event()
    on_stop(stopped.set)
    await stopped.wait()


def on_stop(stop: Any) -> None:
    """Call `stop` at Ctrl-C or SIGTERM, instead of being torn down in the middle of something."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
