"""The plugins shown in the documentation are real: their tests pass, wabot loads them, their tables are made."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.docs.pages import files_shown, page

EXAMPLES = ["README.md", "docs/write-a-plugin.md"]

LOADED = """
import asyncio
from wabot.plugins.installed import installed
from wabot.plugins.probe import probe
[about] = [plugin for plugin in installed() if plugin.id == "reserva"]
[found] = asyncio.run(probe([about]))
print(found.error, about.distribution, found.title, *found.kinds, sep="|")
"""

BOOKED = """
import asyncio, os, datetime
from wabot import DB
from wabot.process import migrate_all
from wabot_reserva.mesas import Mesas, SemLugar

async def main():
    await DB.open(os.environ["DATABASE_URL"])
    await migrate_all()
    dia, mesas = datetime.date(2026, 11, 27), Mesas()
    print(await mesas.reservar(1, 1, dia, 4, 10), await mesas.reservar(1, 2, dia, 6, 10))
    for pessoas, lugares in ((1, 10), (11, 10)):
        try:
            await mesas.reservar(2 if pessoas > lugares else 1, 3, dia, pessoas, lugares)
        except SemLugar:
            print("full")
    print(await mesas.ocupados(1, [dia]) == {dia: 10}, await DB.fetchval("SELECT count(*) FROM reserva.reserva"))
    await DB.close()

asyncio.run(main())
"""


@pytest.fixture(params=EXAMPLES)
def plugin(request, tmp_path):
    return written(request.param, tmp_path)


def written(name: str, folder: Path) -> Path:
    """The plugin a page shows, in a folder, with the metadata that installing it would give it."""
    for path, text in files_shown(page(name)).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    needs = "".join(f"Requires-Dist: {one}\n" for one in project["dependencies"])
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{needs}"
    )
    entries = "".join(f"{name} = {module}\n" for name, module in project["entry-points"]["wabot"].items())
    (info / "entry_points.txt").write_text(f"[wabot]\n{entries}")
    return folder


def python(folder: Path, *args: str, **environ: str) -> str:
    """Run Python beside the plugin, as if it were installed; what it printed."""
    done = subprocess.run(
        [sys.executable, *args],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src")} | environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_test_passes(plugin):
    assert " passed" in python(plugin, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")


def test_wabot_loads_it(plugin):
    error, distribution, title, kind, *_ = python(plugin, "-c", LOADED).strip().split("|")
    assert (error, distribution, kind) == ("", "wabot-reserva", "flow")
    assert title.startswith("Reservas")


def test_its_code_is_in_our_style(plugin):
    python(
        plugin, "-m", "ruff", "check", "--config", str(Path(__file__).parents[2] / "pyproject.toml"), "src"
    )


def test_the_plugin_of_the_page_about_files_works(tmp_path):
    folder = written("docs/media.md", tmp_path)
    test_its_own_test_passes(folder)
    test_its_code_is_in_our_style(folder)


def test_its_tables_are_made_and_hold_reservations(tmp_path, database_uri):
    folder = written("docs/write-a-plugin.md", tmp_path)
    printed = python(folder, "-c", BOOKED, DATABASE_URL=database_uri)
    assert printed.split() == ["1", "2", "full", "full", "True", "2"]
