"""`make install` on a copy of the repository: what every server gets, and nothing that developers need."""

import os
import shutil
import subprocess

import pytest
import yaml

from tests.conftest import missing
from tests.docs.pages import ROOT, page

NEEDS = ("core", "cli", "plugins", "Makefile", "pyproject.toml", "uv.lock")


def uv():
    found = shutil.which("uv") or str(ROOT / ".uv/bin/uv")
    return found if os.path.exists(found) else missing("uv", "there is no uv")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A checkout as a container has it, after `make install`."""
    folder = tmp_path_factory.mktemp("servidor")
    for name in NEEDS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    run(folder, yaml.safe_load(page("render.yaml"))["services"][1]["buildCommand"])
    return folder


def run(folder, command, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WABOT", "UV_PROJECT"))}
    kept["PATH"] = f"{os.path.dirname(uv())}:{kept['PATH']}"
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=170,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_command_and_the_plugins_are_there_and_no_tools(installed):
    assert "wabot, version" in run(installed, ".venv/bin/wabot --version")
    entry_points = "from wabot.plugins.installed import installed; print([p.id for p in installed()])"
    assert "pedidos" in run(installed, f'.venv/bin/python -c "{entry_points}"')
    assert not (installed / ".venv/bin/pytest").exists()
    run(installed, '.venv/bin/python -c "import obstore"')


def test_new_code_counts_only_after_make_install(installed):
    source = installed / "core/src/wabot/__init__.py"
    source.write_text(source.read_text() + "\nNEW = True\n")
    asks = ".venv/bin/python -c \"import wabot; print(vars(wabot).get('NEW'))\""
    assert run(installed, asks) == "None\n"
    run(installed, "make install")
    assert run(installed, asks) == "True\n"
