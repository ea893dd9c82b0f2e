"""Making a backup: one snapshot of all tables, taken while everything goes on working.

The snapshot is a read-only transaction of PostgreSQL's: it holds up nobody, and what commits meanwhile is not in it.
"""

from collections.abc import Callable
from datetime import UTC
from importlib.metadata import version
from pathlib import Path

import asyncpg

from wabot import keys
from wabot.backup import archive, schema
from wabot.backup.archive import Writer
from wabot.backup.manifest import FORMAT, BadBackup, Kept, KeyNeeded, Manifest, MediaFile, TableData
from wabot.db.engine import DB
from wabot.settings import Settings
from wabot.storage import STORAGE
from wabot.vault import Vault, fingerprint

Tell = Callable[[str], None]
"""Hears how far it has come."""

MIGRATIONS = "SELECT app_name, name FROM migration ORDER BY app_name, name"
PLUGINS = """
SELECT DISTINCT ON (plugin) plugin, concat_ws(' ', descriptor ->> 'distribution', descriptor ->> 'version') AS source
FROM plugin_descriptor ORDER BY plugin, probed_at DESC
"""
FILES = "SELECT DISTINCT ON (chatbot, sha256) chatbot, sha256, size FROM media WHERE state = 'guardada'"


async def save(path: Path, settings: Settings, tell: Tell = lambda _: None) -> Manifest:
    """Write the backup. The storage must be open. Raises BadBackup and Away; then there is no such file."""
    with archive.writing(path) as writer:
        async with DB.minding():
            connection = await DB.get_new_connection()
            try:
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    await connection.execute(schema.CANONICAL)
                    manifest = await _save(connection, writer, settings, tell)
            finally:
                await connection.close(timeout=5)
        writer.finish(manifest)
    return manifest


async def _save(connection: asyncpg.Connection, writer: Writer, settings: Settings, tell: Tell) -> Manifest:
    migrations = await _migrations(connection)
    made_at = await connection.fetchval("SELECT now()")
    tables = [await _table(connection, writer, table, tell) for table in await schema.tables(connection)]
    files = [MediaFile(**row) for row in await connection.fetch(FILES)]
    kept = [] if settings.media_url else [file for file in files if await _file(writer, file)]
    if kept:
        tell(f"arquivos: {len(kept)}")
    needed, unreadable = await _keys(connection, settings)
    return Manifest(
        format=FORMAT,
        made_at=made_at.astimezone(UTC),
        wabot=version("wabot"),
        postgres=await connection.fetchval("SHOW server_version"),
        migrations=migrations,
        plugins={row["plugin"]: row["source"] for row in await connection.fetch(PLUGINS)},
        tables=tables,
        sequences=await schema.sequences(connection),
        media=kept,
        bucket=files if settings.media_url else [],
        gone=[] if settings.media_url else [file for file in files if file not in set(kept)],
        keys=needed,
        unreadable=unreadable,
    )


async def _migrations(connection: asyncpg.Connection) -> dict[str, list[str]]:
    if not await connection.fetchval("SELECT to_regclass('migration') IS NOT NULL"):
        raise BadBackup("O banco está vazio: não há o que guardar.")
    ran: dict[str, list[str]] = {}
    for row in await connection.fetch(MIGRATIONS):
        ran.setdefault(row["app_name"], []).append(row["name"])
    return ran


async def _table(
    connection: asyncpg.Connection, writer: Writer, table: schema.Found, tell: Tell
) -> TableData:
    made = TableData(table.schema, table.name, table.columns, 0, Kept(0, ""))
    with writer.entry(made.entry) as entry:
        rows = await schema.copy_out(connection, table, table.columns, entry.write)
    tell(f"{'.'.join(filter(None, (table.schema, table.name)))}: {rows}")
    return TableData(table.schema, table.name, table.columns, rows, entry.kept)


async def _file(writer: Writer, file: MediaFile) -> bool:
    """Whether it is still there: somebody may have been erased since the snapshot, and then it must not be kept."""
    try:
        with (
            STORAGE.local(file.chatbot, file.sha256).open("rb") as kept,
            writer.entry(file.entry, compress=False) as entry,
        ):
            while piece := kept.read(archive.PIECE):
                await entry.write(piece)
    except FileNotFoundError:
        return False
    if entry.kept.sha256 != file.sha256:
        raise BadBackup(f"O arquivo {file.entry} em WABOT_HOME está danificado; apague-o e tente de novo.")
    return True


async def _keys(connection: asyncpg.Connection, settings: Settings) -> tuple[list[KeyNeeded], int]:
    """Which keys it takes to open the secrets of this snapshot: a secret goes to the first key that opens it."""
    secrets = [secret for query in keys.EVERY for (secret,) in await connection.fetch(query)]
    needed = []
    for key in settings.secret_keys:
        left = [secret for secret in secrets if not Vault((key,)).is_current(secret)]
        if opened := len(secrets) - len(left):
            needed.append(KeyNeeded(fingerprint(key), opened))
        secrets = left
    return needed, len(secrets)
