"""The installation under test: PostgreSQL, Redis, web, worker and scheduler as processes that can be killed."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import psutil
from redis import Redis as RedisClient
from redis.exceptions import RedisError

from tests.chaos.balancer import Balancer
from tests.chaos.caderno import CADERNO, TABLE
from tests.chaos.points import POINTS, VARIABLE
from tests.conftest import free_port
from tests.kit import Kit
from tests.live import PHONE, SECRET, WABA
from wabot.db.embedded import patiently, prepare, start

ROOT = Path(__file__).parents[2]


class Victim:
    """One process of ours: started, killed, started again."""

    def __init__(self, world: "World", name: str, *command: str, **environment: str) -> None:
        self.world, self.name, self.command, self.environment = world, name, command, environment
        self.popen: subprocess.Popen[bytes] | None = None
        self.mine = ""

    @property
    def kind(self) -> str:
        return self.command[0]

    def start(self, mine: str = "") -> None:
        self.mine = mine.partition(":")[0]
        with (self.world.home / f"{self.name}.log").open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.victim", *self.command],
                cwd=ROOT,
                env=self.world.environment | self.environment | ({VARIABLE: mine} if mine else {}),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Whoever waits for it starts it again, so that nobody else may wait: it could be for the new one."""
        assert self.popen
        self.popen.kill()

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status. Raises TimeoutExpired."""
        assert self.popen
        assert self.popen.stdin
        status = self.popen.wait(timeout)
        self.popen.stdin.close()
        return status

    def stop(self) -> None:
        """As an operator would."""
        if self.popen and self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.wait(40)
            except subprocess.TimeoutExpired:
                self.world.unexpected.append(f"{self.name} did not stop")
                self.kill()


class World:
    """Everything that runs. `kills` counts by what was killed and where."""

    def __init__(self, home: Path, graph_url: str, seed: int, source: Path | None) -> None:
        self.home, self.random = home, random.Random(seed)
        self.kills: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self.uri = ""
        self.redis_port = free_port()
        self._graph_url, self._source = graph_url, source
        self._redis: subprocess.Popen[bytes] | None = None
        self._stopping = False

    @property
    def environment(self) -> Mapping[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        paths = [str(self.home / "plugins"), *([str(self._source)] if self._source else [])]
        return kept | {
            "DATABASE_URL": self.uri,
            "REDIS_URL": f"redis://127.0.0.1:{self.redis_port}/0",
            "SECRET_KEY": "uma-chave-bem-comprida-para-o-caos",
            "GRAPH_API_URL": self._graph_url,
            "WABOT_HOME": str(self.home / "wabot"),
            "PYTHONPATH": os.pathsep.join(paths),
        }

    @contextlib.asynccontextmanager
    async def running(self, webs: int, workers: int) -> AsyncIterator["World"]:
        """All of it, with a bot that has the flow of caderno.py on; `url` is where webhooks go."""
        self._postgres = start(self.home)
        self.uri = await prepare(self._postgres)
        self._start_redis()
        try:
            await asyncio.to_thread(self._set_up)
            ports = [free_port() for _ in range(webs)]
            self.victims = [Victim(self, f"web{n}", "web", PORT=str(port)) for n, port in enumerate(ports)]
            self.victims += [Victim(self, f"worker{n}", "worker") for n in range(workers)]
            self.victims += [Victim(self, "scheduler", "scheduler")]
            async with Balancer(ports).serving() as self.url:
                for victim in self.victims:
                    victim.start(self._mine_for(victim))
                guards = [asyncio.create_task(self._keep_alive(victim)) for victim in self.victims]
                try:
                    yield self
                finally:
                    self._stopping = True
                    await asyncio.gather(*(asyncio.to_thread(victim.stop) for victim in self.victims))
                    await asyncio.gather(*guards)
        finally:
            if self._redis:
                self._redis.kill()
                self._redis.wait()
            await asyncio.to_thread(self._postgres.cleanup)

    async def strike(self, kind: str = "") -> None:
        """Kill something: a process of ours at a random moment, Redis or PostgreSQL."""
        kind = (
            kind
            or self.random.choices(["web", "worker", "scheduler", "redis", "postgres"], [32, 50, 5, 8, 5])[0]
        )
        if kind == "redis":
            await asyncio.to_thread(self._kill_redis)
        elif kind == "postgres":
            await asyncio.to_thread(self._kill_postgres)
        else:
            living = [v for v in self.victims if v.kind == kind and v.popen and v.popen.poll() is None]
            if not living:
                return
            victim = self.random.choice(living)
            victim.mine = ""
            victim.kill()
        self.kills[f"{kind}, at random"] += 1

    async def ask(self, sql: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.uri)
        try:
            return await connection.fetch(sql)
        finally:
            await connection.close()

    async def _keep_alive(self, victim: Victim) -> None:
        """Start it again whenever it has died, with a mine in it every other time."""
        while not self._stopping:
            status = await asyncio.to_thread(victim.wait)
            if self._stopping:
                return
            if status == -signal.SIGKILL and victim.mine:
                self.kills[f"{victim.kind}, {victim.mine}"] += 1
            elif status != -signal.SIGKILL:
                self.unexpected.append(f"{victim.name} ended with {status}")
            victim.start(self._mine_for(victim))

    def _mine_for(self, victim: Victim) -> str:
        labels = [point.label for point in POINTS if point.process == victim.kind]
        if not labels or self.random.random() < 0.3:
            return ""
        return f"{self.random.choice(labels)}:{self.random.randint(1, 60)}"

    def _set_up(self) -> None:
        plugins = self.home / "plugins"
        plugins.mkdir()
        Kit(plugins).install("caderno", CADERNO)
        self._wabot("migrate")
        asyncio.run(self.ask(TABLE))
        self._wabot(
            "bots", "add", "--nome", "Loja", "--numero", "5511900000000", "--phone-number-id", PHONE,
            "--business-account-id", WABA, "--access-token", "t", "--app-secret", SECRET, "--verify-token", "v",
        )  # fmt: skip
        self._wabot("plugins", "enable", "caderno", "--bot", "1")

    def _wabot(self, *args: str) -> None:
        command = [sys.executable, "-m", "wabot_cli.main", *args]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"wabot {' '.join(args)}: {done.stderr}")

    def _start_redis(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise RuntimeError("the chaos run needs redis-server")
        options = [
            "--port",
            str(self.redis_port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.home),
        ]
        self._redis = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        with RedisClient(port=self.redis_port) as client:
            _until_answers(client.ping, RedisError)

    def _kill_redis(self) -> None:
        """Nothing of it is kept: streams, groups and what was rung are gone."""
        assert self._redis
        self._redis.kill()
        self._redis.wait()
        time.sleep(self.random.random())
        self._start_redis()

    def _kill_postgres(self) -> None:
        """The postmaster and its children at once, as when the machine goes off."""
        postmaster = psutil.Process(self._postgres.get_pid())
        everyone = [postmaster, *postmaster.children(recursive=True)]
        for process in everyone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(everyone, timeout=20)
        time.sleep(self.random.random())
        patiently(self._postgres.ensure_postgres_running)


def _until_answers(ask: object, error: type[Exception], within: float = 20) -> None:
    deadline = time.monotonic() + within
    while True:
        try:
            ask()  # type: ignore[operator]
        except error:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
