"""docs/write-a-plugin.md, "Five minutes", word for word: its commands, and an answer in the chat page."""

import asyncio
import os
import re
import shlex
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.browser import chat, chromium
from tests.acceptance.commands import Shell
from tests.acceptance.test_author import environment_of_its_own, run
from tests.acceptance.test_demo import Person
from tests.conftest import missing
from tests.docs.pages import ROOT, page, section, shell
from tests.live import until

pytestmark = pytest.mark.browser

MINUTES = 5
DEMO = ".venv/bin/wabot demo"


def uv():
    if found := shutil.which("uv") or next((str(p) for p in [ROOT / ".uv/bin/uv"] if p.is_file()), None):
        return found
    return missing("uv", "there is no uv")


@pytest.fixture
def checkout(tmp_path):
    """A folder as `make run` leaves it: an environment in `.venv` with wabot in it."""
    python = environment_of_its_own(tmp_path / ".venv")
    script = tmp_path / ".venv/bin/wabot"
    lines = Path(sys.executable).with_name("wabot").read_text().splitlines()
    script.write_text("\n".join([f"#!{python}", *lines[1:]]) + "\n")
    script.chmod(0o755)
    return tmp_path


async def typed(folder, command):
    """A command of the page. What it would fetch from an index is here already, in the surrounding environment."""
    here = command.replace(
        "uv pip install", f"{shlex.quote(uv())} pip install --no-deps --no-build-isolation"
    )
    return await asyncio.to_thread(run, folder, "bash", "-c", here)


async def test_from_plugins_new_to_an_answer_in_five_minutes(checkout):
    started = time.monotonic()
    told = shell(section(page("docs/write-a-plugin.md"), "Five minutes"))
    commands = [line for line in told.splitlines() if line]
    before, (enable, keep) = commands[: commands.index(DEMO)], commands[commands.index(DEMO) + 1 :]
    for command in before:
        await typed(checkout, command)
    demo = Shell(checkout, command=(str(checkout / ".venv/bin/wabot"),))
    log = checkout / "demo.log"
    async with demo.running("demo", "--port", "0", "--chat-port", "0"):

        async def announced():
            return "Ctrl-C" in log.read_text()

        await until(announced, within=60)
        await typed(checkout, enable)
        address = re.findall(r"http://127\.0\.0\.1:\d+", log.read_text())[0]
        async with chromium() as browser, chat(browser, address) as screen:
            person = Person(screen)
            await person.says("marcar")
            await person.sees("Qual serviço você quer?")
            if folder := os.environ.get("WABOT_TEST_SCREENSHOTS"):
                await screen.screenshot(path=Path(folder, "plugin.png"))
        assert time.monotonic() - started < MINUTES * 60
        await typed(checkout, f"printf 'marcar\\nBarba\\n\\n' | {keep}")
    passed = run(checkout / "wabot-agenda", checkout / ".venv/bin/python", "-m", "pytest", "-q")
    assert "3 passed" in passed
