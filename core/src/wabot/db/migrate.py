"""Bring the database up to date: the core's and the plugins' Piccolo migrations, one process at a time."""

import contextlib
import io
import os
from collections.abc import Collection, Mapping, Sequence

from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.conf.apps import AppConfig, MigrationModule

from wabot.db.engine import DB
from wabot.db.pending import Migration

_LOCK = 0x7761626F74  # "wabot"


class _Forwards(ForwardsMigrationManager):
    """Piccolo's own runner, for an app handed over rather than found through a piccolo_conf file."""

    def __init__(self, app: AppConfig, only: Collection[str] | None = None) -> None:
        super().__init__(app_name=app.app_name)
        self.app, self.only = app, only

    def get_migration_ids(self, migration_module_dict: dict[str, MigrationModule]) -> list[str]:
        ids = super().get_migration_ids(migration_module_dict)
        return ids if self.only is None else [name for name in ids if name in self.only]

    async def forwards(self) -> None:
        await self.create_migration_table()
        await self.run_migrations(self.app)


async def migrate(apps: Sequence[AppConfig], only: Mapping[str, Collection[str]] | None = None) -> None:
    """Run what has not run yet, app by app, each app's in one transaction: all of it or nothing.

    `only`: of each app just these, to come to where another database stood.
    Piccolo takes no lock, so two starting processes would run the same migration twice. This waits for the other.
    """
    os.environ["PICCOLO_CONF"] = (
        "wabot.db.piccolo_conf"  # the only way to tell Piccolo's migrations our engine
    )
    for app in apps:
        async with DB.transaction():
            await DB.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            with contextlib.redirect_stdout(io.StringIO()):
                await _Forwards(app, only.get(app.app_name, ()) if only else None).forwards()


def migrations_of(app: AppConfig) -> list[Migration]:
    """All migrations an app brings."""
    runner = _Forwards(app)
    modules = runner.get_migration_modules(app.resolved_migrations_folder_path)
    return [(app.app_name, name) for name in runner.get_migration_ids(modules)]
