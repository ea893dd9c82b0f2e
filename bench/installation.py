"""wabot as processes, on a PostgreSQL and a Redis of its own, with one shop that sells something."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from wabot.db.embedded import start

PHONE, SECRET = "200000000000001", "segredo-da-medicao"
MENU = {"Marmitas": ["Feijoada", "Frango", "Moqueca"], "Bebidas": ["Suco", "Guaraná", "Água"]}
SELL = """
WITH c AS (INSERT INTO pedidos.categoria (chatbot, nome) SELECT id, $1 FROM chatbot RETURNING id, chatbot)
INSERT INTO pedidos.produto (chatbot, categoria, nome, preco)
SELECT chatbot, c.id, nome, 1990 FROM c, unnest($2::text[]) AS nome
"""
BIN = Path(sys.executable).parent


class Installation:
    """Use it as a context. `web` and `worker` are process ids; `start` and `stop` take the names."""

    def __init__(self, graph_url: str) -> None:
        self.port, self.redis_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._home = Path(tempfile.mkdtemp(prefix="wabot-bench-"))
        self._environment = os.environ | {
            "GRAPH_API_URL": graph_url,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "SECRET_KEY": "chave-da-medicao-0123456789",
            "WABOT_HOME": str(self._home),
            "PORT": str(self.port),
            "LOG_LEVEL": "warning",
        }

    def __enter__(self) -> "Installation":
        self._server = start(self._home)
        self._environment["DATABASE_URL"] = self.database = self._server.get_uri("postgres")
        redis = ["redis-server", "--port", str(self.redis_port), "--save", "", "--dir", str(self._home)]
        self.processes["redis"] = subprocess.Popen(redis, stdout=subprocess.DEVNULL)
        self.wabot("migrate")
        options = {"nome": "Loja", "numero": "5511900000000", "phone-number-id": PHONE, "app-secret": SECRET}
        options |= {"business-account-id": "1", "access-token": "token", "verify-token": "v"}
        self.wabot("bots", "add", *(f"--{name}={value}" for name, value in options.items()))
        self.wabot("plugins", "enable", "pedidos", "--bot", "Loja")
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self.processes)):
            self.stop(name)
        self._server.cleanup()
        shutil.rmtree(self._home, ignore_errors=True)

    async def stock(self) -> None:
        """Something to order."""
        connection = await asyncpg.connect(self.database)
        for categoria, produtos in MENU.items():
            await connection.execute(SELL, categoria, produtos)
        await connection.close()

    def wabot(self, *arguments: str) -> float:
        """Run a command; how many seconds it took."""
        began = time.perf_counter()
        subprocess.run(
            [BIN / "wabot", *arguments], env=self._environment, check=True, stdout=subprocess.DEVNULL
        )
        return time.perf_counter() - began

    def start(self, name: str) -> None:
        """`web` or `worker`."""
        self.processes[name] = subprocess.Popen([BIN / "wabot", name], env=self._environment)

    def stop(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        process.wait(30)

    def ready(self) -> float:
        """Wait until the web process can store; how many seconds that took."""
        began = time.perf_counter()
        while time.perf_counter() - began < 120:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                return urllib.request.urlopen(f"{self.url}/readyz").status and time.perf_counter() - began
            time.sleep(0.01)
        raise TimeoutError("web is not ready")

    def counts(self) -> dict[str, int]:
        """What `wabot doctor` counts."""
        told = subprocess.run(
            [BIN / "wabot", "doctor", "--json"], env=self._environment, stdout=subprocess.PIPE, check=False
        )
        counts: dict[str, int] = json.loads(told.stdout)["counts"]
        return counts

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU so far: of web and worker, and of PostgreSQL."""
        application = (self.processes[name].pid for name in ("web", "worker") if name in self.processes)
        return {
            "application": sum(_spent(pid) for pid in application),
            "PostgreSQL": _spent(self._server.get_pid()),
        }

    def memory(self) -> dict[str, float]:
        """Megabytes of web and worker (PSS: what is shared counts in part)."""
        trees = {name: _tree(self.processes[name].pid) for name in ("web", "worker")}
        return {name: sum(p.memory_full_info().pss for p in tree) / 1e6 for name, tree in trees.items()}


def _tree(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _spent(pid: int) -> float:
    """Of a process, what runs below it, and what has ended there."""
    return sum(sum(_times(process)) for process in _tree(pid))


def _times(process: psutil.Process) -> Iterator[float]:
    with contextlib.suppress(psutil.NoSuchProcess):
        times: Any = process.cpu_times()
        yield from (times.user, times.system, times.children_user, times.children_system)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
