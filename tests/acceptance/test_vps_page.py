"""docs/deploy-vps.md on a bare Debian, word for word: it ends with a signed webhook in and an answer at Meta.

The machine is a folder made by debootstrap, with processes of its own and this one's network. Three things on it are
not what they would be: `systemctl` is a stand-in (systemd is not its first process), `certbot` cannot reach Let's
Encrypt, and Meta is the simulator. It needs root, some minutes and ports 80, 5432, 6379 and 8000, so it runs only
where WABOT_TEST_REQUIRE names `vps`.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import REQUIRED
from tests.docs.pages import ROOT, page, shell_blocks
from tests.live import SECRET, until
from wabot.testing.simulator import Simulator

pytestmark = [
    pytest.mark.skipif("vps" not in REQUIRED, reason="changes a whole machine: only where `vps` is required"),
    pytest.mark.timeout(900),
]

SUITE = "bookworm"
MIRROR = os.environ.get("WABOT_TEST_DEBIAN", "http://deb.debian.org/debian")
OURS = {"DOMAIN": "bot.example.com", "EMAIL": "ana@example.com", "REPOSITORY": "/mnt/wabot.git"}
SECRETS = f"token-de-acesso\n{SECRET}\nverificacao\n"
NETWORK = [
    "/etc/resolv.conf", "/etc/ssl/certs", "/usr/local/share/ca-certificates", "/etc/pip.conf",
    *(str(Path.home() / ".config" / tool) for tool in ("pip", "uv")),
]  # fmt: skip
"""How this machine reaches packages, which says nothing about the page."""


class Machine:
    """A bare Debian, and a root's shell on it that remembers variables from one block to the next."""

    def __init__(self, root: Path) -> None:
        self.root = root
        subprocess.run(
            ["debootstrap", "--variant=minbase", SUITE, str(root), MIRROR],
            check=True,
            timeout=300,
            stdout=subprocess.DEVNULL,
        )
        for path in filter(os.path.exists, NETWORK):
            give = shutil.copytree if os.path.isdir(path) else shutil.copy
            place = root / path[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            give(path, place, **({"dirs_exist_ok": True} if give is shutil.copytree else {}))
        subprocess.run(
            ["git", "clone", "--quiet", "--bare", str(ROOT), str(root / "mnt/wabot.git")], check=True
        )
        self._put("systemctl", (ROOT / "tests/acceptance/systemctl_standin.py").read_text())
        kept = {
            k: v
            for k, v in os.environ.items()
            if k.startswith(("PIP_", "UV_", "SSL_")) or "proxy" in k.lower()
        }
        self.environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "DEBIAN_FRONTEND": "noninteractive",
        } | kept
        self._shell = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", str(root), "bash"],
            env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True,
        )  # fmt: skip
        self.types("set -eu; mount -t proc proc /proc; mount -t devpts devpts /dev/pts")

    def _put(self, name: str, text: str) -> None:
        command = self.root / "usr/local/sbin" / name
        command.write_text(text)
        command.chmod(0o755)

    def stands_in(self, name: str, text: str) -> None:
        self._put(name, f"#!/bin/sh\n{text}\n")

    def types(self, block: str, answers: str = "") -> str:
        """Run a block to its end; returns what was printed. Fails if a command of it does."""
        (self.root / "root/block").write_text(block)
        (self.root / "root/answers").write_text(answers)
        assert self._shell.stdin
        assert self._shell.stdout
        self._shell.stdin.write("cd /root; . /root/block < /root/answers; echo '<<done>>'\n")
        self._shell.stdin.flush()
        printed: list[str] = []
        for line in self._shell.stdout:
            if line.endswith("<<done>>\n"):
                return "".join(printed)
            printed.append(line)
        raise AssertionError(f"{block}\n\n{''.join(printed)[-4000:]}\n{self.logs()}")

    def logs(self) -> str:
        return "\n".join(log.read_text()[-2000:] for log in (self.root / "var/log").glob("wabot-*.log"))

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """What fails in here is told with the services' logs."""
        try:
            yield
        except Exception as error:
            raise AssertionError(self.logs()) from error

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait(10)
        for pipe in (self._shell.stdin, self._shell.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]
        shutil.rmtree(self.root, ignore_errors=True)


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path / "debian")
    yield made
    made.close()


async def test_a_bare_debian_that_follows_the_page_answers_a_message(machine):
    machine.stands_in("certbot", 'echo "$@" > /root/certified')
    async with Simulator(app_secret=SECRET).serve(port=0) as meta:
        for block in shell_blocks(page("docs/deploy-vps.md")):
            if block.startswith("DOMAIN="):
                assert set(OURS) == {line.partition("=")[0] for line in block.splitlines()}
                block = "\n".join(f"{name}={value}" for name, value in OURS.items())
            if "/etc/wabot/.env <<END" in block:
                block = block.replace("LOG_FORMAT=json", f"LOG_FORMAT=json\nGRAPH_API_URL={meta.url}")
            await asyncio.to_thread(machine.types, block, SECRETS)  # the simulator answers meanwhile
            if "apt-get install" in block:  # systemd starts what is installed
                machine.types("for name in postgresql redis-server nginx; do service $name start; done")
        certified = (machine.root / "root/certified").read_text()
        assert "--domain bot.example.com" in certified

        meta.webhook_url = "http://127.0.0.1/api/chatbots/webhook/"  # through nginx
        async with httpx.AsyncClient(
            base_url="http://127.0.0.1", headers={"Host": "bot.example.com"}
        ) as http:

            async def ready():
                return (await http.get("/readyz")).status_code == 200

            with machine.telling():
                await until(ready, within=60)
        ana = meta.customer("Ana", "5511987654321")
        with machine.telling():
            await ana.says("oi")
            await ana.sees("nada disponível", within=60)
