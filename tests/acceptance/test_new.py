"""What `wabot plugins new` writes, under any name: clean by our measure too, and right in SQL; and chats kept in it."""

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.acceptance.commands import Shell

ROOT = Path(__file__).parents[2]
RUFF = Path(sys.executable).with_name("ruff")
KINDS = ("flow", "sink", "campaign")
LONGEST = "um_nome_bem_comprido_de_quarenta_letras_"
ADD = (
    "bots", "add", "--nome", "Salão", "--numero", "5511900000001", "--phone-number-id", "1",
    "--business-account-id", "2", "--access-token", "t", "--app-secret", "s", "--verify-token", "v",
)  # fmt: skip

COUNTED = """
import asyncio, os, datetime
from wabot import DB, BotContext, Chatbot, Recorded
from wabot.process import migrate_all
from wabot_agenda.sink import contar

async def main():
    await DB.open(os.environ["DATABASE_URL"])
    await migrate_all()
    now = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
    event = Recorded(1, "pedido.confirmado", {}, now, 1, 1)
    for _ in range(2):
        await contar(BotContext(Chatbot(1, "Loja"), now), [event, event])
    print(await DB.fetchval("SELECT quantos FROM agenda.contagem WHERE chatbot = 1"))
    await DB.close()

asyncio.run(main())
"""

SILENT = """
import asyncio, os, datetime
from wabot import DB, BotContext, Chatbot
from wabot_agenda.campaign import publico
from wabot_agenda.config import Config

async def main():
    await DB.open(os.environ["DATABASE_URL"])
    now = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
    for nome, days, wants in (("Ana", 30, True), ("Beto", 30, False), ("Cida", 31, True), ("Davi", 29, True)):
        id = await DB.fetchval(
            "INSERT INTO cliente (chatbot, nome, aceita_marketing) VALUES (1, $1, $2) RETURNING id", nome, wants)
        await DB.execute(
            "UPDATE conversa SET last_inbound_at = $2 WHERE cliente = $1", id, now - datetime.timedelta(days=days))
    audience = await publico(BotContext(Chatbot(1, "Loja"), now, Config()))
    print(*(recipient.template.parameters[0] for recipient in audience))
    await DB.close()

asyncio.run(main())
"""


def run(folder, *command, status=0, **environment):
    """Run in the plugin's folder, as if the plugin were installed; what was printed."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


def installed(folder):
    """The plugin's source with the metadata that installing it would give it."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / "src" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    needs = "".join(f"Requires-Dist: {one}\n" for one in project["dependencies"])
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{needs}"
    )
    entries = "".join(f"{name} = {module}\n" for name, module in project["entry-points"]["wabot"].items())
    (info / "entry_points.txt").write_text(f"[wabot]\n{entries}")
    return str(folder / "src")


async def scaffold(tmp_path, name="agenda", kind="flow"):
    await Shell(tmp_path).run("plugins", "new", name, "--kind", kind)
    return tmp_path / f"wabot-{name.replace('_', '-')}"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, "agenda") for kind in KINDS),
        *((kind, LONGEST) for kind in KINDS),
        *(
            ("flow", name) for name in ("a", "texts", "list", "date", "confirmar")
        ),  # its own code uses them, too
    ],
)
async def test_whatever_its_name_its_tests_pass_and_it_is_clean_by_its_rules_and_ours(tmp_path, kind, name):
    folder = await scaffold(tmp_path, name, kind)
    site = installed(folder)
    assert " passed" in run(folder, sys.executable, "-m", "pytest", "-q", PYTHONPATH=site)
    run(folder, RUFF, "check", ".")
    run(folder, RUFF, "check", "--config", ROOT / "pyproject.toml", ".")
    run(folder, RUFF, "format", "--check", ".")
    run(folder, RUFF, "format", "--check", "--config", ROOT / "pyproject.toml", ".")


@pytest.mark.parametrize("name", ["user", "public", "pg_agenda", "wabot"])
async def test_a_name_that_the_database_keeps_for_itself_is_refused(tmp_path, name):
    assert "nome reservado" in await Shell(tmp_path).run("plugins", "new", name, status=1)
    assert list(tmp_path.iterdir()) == []


