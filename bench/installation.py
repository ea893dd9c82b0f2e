"""wabot as processes, on a PostgreSQL and a Redis of its own, with shops that sell something."""

import asyncio
import contextlib
import os
import re
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
from meta import Shop

from wabot.db.embedded import start

PHONE, SECRET = 200000000000001, "segredo-da-medicao"
MENU = {"Marmitas": ["Feijoada", "Frango", "Moqueca"], "Bebidas": ["Suco", "Guaraná", "Água"]}
SELL = """
WITH c AS (INSERT INTO pedidos.categoria (chatbot, nome) SELECT id, $1 FROM chatbot RETURNING id, chatbot)
INSERT INTO pedidos.produto (chatbot, categoria, nome, preco)
SELECT chatbot, c.id, nome, 1990 FROM c, unnest($2::text[]) AS nome
"""
# Conversas that wait for an answer, and answers that are not sent yet.
WAITING = """
SELECT (SELECT count(*) FROM inbox WHERE state = 'pendente')
    + (SELECT count(*) FROM outbox WHERE state IN ('pendente', 'enviando'))
"""
# Each process has one connection on which it hears of changes, opened when all else is.
LISTENING = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'wabot worker' AND query LIKE 'LISTEN %'
"""
BIN = Path(sys.executable).parent


class Installation:
    """Use it as a context. `start` and `stop` take the names of its processes."""

    def __init__(self, graph_url: str, shops: int = 1) -> None:
        self.port, self.redis_port = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.shops = [Shop(str(PHONE + n), self.port) for n in range(shops)]
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
        for number, shop in enumerate(self.shops, 1):
            self._add(f"Loja {number}", shop)
        return self

    def _add(self, nome: str, shop: Shop) -> None:
        options = {
            "nome": nome,
            "numero": "5511900000000",
            "phone-number-id": shop.phone,
            "app-secret": SECRET,
        }
        options |= {"business-account-id": "1", "access-token": "token", "verify-token": "v"}
        self.wabot("bots", "add", *(f"--{name}={value}" for name, value in options.items()))
        self.wabot("plugins", "enable", "pedidos", "--bot", nome)

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

    def start(self, command: str, name: str = "") -> None:
        """`web` or `worker`; a second one needs a name of its own."""
        self.processes[name or command] = subprocess.Popen([BIN / "wabot", command], env=self._environment)

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

    async def waiting(self) -> int:
        """How many conversas wait for a reply."""
        return await self._asked(WAITING)

    async def quiet(self, at_most: int = 0) -> int:
        """Until no more than so many wait: how many do."""
        while (many := await self.waiting()) > at_most:  # noqa: ASYNC110 - another process's database
            await asyncio.sleep(0.25)
        return many

    async def start_worker(self, name: str = "worker") -> None:
        """One more, and wait until it is there."""
        before = await self._asked(LISTENING)
        self.start("worker", name)
        while await self._asked(LISTENING) == before:  # noqa: ASYNC110
            await asyncio.sleep(0.25)

    async def _asked(self, sql: str) -> int:
        connection = await asyncpg.connect(self.database)
        try:
            return int(await connection.fetchval(sql))
        finally:
            await connection.close()

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU so far: of web and workers, and of PostgreSQL."""
        application = (process.pid for name, process in self.processes.items() if name != "redis")
        return {
            "application": sum(_spent(pid) for pid in application),
            "PostgreSQL": _spent(self._server.get_pid()),
        }

    def peak(self, name: str) -> float:
        """The most megabytes a process has had so far (resident). Linux only."""
        status = Path(f"/proc/{self.processes[name].pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000  # type: ignore[index]

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
