"""Which migrations have not run yet. Running them is `migrate`'s, with what Piccolo needs for that."""

from collections.abc import Iterable
from pathlib import Path

from wabot.db.engine import DB

Migration = tuple[str, str]
"""The app's name and the migration's id."""

CORE = "wabot"
FOLDER = Path(__file__).parent / "piccolo_migrations"


def of_core() -> list[Migration]:
    """The core's migrations, as the names of their files tell: `wabot_2026_11_24t12_00_00.py`.

    Reading the files takes all that Piccolo makes migrations with, a formatter of code included: 6 MB, for as long as
    the process lives.
    """
    stems = sorted(path.stem.removeprefix(f"{CORE}_") for path in FOLDER.glob(f"{CORE}_*.py"))
    moments = (stem.partition("t") for stem in stems)
    return [(CORE, f"{day.replace('_', '-')}T{time.replace('_', ':')}:000000") for day, _, time in moments]


async def pending(known: Iterable[Migration]) -> list[str]:
    """Those that have not run yet, as `app id`."""
    done: set[Migration] = set()
    if await DB.fetchval("SELECT to_regclass('migration') IS NOT NULL"):
        done = {
            (row["app_name"], row["name"]) for row in await DB.fetch("SELECT app_name, name FROM migration")
        }
    return [f"{app} {name}" for app, name in known if (app, name) not in done]
