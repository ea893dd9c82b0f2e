"""Backup and restore as an administrator types them, from one embedded server to another and back."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.acceptance.commands import WABOT, Shell
from tests.acceptance.test_commands import ADD
from tests.docs.pages import page, section, shell


@pytest.fixture
def folder():
    """pytest's own folders are closed to the user of the embedded server."""
    made = Path(tempfile.mkdtemp(prefix="wabot-test-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


async def test_from_one_server_to_another_and_back(folder):
    here = Shell(folder, WABOT_HOME="aqui", SECRET_KEY="uma-chave-bem-comprida-para-o-teste")
    there = Shell(folder, **here.environment | {"WABOT_HOME": "la"})
    await here.run("migrate")
    await here.run(*ADD)
    made = await here.json("backup", "um.zip")
    said = await there.run("restore", "um.zip")
    assert f"{len(made['tables'])} tabelas" in said
    assert "wabot clientes erase" in said
    assert await there.json("bots", "list") == await here.json("bots", "list")
    again = await there.json("backup", "dois.zip")
    assert "não está vazio" in await here.run("restore", "dois.zip", status=1)
    await here.run("restore", "dois.zip", "--replace")
    back = await here.json("backup", "tres.zip")
    assert hashes(made) == hashes(again) == hashes(back)
    assert "Já existe" in await here.run("backup", "um.zip", status=1)


def hashes(made):
    """Of every table but the trail, in which each restore is noted."""
    return {
        table["name"]: table["kept"]["sha256"] for table in made["tables"] if table["name"] != "auditoria"
    }


async def test_the_drill_of_the_page_is_done_as_it_says(folder):
    home = Shell(folder)
    await home.run("migrate")
    await home.run(*ADD)
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-eu", "-c", drill("backup.md", "The drill")],
        cwd=folder,
        env=home.environment | {"PATH": f"{WABOT.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Loja" in done.stdout
    assert "Nenhuma mensagem parada" in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == [".wabot"]


def test_the_drill_is_the_same_in_portuguese():
    assert drill("backup.pt-BR.md", "O ensaio").replace("ensaio", "drill") == drill("backup.md", "The drill")


def drill(name, heading):
    return shell(section(page(f"docs/{name}"), heading))


async def test_the_story_of_a_message_that_is_not_there(folder):
    home = Shell(folder)
    await home.run("migrate")
    assert "Não há mensagem inbox-1" in await home.run("logs", "show", "inbox-1", status=1)
