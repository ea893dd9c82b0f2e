"""The files for Render, Replit, containers and servers: well formed, true to one another and to the command.

What the platforms themselves do with them cannot be seen here; docs/deploy-*.md say so.
"""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from tests.conftest import missing
from tests.docs.pages import ROOT, page, shell_blocks

from wabot import settings
from wabot.asgi import PATIENCE
from wabot_cli.main import cli
from wabot_cli.support import END_WITHIN

UNITS = ROOT / "deploy/systemd"
SERVICES = ("web", "worker", "scheduler")


def program(name: str) -> str:
    return shutil.which(name) or missing(name, f"there is no {name}")


def understood(command: str) -> None:
    """That `wabot` takes this command with these options; a shell's words around it are not looked at."""
    found = re.search(r"(?:^|[ /])wabot ([a-z].*?)(?:$|;|&&|\|)", command)
    assert found, command
    group: click.Command = cli
    words = shlex.split(found[1])
    while isinstance(group, click.Group):
        name = words.pop(0)
        command_found = group.get_command(click.Context(group), name)
        assert command_found, command
        group = command_found
    group.make_parser(click.Context(group)).parse_args(words)


# -- .env.example ------------------------------------------------------------------------------------------


def test_every_setting_stands_in_the_example_and_no_other_but_those_of_others():
    source = Path(settings.__file__).read_text(encoding="utf-8")
    told = set(re.findall(r"^#?([A-Z_]+)=", page(".env.example"), re.MULTILINE))
    assert told == set(re.findall(r'\bget\("([A-Z_]+)"\)', source)) | {"FORWARDED_ALLOW_IPS"}


def test_the_example_with_every_line_taken_is_accepted_but_for_the_key(tmp_path):
    lines = re.findall(r"^#([A-Z_]+)=(.*)$", page(".env.example"), re.MULTILINE)
    loaded = settings.load(
        dict(lines) | {"SECRET_KEY": "uma-chave-para-o-teste", "WABOT_HOME": str(tmp_path)}
    )
    assert (loaded.port, loaded.timezone, loaded.graph_api_version) == (8000, "America/Sao_Paulo", "v26.0")


# -- render.yaml -------------------------------------------------------------------------------------------

SERVICE_FIELDS = {
    "web": {
        "type", "name", "region", "plan", "runtime", "buildCommand", "preDeployCommand", "startCommand",
        "healthCheckPath", "maxShutdownDelaySeconds", "envVars",
    },
    "worker": {
        "type", "name", "region", "plan", "runtime", "buildCommand", "startCommand", "maxShutdownDelaySeconds",
        "envVars",
    },
    "keyvalue": {"type", "name", "region", "plan", "maxmemoryPolicy", "ipAllowList"},
}  # fmt: skip
"""Those of Render's Blueprint reference that we use; a typo is none of them."""


@pytest.fixture
def blueprint():
    return yaml.safe_load(page("render.yaml"))


def test_render_gets_web_worker_scheduler_database_and_queue_in_one_region(blueprint):
    kinds = [service["type"] for service in blueprint["services"]]
    assert sorted(kinds) == ["keyvalue", "web", "worker", "worker"]
    [database] = blueprint["databases"]
    assert {part["region"] for part in [*blueprint["services"], database]} == {"virginia"}
    assert database["ipAllowList"] == []


def test_render_knows_every_field(blueprint):
    for service in blueprint["services"]:
        assert set(service) <= SERVICE_FIELDS[service["type"]], service["name"]
    assert set(blueprint) == {"databases", "envVarGroups", "services"}


def test_what_render_is_referred_to_exists(blueprint):
    named = {service["name"]: service for service in blueprint["services"]}
    databases = {database["name"] for database in blueprint["databases"]}
    groups = {group["name"] for group in blueprint["envVarGroups"]}
    for service in blueprint["services"]:
        for variable in service.get("envVars", []):
            if other := variable.get("fromService"):
                assert named[other["name"]]["type"] == other["type"]
                if key := other.get("envVarKey"):
                    assert key in {given.get("key") for given in named[other["name"]]["envVars"]}
            elif "fromDatabase" in variable:
                assert variable["fromDatabase"]["name"] in databases
            elif "fromGroup" in variable:
                assert variable["fromGroup"] in groups
            else:
                assert {"value", "sync"} & variable.keys()


