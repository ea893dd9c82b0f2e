"""A plugin's author, outside this repository: scaffold, test, install, switch on for one of two bots."""

import asyncio
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.acceptance.commands import Shell, until_ready
from tests.conftest import free_port
from tests.live import PHONE, SECRET, WABA
from wabot.testing.simulator import Bot, Simulator

RUFF, MYPY = (Path(sys.executable).with_name(name) for name in ("ruff", "mypy"))


def run(folder, *command, status=0, **environment):
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["flow", "sink", "campaign"])
async def test_a_new_plugin_passes_its_tests_and_every_check_at_once(tmp_path, kind):
    await Shell(tmp_path).run("plugins", "new", "agenda", "--kind", kind)
    folder = tmp_path / "wabot-agenda"
    assert " passed" in run(folder, sys.executable, "-m", "pytest", "-q")
    run(folder, RUFF, "check", ".")
    run(folder, RUFF, "format", "--check", ".")
    run(folder, MYPY, "--strict", "src", MYPYPATH="src")
    report = await Shell(folder).json("plugins", "check", ".")
    assert (report["ok"], [f for f in report["findings"] if f["severity"] != "info"]) == (True, [])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Agenda", "Por exemplo: agenda"),
        ("marcação-online", "Por exemplo: marcacao_online"),
        ("1", "letras minúsculas"),
        ("class", "palavra do Python"),
        ("pedidos", "Já há um plugin instalado"),
    ],
)
async def test_a_name_that_cannot_be_is_told_with_one_that_can(tmp_path, name, told):
    assert told in await Shell(tmp_path).run("plugins", "new", name, status=1)
    assert list(tmp_path.iterdir()) == []


async def test_nothing_is_written_over(tmp_path):
    (tmp_path / "wabot-agenda").mkdir()
    assert "já existe" in await Shell(tmp_path).run("plugins", "new", "agenda", status=1)


def environment_of_its_own(folder):
    """A virtual environment with what this one has, and room for more."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    site = run(folder, python, "-c", "import site; print(site.getsitepackages()[0])").strip()
    ours = subprocess.run(
        [sys.executable, "-c", "import site; print(site.getsitepackages()[0])"],
        capture_output=True,
        text=True,
    ).stdout.strip()
    Path(site, "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    return python


async def test_an_outside_plugin_serves_the_one_bot_that_has_it(tmp_path, database_uri):
    await Shell(tmp_path).run("plugins", "new", "agenda")
    python = await asyncio.to_thread(environment_of_its_own, tmp_path / "venv")
    run(
        tmp_path,
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-e",
        "wabot-agenda",
    )
    two = {PHONE: "Salão", "200000000000002": "Cantina"}
    bots = [Bot(phone, nome, f"551195555000{n}", WABA, SECRET) for n, (phone, nome) in enumerate(two.items())]
    port = free_port()
    async with Simulator(app_secret=SECRET, bots=bots).serve() as meta:
        shell = Shell(
            tmp_path,
            command=(str(python), "-m", "wabot_cli.main"),
            DATABASE_URL=database_uri,
            SECRET_KEY="uma-chave-bem-comprida-para-o-teste",
            GRAPH_API_URL=meta.url,
            PORT=str(port),
        )
        for bot in bots:
            await shell.run(
                "bots", "add", "--nome", bot.name, "--numero", bot.number, "--phone-number-id", bot.phone_number_id,
                "--business-account-id", WABA, "--access-token", "t", "--app-secret", SECRET, "--verify-token", "v",
            )  # fmt: skip
        async with shell.running("up") as up:
            await until_ready(f"http://127.0.0.1:{port}", up)
            meta.webhook_url = f"http://127.0.0.1:{port}/api/chatbots/webhook/"
            await shell.run("plugins", "enable", "agenda", "--bot", "Salão")
            listed = {plugin["id"]: plugin for plugin in await shell.json("plugins", "list")}
            assert (listed["agenda"]["status"], listed["agenda"]["bots"]) == ("ok", [1])
            ana, rui = meta.customer("Ana"), meta.customer("Rui", bot="200000000000002")
            await rui.says("marcar")
            await ana.says("oi")
            await ana.sees("Olá, Ana!", "Qual serviço você quer?")
            await ana.taps("Barba")
            await ana.sees("Para que dia?")
            assert rui.unseen() == []
            await shell.run("plugins", "disable", "agenda", "--bot", "Salão")


async def test_a_chat_kept_in_the_terminal_is_a_test_that_passes(tmp_path, database_uri):
    await Shell(tmp_path).run("plugins", "new", "agenda")
    folder = tmp_path / "wabot-agenda"
    python = await asyncio.to_thread(environment_of_its_own, tmp_path / "venv")
    run(
        tmp_path,
        python,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-e",
        "wabot-agenda",
    )
    shell = Shell(
        folder,
        command=(str(python), "-m", "wabot_cli.main"),
        DATABASE_URL=database_uri,
        SECRET_KEY="uma-chave-bem-comprida-para-o-teste",
    )
    await shell.run(
        "bots", "add", "--nome", "Salão", "--numero", "5511900000001", "--phone-number-id", "1",
        "--business-account-id", "2", "--access-token", "t", "--app-secret", "s", "--verify-token", "v",
    )  # fmt: skip
    await shell.run("plugins", "enable", "agenda", "--bot", "Salão")
    for words in ("oi\nBarba\n\n", "oi\natendente\n\n"):
        await shell.run(
            "chat", "--bot", "Salão", "--nome", "Bia", "--keep", "tests/test_kept.py", stdin=words
        )
    assert "2 passed" in run(folder, sys.executable, "-m", "pytest", "-q", "tests/test_kept.py")
    run(folder, RUFF, "format", "--check", "tests/test_kept.py")
