"""`wabot plugins check` as a plugin's author and CI type it."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.commands import WABOT, Shell
from tests.good_plugin import Folder

ROOT = Path(__file__).parents[2]


async def said(shell, *args):
    """What a check prints that ends with 1."""
    done = await asyncio.to_thread(
        subprocess.run,
        [WABOT, *args],
        cwd=shell.folder,
        env=shell.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    return done.stdout


@pytest.fixture
def folder(tmp_path):
    return Folder.write(tmp_path / "wabot-exemplo")


@pytest.fixture
def shell(tmp_path):
    """No database anywhere: a check needs none."""
    return Shell(tmp_path)


async def test_a_good_plugin_is_said_to_be_good(shell, folder):
    assert "✓ exemplo: nenhum erro." in await shell.run("plugins", "check", "wabot-exemplo", "--update")
    assert await shell.run("plugins", "check", "wabot-exemplo") == "✓ exemplo: nenhum erro.\n"


async def test_a_finding_is_a_line_with_the_place_and_a_line_with_what_to_write(shell, folder):
    folder.breaks("config.py", "Annotated[Secret", "Annotated[str")
    report = json.loads(await said(shell, "plugins", "check", "wabot-exemplo", "--json"))
    assert set(report) == {"ok", "plugin", "findings"}
    assert (report["ok"], report["plugin"]) == (False, "exemplo")
    errors = [finding for finding in report["findings"] if finding["severity"] == "error"]
    assert [(error["code"], error["place"]) for error in errors] == [
        ("secret", "wabot-exemplo/src/wabot_exemplo/config.py:11")
    ]
    lines = (await said(shell, "plugins", "check", "wabot-exemplo")).splitlines()
    assert lines[0] == "Erros (1)"
    assert lines[1].startswith("  ✗ wabot-exemplo/src/wabot_exemplo/config.py:11  O campo token")
    assert lines[2].startswith("      → from wabot import Secret; token: ")
    assert lines[-1] == "✗ exemplo: há erros."


async def test_warnings_do_not_fail(shell, folder):
    folder.breaks("texts.py", "Até logo", "Ate logo")
    lines = (await shell.run("plugins", "check", "wabot-exemplo")).splitlines()
    assert lines[0].startswith("Avisos")
    assert lines[-1] == "✓ exemplo: nenhum erro."


@pytest.mark.parametrize("args", [(), ("nao_existe",), (".",), ("pedidos", "--nada")])
async def test_wrong_usage_is_status_2(shell, args):
    await shell.run("plugins", "check", *args, status=2)


@pytest.mark.parametrize("plugin", ["pedidos", "reativacao", "metricas"])
async def test_the_plugins_that_ship_with_wabot_have_no_errors(shell, plugin):
    by_id = await shell.json("plugins", "check", plugin)
    by_folder = await shell.json("plugins", "check", str(ROOT / "plugins" / f"wabot-{plugin}"))
    assert by_id["ok"]
    assert by_id["plugin"] == by_folder["plugin"] == plugin
