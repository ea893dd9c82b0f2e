"""The old database, read: PostgreSQL by its address, or the SQLite file of a smaller installation."""

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import asyncpg

from wabot.errors import WabotError

BATCH = 500
Row = dict[str, Any]


class CannotRead(WabotError):
    """The old database cannot be opened, or is another one."""


class Source(Protocol):
    """Table names are ours to choose, never the database's, so they may stand in SQL."""

    name: str
    """By this its rows are remembered."""
    zone: tzinfo
    """Of times that tell none."""

    async def fetch(self, sql: str, *values: Any) -> Sequence[Row]:
        """The rows of a query whose parameters are `$1`, `$2`…"""
        ...

    async def tables(self) -> set[str]: ...


class Postgres:
    def __init__(self, connection: asyncpg.Connection, name: str, zone: tzinfo) -> None:
        self._connection, self.name, self.zone = connection, name, zone

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        return [dict(row) for row in await self._connection.fetch(sql, *values)]

    async def tables(self) -> set[str]:
        rows = await self.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = ANY (current_schemas(false))"
        )
        return {row["tablename"] for row in rows}


class Sqlite:
    """Django keeps times in UTC there, and tells no zone."""

    zone: tzinfo = UTC

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection, self.name = connection, name

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        numbered = {str(number): value for number, value in enumerate(values, 1)}
        return [dict(row) for row in self._connection.execute(sql, numbered)]

    async def tables(self) -> set[str]:
        return {
            row["name"] for row in await self.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")
        }


@contextlib.asynccontextmanager
async def open_source(address: str, timezone: str) -> AsyncIterator[Source]:
    """The old database as it stands at this moment, whatever is written to it meanwhile. `timezone`: of PostgreSQL's
    times without one. Raises CannotRead.
    """
    if urlsplit(address).scheme not in ("postgres", "postgresql"):
        with _sqlite(Path(address)) as source:
            yield source
        return
    try:
        zone = ZoneInfo(timezone)
    except (KeyError, ValueError, OSError):
        raise CannotRead(f"{timezone!r} não é um fuso; use, por exemplo, America/Sao_Paulo.") from None
    try:
        connection = await asyncpg.connect(address, timeout=10)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotRead(f"O banco antigo não abre: {error or type(error).__name__}.") from None
    try:
        where = await connection.fetchval(
            "SELECT concat_ws('/', host(inet_server_addr()), current_setting('port'), current_database())"
        )
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield Postgres(connection, where, zone)
    finally:
        await connection.close()


@contextlib.contextmanager
def _sqlite(path: Path) -> Iterator[Sqlite]:
    if not path.is_file():
        raise CannotRead(f"Não há um arquivo {path}; para um PostgreSQL, o endereço começa com postgresql://")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master")
        yield Sqlite(connection, path.name)
    except sqlite3.DatabaseError as error:
        raise CannotRead(f"{path} não é um banco SQLite que se possa ler: {error}.") from None
    finally:
        connection.close()
