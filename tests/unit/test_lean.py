"""What a process does not hold: libraries it never uses, and what only others do. Each is megabytes, for ever."""

import subprocess
import sys

import pytest

WEB = """
import wabot_cli.main, wabot_cli.run, wabot.web.app
from wabot.plugins import declared, installed
from wabot.process import ONLY_MIGRATED
for about in installed.installed():
    declared.load(about.id, about.module, ONLY_MIGRATED)
wabot.web.app.create_app(lambda: None)
"""
WORKER = """
import wabot_cli.main, wabot_cli.run, wabot.answering, wabot.hearing
from wabot.plugins import declared, installed
from wabot.process import ONLY_MIGRATED, ONLY_SERVED
for about in installed.installed():
    declared.load(about.id, about.module, ONLY_MIGRATED + ONLY_SERVED)
"""
LIST = """
import wabot_cli.main, wabot_cli.plugins
"""
HELP = """
from click.testing import CliRunner
import wabot_cli.main
assert "Comandos" in CliRunner().invoke(wabot_cli.main.cli, ["--help"]).output
"""
NOWHERE = {
    "black",
    "fastapi",
    "opentelemetry.metrics",
    "piccolo_admin",
    "redis.asyncio.cluster",
    "redis.cluster",
    "rich",
    "sqlite3",
    "wabot.db.piccolo_app",
    "wabot.testing",
    "yaml",
}
HEARS = {"taskiq", "wabot.hearing"}
MODELS = {"attr", "pydantic"}
QUEUES = HEARS | {"redis"}
SERVES = {"jinja2", "litestar", "uvicorn", "wabot.web"}
SENDS = {"aiohttp", "httpx", "wabot.attend", "wabot.outbox", "wabot.worker"}


def _imported(program: str) -> set[str]:
    """What a fresh interpreter has imported by the end of it."""
    told = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(told.stdout.split())


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        pytest.param(WEB, NOWHERE | SENDS | HEARS | MODELS, id="a web process sends and hears nothing"),
        pytest.param(WORKER, NOWHERE | SERVES, id="a worker serves nothing"),
        pytest.param(LIST, NOWHERE | SERVES | SENDS | QUEUES, id="a command only asks the database"),
        pytest.param(
            HELP, NOWHERE | SERVES | SENDS | QUEUES | {"asyncio", "asyncpg"}, id="the help text is words"
        ),
    ],
)
def test_a_process_holds_only_what_it_uses(program, absent):
    assert not absent & _imported(program)


def test_what_libraries_are_spared_others_find():
    real = _imported(
        "import wabot.hearing\nfrom fastapi.params import Depends\nassert Depends.__module__ == 'fastapi.params'"
    )
    assert "fastapi.params" in real
    assert "fastapi.params" not in _imported("import wabot.hearing")


def test_a_cluster_of_redis_is_whole_for_who_imports_it():
    _imported(
        "import wabot.hearing\nfrom redis.asyncio.cluster import RedisCluster as R\nassert R.mget_nonatomic"
    )