def test_render_runs_what_there_is_and_gives_it_time(blueprint):
    for service in blueprint["services"]:
        if service["type"] != "keyvalue":
            understood(service["startCommand"])
            assert service["buildCommand"] == "make install"
            assert service["maxShutdownDelaySeconds"] >= END_WITHIN
            given = {variable.get("key") for variable in service["envVars"]}
            assert given >= {"DATABASE_URL", "REDIS_URL"}
            assert service["envVars"][0] == {"fromGroup": "wabot"}
    [web] = [service for service in blueprint["services"] if service["type"] == "web"]
    understood(web["preDeployCommand"])
    assert web["healthCheckPath"] == "/healthz"
    assert "--host 0.0.0.0" in web["startCommand"]


def test_render_generates_the_key_and_holds_no_secret(blueprint):
    [group] = blueprint["envVarGroups"]
    assert {"key": "SECRET_KEY", "generateValue": True} in group["envVars"]


# -- .replit, Procfile -------------------------------------------------------------------------------------


def test_replit_starts_wabot_and_keeps_a_machine_when_published():
    replit = tomllib.loads(page(".replit"))
    understood(replit["run"][-1])
    understood(shlex.join(replit["deployment"]["run"]))
    assert replit["deployment"]["deploymentTarget"] == "vm"
    assert replit["deployment"]["build"] == ["make", "install"]
    assert [port["localPort"] for port in replit["ports"]] == [int(replit["env"]["PORT"])]


def test_the_procfile_names_every_process():
    lines = dict(line.split(": ", 1) for line in page("Procfile").splitlines())
    assert set(lines) == {"release", *SERVICES}
    for command in lines.values():
        understood(command)


# -- containers --------------------------------------------------------------------------------------------


def test_compose_accepts_its_file():
    command = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, ROOT / "compose.yaml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_compose_runs_what_there_is_after_the_migrations():
    services = yaml.safe_load(page("compose.yaml"))["services"]
    assert {"db", "queue", "migrate", *SERVICES} == set(services)
    for name in SERVICES:
        understood(f"wabot {shlex.join(services[name]['command'])}")
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert int(services[name]["stop_grace_period"].rstrip("s")) >= END_WITHIN
        assert not services[name].get("ports") or all(
            p.startswith("127.0.0.1:") for p in services[name]["ports"]
        )


def instructions(text: str) -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", " ", text)
    lines = [line.split(" ", 1) for line in joined.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, rest in lines]


def test_the_image_is_built_in_two_stages_and_runs_as_nobody_in_particular():
    steps = instructions(page("Dockerfile"))
    last = steps[max(number for number, (word, _) in enumerate(steps) if word == "FROM") :]
    assert [word for word, _ in steps].count("FROM") == 2
    assert ("USER", "wabot") in last
    assert not any("make" in rest for word, rest in last if word == "RUN")
    entry = json.loads(next(rest for word, rest in last if word == "ENTRYPOINT"))
    understood(" ".join(entry + json.loads(next(rest for word, rest in last if word == "CMD"))))


