"""The life of a process: stopped in the middle of its work, and with PostgreSQL or Redis gone under it."""

import asyncio
import contextlib
import signal

import asyncpg
import httpx
import pytest
import pytest_asyncio

from tests.acceptance.commands import Shell, until_ready
from tests.conftest import free_port, in_database
from tests.live import PHONE, SECRET, WABA, until
from tests.servers import OwnPostgres, OwnRedis
from wabot.testing.simulator import Simulator

pytestmark = pytest.mark.redis

ECO = '''
"""Eco: repete o que ouve, sem pressa."""
import asyncio
import msgspec
from wabot import End, Flow, hookimpl

class Nada(msgspec.Struct):
    pass

eco = Flow("eco", data=Nada)

@eco.etapa
async def ouvir(ctx):
    await asyncio.sleep(0.3)
    return End(f"eco: {ctx.message.text}")

@hookimpl
def wabot_flows():
    return [eco]
'''


class Site:
    """One bot that echoes, Meta's stand-in, and processes to start and stop."""

    def __init__(self, shell, port, simulator, dsn):
        self.shell, self.simulator, self.dsn = shell, simulator, dsn
        self.url = f"http://127.0.0.1:{port}"

    async def set_up(self):
        await self.shell.run("migrate")
        await self.shell.run(
            "bots", "add", "--nome", "Loja", "--numero", "5511900000000", "--phone-number-id", PHONE,
            "--business-account-id", WABA, "--access-token", "t", "--app-secret", SECRET, "--verify-token", "v",
        )  # fmt: skip
        await self.shell.run("plugins", "enable", "eco", "--bot", "Loja")

    async def states(self):
        """How many replies are in which state."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return dict(await connection.fetch("SELECT state, count(*) FROM outbox GROUP BY state"))
        finally:
            await connection.close()

    async def sent(self, many):
        async def enough():
            return len(self.simulator.sent) >= many

        await until(enough, within=60)

    def heard(self):
        """To whom how often Meta carried a reply."""
        return sorted(sent.body["text"]["body"] for sent in self.simulator.sent)

    async def ends_well(self, process, within=28):
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, within) == 0, self.shell.log_of(process)
        assert "Traceback" not in self.shell.log_of(process)


def eco_of(words):
    return sorted(f"eco: {said}" for said in words)


@contextlib.asynccontextmanager
async def site_on(dsn, redis, folder, kit):
    kit.install("eco", ECO)
    port = free_port()
    async with Simulator(app_secret=SECRET, retry_after=(0.2,) * 200).serve() as simulator:
        shell = Shell(
            folder,
            DATABASE_URL=dsn,
            REDIS_URL=redis,
            SECRET_KEY="uma-chave-bem-comprida-para-o-teste",
            GRAPH_API_URL=simulator.url,
            PORT=str(port),
            PYTHONPATH=str(kit.folder),
        )
        site = Site(shell, port, simulator, dsn)
        simulator.webhook_url = f"{site.url}/api/chatbots/webhook/"
        yield site


@pytest_asyncio.fixture
async def site(database_uri, redis_url, tmp_path, kit):
    async with site_on(database_uri, redis_url, tmp_path, kit) as found:
        await found.set_up()
        yield found


async def test_a_worker_stopped_under_load_leaves_no_doubt_and_the_next_goes_on_at_once(site):
    site.simulator.faults.delay_ms = 50
    words = [f"oi {n}" for n in range(300)]  # more than a worker has in hand at once
    async with site.shell.running("web") as web:
        await until_ready(site.url, web)
        await asyncio.gather(*(site.simulator.customer(said).says(said) for said in words))
        first = site.shell.start("worker", "--concurrency", "8")
        await site.sent(3)
        await site.ends_well(first)
        assert "enviando" not in await site.states()
        assert len(site.simulator.sent) < len(words)
        async with site.shell.running("worker"):
            await site.sent(len(words))
    assert site.heard() == eco_of(words)


async def test_a_web_process_stopped_under_load_loses_nothing_it_took(site):
    words = [f"oi {n}" for n in range(60)]
    async with site.shell.running("worker"):
        first = site.shell.start("web")
        await until_ready(site.url, first)
        saying = asyncio.gather(*(site.simulator.customer(said).says(said) for said in words))
        await site.ends_well(first)
        async with site.shell.running("web") as second:
            await until_ready(site.url, second)
            await saying
            await site.sent(len(words))
    assert site.heard() == eco_of(words)


async def test_every_kind_of_process_ends_well_even_while_it_waits(site, tmp_path):
    """Several web processes; a scheduler without Redis; a worker whose database is away."""
    several = site.shell.start("web", "--workers", "2")
    await until_ready(site.url, several)
    alone = Shell(tmp_path, **site.shell.environment | {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})
    away = f"postgresql://x@127.0.0.1:{free_port()}/x"
    scheduler, worker = (
        alone.start("scheduler"),
        Shell(tmp_path, **site.shell.environment | {"DATABASE_URL": away}).start("worker"),
    )
    await until(_logged(tmp_path / "scheduler.log", "queue: away"), within=20)
    await until(_logged(tmp_path / "worker.log", "não responde"), within=20)
    for process in (several, scheduler, worker):
        await site.ends_well(process)


def _logged(path, words):
    async def logged():
        return words in path.read_text()

    return logged


async def test_a_second_signal_ends_a_process_at_once(site):
    site.simulator.faults.delay_ms = 15_000
    async with site.shell.running("web") as web:
        await until_ready(site.url, web)
        await site.simulator.customer("Ana").says("oi")
        worker = site.shell.start("worker")

        async def on_its_way():
            return "enviando" in await site.states()

        await until(on_its_way, within=20)
        worker.send_signal(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            await until(_ended(worker), within=0.5)
        worker.send_signal(signal.SIGTERM)
        await until(_ended(worker), within=5)
        assert worker.returncode == -signal.SIGTERM


@pytest.fixture
def postgres():
    server = OwnPostgres()
    yield server
    server.start()
    server.close()


@pytest.fixture
def redis(tmp_path):
    server = OwnRedis(tmp_path)
    yield server
    server.kill()


async def test_processes_wait_for_what_is_away_and_go_on_when_it_is_back(postgres, redis, tmp_path, kit):
    """Everything is killed at least once: PostgreSQL before and during, Redis before and during."""
    async with site_on(postgres.uri, redis.url, tmp_path, kit) as site, httpx.AsyncClient() as http:
        postgres.kill()
        async with site.shell.running("web") as web, site.shell.running("worker"):
            await until(_answers(http, f"{site.url}/healthz", 200), within=20)
            assert web.poll() is None
            told = await http.get(f"{site.url}/readyz")
            assert (told.status_code, "não responde" in told.json()["database"]) == (503, True)
            assert (await http.post(site.simulator.webhook_url, content=b"{}")).status_code == 503

            postgres.start()
            await until(_says(http, f"{site.url}/readyz", "wabot migrate"), within=20)
            await site.set_up()
            await until(_answers(http, f"{site.url}/readyz", 200), within=20)

            await talk(site, "sem redis")
            redis.start()
            await talk(site, "com redis")
            redis.kill()
            await talk(site, "redis caiu")
            redis.start()
            await talk(site, "redis voltou")

            site.simulator.faults.delay_ms = 300
            saying = asyncio.gather(*(site.simulator.customer(f"c{n}").says(f"banco {n}") for n in range(12)))
            await site.sent(5)
            postgres.kill()
            await until(_answers(http, f"{site.url}/readyz", 503), within=20)
            postgres.start()
            await saying
            await site.sent(16)
            await until(_nothing_open(site))
            for log in ("web", "worker"):
                await until(_told_back(http, site, tmp_path / f"{log}.log"), within=20)
    assert site.heard() == eco_of(
        ["sem redis", "com redis", "redis caiu", "redis voltou", *(f"banco {n}" for n in range(12))]
    )
    for log in ("web", "worker"):
        lines = (tmp_path / f"{log}.log").read_text()
        assert "Traceback" not in lines
        assert lines.count("O PostgreSQL não responde") == 2, lines
        assert lines.count("wabot migrate") == 1, lines
        assert lines.count('"level":"warning"') < 20, lines


def _told_back(http, site, log):
    async def told():
        await http.get(f"{site.url}/readyz")
        return log.read_text().count("database: back") == 2

    return told


async def talk(site, words):
    customer = site.simulator.customer(words)
    await customer.says(words)
    await customer.sees(f"eco: {words}", within=30)


def _answers(http, url, status):
    async def answered():
        with contextlib.suppress(httpx.TransportError):
            return (await http.get(url)).status_code == status
        return False

    return answered


def _says(http, url, words):
    async def said():
        return words in (await http.get(url)).json()["database"]

    return said


def _nothing_open(site):
    async def settled():
        return not {"pendente", "enviando"} & (await site.states()).keys()

    return settled


async def test_a_database_that_refuses_us_ends_a_process_with_a_sentence(tmp_path, server_uri):
    shell = Shell(
        tmp_path,
        DATABASE_URL=in_database(server_uri, "nao_existe"),
        REDIS_URL="redis://127.0.0.1:1/0",
        SECRET_KEY="uma-chave-bem-comprida-para-o-teste",
        PORT=str(free_port()),
    )
    for command in (["web"], ["web", "--workers", "2"], ["worker"], ["bots", "list"]):
        assert "não existe no servidor; crie-o" in await shell.run(*command, status=1)


def _ended(process):
    async def ended():
        return process.poll() is not None

    return ended