async def test_it_prints_the_commands_to_test_install_and_switch_on_with_paths_that_work(tmp_path):
    place = tmp_path / "com espaço"
    place.mkdir()
    printed = await Shell(tmp_path).run("plugins", "new", "agenda", "--folder", str(place))
    test, install, enable = (line.strip() for line in printed.splitlines() if line.startswith("  "))
    assert " passed" in run(tmp_path, *shlex.split(test))
    assert shlex.split(install)[-2:] == ["-e", str(place / "wabot-agenda")]
    assert shlex.split(enable)[-5:] == ["plugins", "enable", "agenda", "--bot", "1"]


async def test_a_sink_counts_in_its_table(tmp_path, database_uri):
    site = installed(await scaffold(tmp_path, kind="sink"))
    said = run(tmp_path, sys.executable, "-c", COUNTED, PYTHONPATH=site, DATABASE_URL=database_uri)
    assert said.split() == ["4"]


async def test_a_campaign_writes_about_a_silence_once(tmp_path, database_uri):
    await Shell(tmp_path, DATABASE_URL=database_uri, SECRET_KEY="uma-chave-bem-comprida-para-o-teste").run(
        *ADD
    )
    site = installed(await scaffold(tmp_path, kind="campaign"))
    said = run(tmp_path, sys.executable, "-c", SILENT, PYTHONPATH=site, DATABASE_URL=database_uri)
    assert said.split() == ["Ana"]


# -- wabot chat --keep ---------------------------------------------------------------------------------------


@pytest.fixture
async def salon(tmp_path, database_uri):
    """A bot with the new plugin on, and settings of its own; commands are typed in the plugin's folder."""
    folder = await scaffold(tmp_path)
    shell = Shell(
        folder,
        DATABASE_URL=database_uri,
        SECRET_KEY="uma-chave-bem-comprida-para-o-teste",
        PYTHONPATH=installed(folder),
    )
    await shell.run(*ADD, "--timezone", "America/Manaus")
    await shell.run("plugins", "enable", "agenda", "--bot", "Salão", "--set", "dias=2")
    return shell


async def test_a_kept_chat_passes_whatever_the_business_has_set_and_however_options_are_named(salon):
    chat = ("chat", "--bot", "Salão", "--nome", "Bia d'Ávila", "--keep", "tests/test_kept.py")
    for words in (
        "oi\nBARBA\n2\nConfirmar\n\n",
        "oi\n9\nquanto custa?\ncancelar\n\n",
        "oi\natendente\nalô?\n\n",
    ):
        await salon.run(*chat, stdin=words)
    assert "3 passed" in run(
        salon.folder, sys.executable, "-m", "pytest", "-q", "tests/test_kept.py", PYTHONPATH="src"
    )
    run(salon.folder, RUFF, "format", "--check", "tests/test_kept.py")
    run(salon.folder, RUFF, "check", "tests/test_kept.py")
    kept = (salon.folder / "tests/test_kept.py").read_text()
    assert 'await ana.taps("Barba")' in kept
    assert 'config={"dias": 2}' in kept


async def test_a_chat_that_breaks_the_flow_is_kept_as_a_test_that_fails_the_same_way(salon):
    flow = salon.folder / "src/wabot_agenda/flow.py"
    flow.write_text(flow.read_text().replace("ctx.data.servico = servico\n", "ctx.data.servico = 1 / 0\n"))
    chat = ("chat", "--bot", "Salão", "--keep", "tests/test_kept.py")
    assert "ZeroDivisionError" in await salon.run(*chat, stdin="oi\nBarba\n\n", status=1)
    assert "ZeroDivisionError" in run(
        salon.folder, sys.executable, "-m", "pytest", "-q", "tests/test_kept.py", status=1
    )


async def test_a_file_that_cannot_be_written_to_is_refused_before_the_first_word(salon):
    said = await salon.run("chat", "--bot", "Salão", "--keep", "nada/test_kept.py", stdin="oi\n\n", status=1)
    assert said == "wabot: A pasta nada não existe; crie-a, ou escolha outro arquivo.\n"


async def test_a_chat_in_which_nothing_was_said_is_not_kept(salon):
    await salon.run("chat", "--bot", "Salão", "--keep", "tests/test_kept.py", stdin="\n")
    assert not (salon.folder / "tests/test_kept.py").exists()
