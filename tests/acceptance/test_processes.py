"""The same order through `web` and `worker` as separate processes on PostgreSQL and Redis, and through kill -9."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio

from tests.acceptance.commands import Shell, until_ready
from tests.conftest import free_port
from tests.live import PHONE, SECRET, WABA, until
from wabot.testing.simulator import Simulator

pytestmark = pytest.mark.redis

MENU = {"Marmitas": [("Feijoada", 2990), ("Moqueca", 3490)], "Bebidas": [("Guaraná", 790)]}


class Installation:
    """What an operator has after following the manual: commands, a web process, and Meta's stand-in."""

    def __init__(self, shell: Shell, url: str, simulator: Simulator) -> None:
        self.shell, self.url, self.simulator = shell, url, simulator

    async def counts(self) -> dict[str, int]:
        return (await self.examined())["counts"]

    async def examined(self) -> dict[str, Any]:
        """Whatever is wrong, a report is a report."""
        return msgspec.json.decode(await self.shell.run("doctor", "--json", status=None, shown="stdout"))


@pytest_asyncio.fixture
async def installation(database_uri, redis_url, tmp_path):
    port = free_port()
    async with Simulator(app_secret=SECRET).serve() as simulator:
        shell = Shell(
            tmp_path,
            DATABASE_URL=database_uri,
            REDIS_URL=redis_url,
            SECRET_KEY="uma-chave-bem-comprida-para-o-teste",
            GRAPH_API_URL=simulator.url,
            PORT=str(port),
        )
        await shell.run("migrate")
        bot = await shell.json(
            "bots", "add", "--nome", "Loja", "--numero", "5511900000000", "--phone-number-id", PHONE,
            "--business-account-id", WABA, "--access-token", "t", "--app-secret", SECRET, "--verify-token", "v",
        )  # fmt: skip
        await shell.run("plugins", "enable", "pedidos", "--bot", "Loja", "--set", "despedida=Volte sempre!")
        token = (await shell.json("tokens", "create", "--nome", "teste", "--escrita"))["token"]
        async with shell.running("web") as web:
            url = f"http://127.0.0.1:{port}"
            await until_ready(url, web)
            await stock(url, token, bot["id"])
            simulator.webhook_url = f"{url}/api/chatbots/webhook/"
            yield Installation(shell, url, simulator)


async def stock(url, token, bot):
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"{url}/api/pedidos", headers=headers) as api:
        for nome, produtos in MENU.items():
            categoria = (await api.post("/categorias/", json={"chatbot": bot, "nome": nome})).json()["id"]
            for produto, preco in produtos:
                body = {"chatbot": bot, "categoria": categoria, "nome": produto, "preco": preco}
                assert (await api.post("/produtos/", json=body)).status_code == 201


async def order(ana):
    await ana.says("oi")
    await ana.sees("O que vai ser hoje?")
    await ana.taps("Marmitas")
    await ana.sees("Qual você prefere?")
    await ana.taps("Feijoada")
    await ana.sees("Quantas unidades")
    await ana.says("2")
    await ana.sees("no carrinho")
    await ana.taps("Finalizar pedido")
    await ana.sees("Confira o seu pedido", "R$ 59,80")
    await ana.taps("Confirmar")
    await ana.sees("Pedido nº", "confirmado", "Volte sempre!")


async def test_an_order_through_web_worker_and_scheduler(installation):
    async with installation.shell.running("worker"), installation.shell.running("scheduler"):
        await order(installation.simulator.customer("Ana"))

        async def settled():
            counts = await installation.counts()
            return counts["to_send"] == 0 and counts["waiting"] == 0

        await until(settled)
        report = await installation.examined()
    counts = report["counts"]
    assert (counts["received"], counts["processed"], counts["sent"]) == (6, 6, 6)
    missing = {"redis", "migrations", "no-worker", "no-web", "backlog", "unsent", "quarantine"}
    assert missing.isdisjoint(finding["code"] for finding in report["findings"]), report


