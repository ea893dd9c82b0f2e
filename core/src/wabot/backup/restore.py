"""Bringing a backup back, in one transaction: killed anywhere, nothing has happened.

The empty database is brought to where the backed-up one stood, migration by migration; the rows go in; the rest of
the migrations follow. So a backup of an older release restores into a newer one.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec
from piccolo.conf.apps import AppConfig

from wabot import audit
from wabot.backup import archive, rows, schema
from wabot.backup.archive import Reader
from wabot.backup.aside import Aside, set_aside
from wabot.backup.manifest import BadBackup, Kept, Manifest
from wabot.backup.save import Tell
from wabot.db.engine import DB
from wabot.db.migrate import migrate, migrations_of
from wabot.db.piccolo_app import APP_CONFIG as CORE
from wabot.plugins.registry import load_registry
from wabot.process import migrate_all
from wabot.settings import Settings
from wabot.storage import STORAGE
from wabot.vault import fingerprint

RUNNING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name ~ '^wabot .' AND pid <> pg_backend_pid()
"""


class Restored(msgspec.Struct, frozen=True):
    """What was brought back, and what is still for a person to see to."""

    made_at: datetime
    tables: int
    rows: int
    files: int
    aside: Aside
    keys_missing: list[str]
    """Fingerprints of keys without which some credentials do not open."""
    files_missing: int
    """Files that are not where they should be: erased while the backup was made, or not in this bucket."""
    left_out: list[str]
    """Tables of the backup that no migration makes: they were not wabot's."""


async def restore(
    path: Path, settings: Settings, *, replace: bool = False, tell: Tell = lambda _: None
) -> Restored:
    """Restore into the database that is open, the storage too. Raises BadBackup, with nothing changed.

    `replace`: what is in the database goes. Otherwise it must be empty.
    """
    with archive.reading(path) as backup:
        await _check(backup, tell)
        async with DB.transaction() as transaction:
            connection = transaction.connection
            await connection.execute(schema.CANONICAL)
            await _make_room(connection, replace)
            await _bring_up(backup.manifest)
            left_out = await rows.load(connection, backup, tell)
            files = await _files(backup)
            await migrate_all()
            aside = await rows.unguarded(connection, set_aside(connection, backup.manifest.made_at))
            await audit.record("restaurar", "backup", path.name, campos={"de": str(backup.manifest.made_at)})
        return await _told(backup.manifest, settings, aside, files, left_out)


async def _check(backup: Reader, tell: Tell) -> None:
    """Every byte, before the first one is used."""
    tell("conferindo o backup")
    for table in backup.manifest.tables:
        await backup.check(table.entry, table.kept)
    for file in backup.manifest.media:
        await backup.check(file.entry, Kept(file.size, file.sha256))


async def _make_room(connection: asyncpg.Connection, replace: bool) -> None:
    if running := await connection.fetchval(RUNNING):
        raise BadBackup(
            f"Há {running} conexões de processos do wabot com este banco; pare-os antes de restaurar."
        )
    if not await connection.fetchval("SELECT to_regclass('migration') IS NOT NULL"):
        return
    if not replace:
        raise BadBackup(
            "O banco não está vazio; restaure em um banco novo, ou apague tudo o que há nele com --replace."
        )
    for statement in await connection.fetch(rows.CLEAR):
        await connection.execute(statement[0])


async def _bring_up(manifest: Manifest) -> None:
    """The tables as they were when the backup was made."""
    _refuse_newer(manifest, [CORE])
    await migrate([CORE], only=manifest.migrations)
    plugins = (await load_registry()).plugins.values()
    apps = [plugin.declared.tables for plugin in plugins if plugin.declared.tables]
    known = {app.app_name for app in (CORE, *apps)}
    if missing := manifest.migrations.keys() - known:
        wanted = [manifest.plugins.get(app.removeprefix("wabot_")) or app for app in sorted(missing)]
        raise BadBackup(
            f"O backup tem dados de plugins que não estão aqui; instale antes: {', '.join(wanted)}."
        )
    wanted_apps = [app for app in apps if app.app_name in manifest.migrations]
    _refuse_newer(manifest, wanted_apps)
    await migrate(wanted_apps, only=manifest.migrations)


def _refuse_newer(manifest: Manifest, apps: Iterable[AppConfig]) -> None:
    for app in apps:
        known = {name for _, name in migrations_of(app)}
        if set(manifest.migrations.get(app.app_name, ())) - known:
            source = manifest.plugins.get(app.app_name.removeprefix("wabot_")) or f"wabot {manifest.wabot}"
            raise BadBackup(f"O backup é de uma versão mais nova; instale antes: {source}.")


async def _files(backup: Reader) -> int:
    """Before the commit: a row that says a file is kept must not be seen without it. Kept twice, it is the same."""
    for file in backup.manifest.media:
        async with STORAGE.draft() as draft:
            async for piece in backup.pieces(file.entry):
                draft.write(piece)
            await STORAGE.keep(draft, file.chatbot)
    return len(backup.manifest.media)


async def _told(
    manifest: Manifest, settings: Settings, aside: Aside, files: int, left_out: list[str]
) -> Restored:
    here = {fingerprint(key) for key in settings.secret_keys}
    away = [file for file in manifest.bucket if not await STORAGE.has(file.chatbot, file.sha256)]
    return Restored(
        made_at=manifest.made_at,
        tables=len(manifest.tables) - len(left_out),
        rows=manifest.rows,
        files=files,
        aside=aside,
        keys_missing=[key.fingerprint for key in manifest.keys if key.fingerprint not in here],
        files_missing=len(away) + len(manifest.gone),
        left_out=left_out,
    )
