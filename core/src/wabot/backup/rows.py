"""Loading rows into fresh tables as they were: no trigger acts on them, and the constraints are checked at the end."""

from collections.abc import Awaitable
from typing import TypeVar

import asyncpg

from wabot.backup import schema
from wabot.backup.archive import Reader
from wabot.backup.manifest import BadBackup, TableData
from wabot.backup.save import Tell
from wabot.backup.schema import Found, qualified

T = TypeVar("T")

# Foreign keys may go round in circles, so they are made anew when all rows are in; checked in one go, too.
FOREIGN_KEYS = """
SELECT conrelid::regclass::text AS "table", quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND conrelid = ANY ($1::oid[]) ORDER BY 1, 2
"""

# All that is wabot's, but for the schema itself, which may belong to somebody else.
CLEAR = f"""
SELECT format('DROP TABLE IF EXISTS %s CASCADE', pg_class.oid::regclass) FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND {schema.OURS}
UNION ALL
SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', pg_proc.oid::regprocedure) FROM pg_proc
JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE {schema.OUR_SCHEMA} AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
UNION ALL
SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_namespace
WHERE nspname <> current_schema() AND {schema.OUR_SCHEMA}
"""  # noqa: S608 - of constants


async def load(connection: asyncpg.Connection, backup: Reader, tell: Tell) -> list[str]:
    """Load all tables, see that each holds what was saved, and set the sequences. Which tables are not wabot's.

    Raises BadBackup if a table does not hold what the backup says.
    """
    here = {(table.schema, table.name): table for table in await schema.tables(connection)}
    ours = [table for table in backup.manifest.tables if (table.schema, table.name) in here]
    foreign_keys = await connection.fetch(FOREIGN_KEYS, [table.oid for table in here.values()])
    for key in foreign_keys:
        await connection.execute(f"ALTER TABLE {key['table']} DROP CONSTRAINT {key['name']}")
    await unguarded(connection, _load_all(connection, backup, ours, here, tell))
    for key in foreign_keys:
        await connection.execute(
            f"ALTER TABLE {key['table']} ADD CONSTRAINT {key['name']} {key['definition']}"
        )
    return [f"{t.schema}.{t.name}".lstrip(".") for t in backup.manifest.tables if t not in ours]


async def unguarded(connection: asyncpg.Connection, work: Awaitable[T]) -> T:
    """Do it while no trigger of the tables fires: the rows tell already what triggers did."""
    tables = [table.sql for table in await schema.tables(connection)]
    for table in tables:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    result = await work
    for table in tables:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return result


async def _load_all(
    connection: asyncpg.Connection,
    backup: Reader,
    ours: list[TableData],
    here: dict[tuple[str, str], Found],
    tell: Tell,
) -> None:
    await connection.execute(f"TRUNCATE {', '.join(table.sql for table in here.values())}")
    for table in ours:
        await _load(connection, backup, table, here[table.schema, table.name])
        tell(f"{'.'.join(filter(None, (table.schema, table.name)))}: {table.rows}")
    for state in backup.manifest.sequences:
        name = qualified(state.schema, state.name)
        if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
            await connection.execute("SELECT setval($1::regclass, $2, $3)", name, state.value, state.called)


async def _load(connection: asyncpg.Connection, backup: Reader, table: TableData, found: Found) -> None:
    await connection.copy_to_table(
        found.name,
        schema_name=found.schema or None,
        columns=table.columns,
        source=backup.pieces(table.entry),
    )
    rows, kept = await schema.digest(connection, found, table.columns)
    if (rows, kept) != (table.rows, table.kept):
        raise BadBackup(f"A tabela {table.name} não ficou igual à do backup ({rows} de {table.rows} linhas).")