async def test_two_workers_answer_many_customers_once_each(installation):
    async with installation.shell.running("worker"), installation.shell.running("worker"):
        customers = [installation.simulator.customer(f"Cliente {n}") for n in range(12)]
        await asyncio.gather(*(order(customer) for customer in customers))
    assert len(installation.simulator.sent) == 12 * 6


async def test_what_comes_while_no_worker_runs_is_answered_when_one_does(installation):
    ana = installation.simulator.customer("Ana")
    await ana.says("oi")
    assert (await installation.counts())["waiting"] == 1
    async with installation.shell.running("worker"):
        await ana.sees("O que vai ser hoje?")


async def test_a_worker_killed_in_the_middle_loses_and_repeats_nothing(installation):
    """kill -9 while customers order; a new worker takes over what the dead one had in hand."""
    customers = [installation.simulator.customer(f"Cliente {n}") for n in range(8)]
    orders = [asyncio.create_task(patient_order(customer)) for customer in customers]
    for _ in range(3):
        worker = installation.shell.start("worker")
        sent = len(installation.simulator.sent)

        async def some_more(before=sent):
            return len(installation.simulator.sent) > before + 3 or all(task.done() for task in orders)

        await until(some_more, within=60)
        worker.kill()
        await asyncio.to_thread(worker.wait)
    async with installation.shell.running("worker"):
        await asyncio.gather(*orders)
    counts = await installation.counts()
    assert counts["received"] == counts["processed"] == 8 * 6
    assert (counts["dead"], counts["failed"], counts["waiting"]) == (0, 0, 0)


async def patient_order(customer):
    """An order by somebody who waits through a crash: what a dead worker was sending takes half a minute to settle."""
    steps = [
        (customer.says, "oi"), (customer.taps, "Marmitas"), (customer.taps, "Feijoada"), (customer.says, "2"),
        (customer.taps, "Finalizar pedido"), (customer.taps, "Confirmar"),
    ]  # fmt: skip
    for act, words in steps:
        await act(words)
        await customer.sees(within=90)


async def test_a_redis_that_is_away_only_makes_answers_slower(installation):
    """The queue is a doorbell: without it, a worker finds what waits by looking around."""
    installation.shell.environment["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    async with installation.shell.running("worker"):
        ana = installation.simulator.customer("Ana")
        await ana.says("oi")
        await ana.sees("O que vai ser hoje?", within=30)


async def test_a_worker_tells_prometheus_what_it_has_done(installation):
    port = free_port()
    installation.shell.environment["METRICS_PORT"] = str(port)
    async with installation.shell.running("worker"), httpx.AsyncClient() as http:
        await order(installation.simulator.customer("Ana"))

        async def told():
            text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
            return 'wabot_turn_seconds_count{result="answered"} 6.0' in text and "wabot_sends_total{" in text

        await until(told)


async def test_web_processes_behind_one_port_count_together(installation):
    url = f"http://127.0.0.1:{(port := free_port())}"
    async with installation.shell.running("web", "--workers", "2", "--port", str(port)) as several:
        await until_ready(url, several)
        for _ in range(10):  # each on a connection of its own: the system chooses who takes it
            async with httpx.AsyncClient() as http:
                assert (await http.post(f"{url}/api/chatbots/webhook/", content=b"{}")).status_code == 401
        for _ in range(5):
            async with httpx.AsyncClient() as http:
                assert 'wabot_webhooks_total{status="401"} 10.0' in (await http.get(f"{url}/metrics")).text


async def test_separate_processes_without_redis_say_what_is_missing(tmp_path, database_uri):
    shell = Shell(tmp_path, DATABASE_URL=database_uri, SECRET_KEY="uma-chave-bem-comprida-para-o-teste")
    for command in ("web", "worker", "scheduler"):
        assert "REDIS_URL" in await shell.run(command, status=1)


async def test_a_taken_port_is_said_in_words(installation):
    said = await installation.shell.run("web", status=1)
    assert "Escolha outra porta" in said
    installation.shell.environment["METRICS_PORT"] = installation.shell.environment["PORT"]
    assert "Escolha outra porta com METRICS_PORT." in await installation.shell.run("worker", status=1)