def test_the_health_check_of_the_image_asks_the_web_process():
    check = json.loads(dict(instructions(page("Dockerfile")))["HEALTHCHECK"].partition("CMD ")[2])
    environment = {"PATH": os.environ["PATH"], "PORT": "9"}  # nobody listens there
    assert check[0] == "python"
    done = subprocess.run(
        [sys.executable, *check[1:]], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Connection refused" in done.stderr


def test_the_image_gets_all_that_make_install_needs_and_no_secret():
    kept = [line[1:] for line in page(".dockerignore").splitlines() if line.startswith("!")]
    assert page(".dockerignore").startswith("*\n")
    assert set(kept) == {"core", "cli", "plugins", "Makefile", "pyproject.toml", "uv.lock"}
    members = tomllib.loads(page("pyproject.toml"))["tool"]["uv"]["workspace"]["members"]
    assert {member.partition("/")[0] for member in members} <= set(kept)


# -- systemd, supervisor, nginx ----------------------------------------------------------------------------


def ini(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def test_the_units_run_what_there_is_and_give_it_time_to_end():
    common = ini(UNITS / "wabot-.service.d/common.conf")["Service"]
    assert float(common["TimeoutStopSec"]) > END_WITHIN > PATIENCE
    assert common["User"] == "wabot"
    for name in SERVICES:
        understood(ini(UNITS / f"wabot-{name}.service")["Service"]["ExecStart"])


def test_systemd_finds_no_fault_with_the_units(tmp_path):
    analyze = program("systemd-analyze")
    for unit in shutil.copytree(UNITS, tmp_path / "units").glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/wabot/.venv/bin/wabot", "/bin/true"))
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path / 'units'}:"}
    units = sorted(str(unit) for unit in (tmp_path / "units").glob("wabot*.*[!d]"))
    done = subprocess.run(
        [analyze, "verify", *units], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "wabot" not in done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_the_units_take_from_the_services_what_they_do_not_need(service):
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{UNITS}:"}
    command = ["security", "--offline=true", "--threshold=20", str(UNITS / f"wabot-{service}.service")]
    done = subprocess.run(
        [program("systemd-analyze"), *command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_supervisor_does_the_same_as_the_units():
    supervisor = ini(ROOT / "deploy/supervisor/wabot.conf")
    assert supervisor["group:wabot"]["programs"].split(",") == list(SERVICES)
    common = ini(UNITS / "wabot-.service.d/common.conf")["Service"]
    for name in SERVICES:
        about = supervisor[f"program:{name}"]
        assert about["command"] == ini(UNITS / f"wabot-{name}.service")["Service"]["ExecStart"]
        assert (about["user"], about["directory"]) == (common["User"], common["WorkingDirectory"])
        assert float(about["stopwaitsecs"]) > END_WITHIN


def test_nginx_accepts_its_file(tmp_path):
    nginx = program("nginx")
    site = page("deploy/nginx/wabot.conf").replace("listen [::]:80", "listen 127.0.0.2:80")
    whole = f"pid {tmp_path}/pid; events {{}} http {{ access_log off; {site} }}"
    (tmp_path / "nginx.conf").write_text(whole)
    command = [nginx, "-t", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_nginx_lets_through_what_wabot_takes():
    most = re.search(r"client_max_body_size (\d+)m;", page("deploy/nginx/wabot.conf"))
    assert most
    assert int(most[1]) >= 20  # a spreadsheet; a webhook is smaller


def test_the_command_of_the_server_is_a_shell_script():
    subprocess.run([program("sh"), "-n", ROOT / "deploy/vps/wabot"], check=True)


# -- pages -------------------------------------------------------------------------------------------------


IN_BOTH = (
    "quickstart", "deploy-vps", "deploy-render", "deploy-replit", "deploy-container", "upgrading", "import-legacy",
    "backup",
)  # fmt: skip
PLACEHOLDERS = {
    "voce@": "you@",
    "usuario:senha@": "user:password@",
    "banco-antigo": "old-database",
    "ensaio": "drill",
}


@pytest.mark.parametrize("name", IN_BOTH)
def test_both_languages_have_the_same_commands(name):
    english, portuguese = (shell_blocks(page(f"docs/{name}{language}.md")) for language in ("", ".pt-BR"))
    for there, here in PLACEHOLDERS.items():
        portuguese = [block.replace(there, here) for block in portuguese]
    assert portuguese == english


@pytest.mark.parametrize("name", ["tunnel", "tunnel.pt-BR"])
def test_the_tunnel_leads_to_the_webhook(name):
    assert "/api/chatbots/webhook/" in page(f"docs/{name}.md")
