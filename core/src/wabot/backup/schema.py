"""The tables that are wabot's: the core's, and those in the schema of each plugin that ever ran here."""

import hashlib
from typing import Any

import asyncpg
import msgspec

from wabot.backup.manifest import Kept, SequenceState

# What has no row of its own in a backup: the migrations that have run make it.
MADE_BY_MIGRATIONS = "migration"

OUR_SCHEMA = """
(nspname = current_schema() OR nspname IN (SELECT plugin FROM plugin_descriptor)
    OR 'wabot_' || nspname IN (SELECT app_name FROM migration))
"""
OURS = f"""
{OUR_SCHEMA} AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
"""
_SCHEMA = "CASE nspname WHEN current_schema() THEN '' ELSE nspname END AS schema"

# Rows in the order of their key, and text by its bytes, whatever the server's locale: the same rows are the same file.
TABLES = f"""
SELECT pg_class.oid, {_SCHEMA}, relname AS name,
    ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
          AND attgenerated = '' ORDER BY attnum) AS columns,
    ARRAY(SELECT quote_ident(attname) || CASE WHEN attcollation <> 0 THEN ' COLLATE "C"' ELSE '' END
          FROM pg_index, unnest(indkey) WITH ORDINALITY AS part (attnum, place) JOIN pg_attribute USING (attnum)
          WHERE indrelid = pg_class.oid AND indisprimary AND attrelid = indrelid ORDER BY place) AS key
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'r' AND relpersistence = 'p' AND relname <> '{MADE_BY_MIGRATIONS}' AND {OURS}
ORDER BY schema, name
"""  # noqa: S608 - of constants
SEQUENCES = f"""
SELECT {_SCHEMA}, relname AS name FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind = 'S' AND {OURS} ORDER BY schema, name
"""  # noqa: S608 - of constants

# However a server or a role is configured, a value is written in one way.
CANONICAL = """
SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres';
SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL xmloption = 'content';
SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0
"""


class Found(msgspec.Struct, frozen=True):
    """A table of this database."""

    oid: int
    schema: str
    name: str
    columns: list[str]
    key: list[str]

    @property
    def sql(self) -> str:
        return qualified(self.schema, self.name)

    def select(self, columns: list[str]) -> str:
        """Its rows, in an order that is the same everywhere."""
        row = f'{quoted(self.name)}::text COLLATE "C"'
        return (
            f"SELECT {', '.join(map(quoted, columns))} FROM {self.sql} ORDER BY {', '.join(self.key) or row}"  # noqa: S608
        )


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    return f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)


async def tables(connection: asyncpg.Connection) -> list[Found]:
    return [Found(**row) for row in await connection.fetch(TABLES)]


async def sequences(connection: asyncpg.Connection) -> list[SequenceState]:
    """Read outside any snapshot, as sequences are: never behind the rows."""
    found = []
    for row in await connection.fetch(SEQUENCES):
        state = await connection.fetchrow(
            f"SELECT last_value, is_called FROM {qualified(row['schema'], row['name'])}"  # noqa: S608
        )
        found.append(SequenceState(row["schema"], row["name"], state["last_value"], state["is_called"]))
    return found


async def copy_out(connection: asyncpg.Connection, table: Found, columns: list[str], output: Any) -> int:
    """Hand the table's rows to `output`, piece by piece; how many there are."""
    status: str = await connection.copy_from_query(table.select(columns), output=output)
    return int(status.rpartition(" ")[2])


async def digest(connection: asyncpg.Connection, table: Found, columns: list[str]) -> tuple[int, Kept]:
    """What a backup of the table would hold now."""
    summed, size = hashlib.sha256(), 0

    async def add(piece: bytes) -> None:
        nonlocal size
        summed.update(piece)
        size += len(piece)

    rows = await copy_out(connection, table, columns, add)
    return rows, Kept(size, summed.hexdigest())
