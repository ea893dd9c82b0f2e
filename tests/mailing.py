"""A campanha of wabot-reativacao in a whole installation, killed while it runs and while customers talk.

Used by a test with a few hundred people, and by `python bench/campaign.py` with ten thousand.
"""

import asyncio
import contextlib
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from tests.chaos.customers import Crowd
from tests.chaos.judge import judge
from tests.chaos.world import World
from tests.live import SECRET, WABA
from wabot.testing.simulator import Simulator
from wabot.testing.simulator.faults import Faults

TEMPLATE = {
    "name": "saudade",
    "language": "pt_BR",
    "category": "MARKETING",
    "components": [{"type": "BODY", "text": "Oi, {{1}}! Volte."}],
}

SILENT = """
INSERT INTO cliente (chatbot, nome, wa_id, phone_key, aceita_marketing, criado_em)
SELECT 1, 'Cliente ' || n, '55118' || lpad(n::text, 8, '0'), '55118' || lpad(n::text, 8, '0'), true,
    now() - interval '90 days'
FROM generate_series(1, {people}) AS n
"""
KNOWN = """
INSERT INTO template (chatbot, name, language, category, status, components)
VALUES (1, 'saudade', 'pt_BR', 'MARKETING', 'APPROVED', '[{"type": "BODY", "text": "Oi, {{1}}! Volte."}]')
"""
CAMPANHA = """
WITH mailing AS (
    INSERT INTO mailing (chatbot, plugin, quiet_from, quiet_until) VALUES (1, 'reativacao', '00:00', '00:00')
    RETURNING id
)
INSERT INTO reativacao.campanha (chatbot, nome, estado, modelo, idioma, parametros, inativo_dias, minimo_pedidos,
    intervalo_dias, limite_diario, controle, silencio_das, silencio_ate, mailing)
SELECT 1, 'Saudade', 'ativa', 'saudade', 'pt_BR', ARRAY['{primeiro_nome}'], 30, 0, 30, 100000, 10, '00:00', '00:00', id
FROM mailing
"""
DUE = "UPDATE agendamento SET next_run = now() WHERE job = 'campanha.reativacao' RETURNING id"
HAS_RUN = "SELECT last_ok FROM agendamento WHERE job = 'campanha.reativacao'"
OPEN = "SELECT count(*) FROM outbox WHERE bulk AND state IN ('pendente', 'enviando')"
BOOKS = """
SELECT count(*) AS chosen, count(*) FILTER (WHERE controle) AS control, count(DISTINCT cliente) AS people,
    count(*) FILTER (WHERE outbox.state = 'enviada') AS sent,
    count(*) FILTER (WHERE outbox.error LIKE 'sem resposta%') AS unclear,
    count(*) FILTER (WHERE NOT controle AND (outbox.state IS NULL OR outbox.state IN ('pendente', 'enviando'))) AS open,
    count(*) FILTER (WHERE outbox.state = 'falhou' AND outbox.error NOT LIKE 'sem resposta%') AS failed
FROM reativacao.envio LEFT JOIN outbox ON outbox.id = envio.outbox
"""


class Run(msgspec.Struct):
    """What was seen. Seconds are medians of a customer's waiting for an answer."""

    people: int
    invited: Counter[str]
    books: dict[str, int]
    kills: Counter[str]
    alone: float
    beside: float
    lost: int
    twice: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Nobody twice, nobody forgotten: whoever was to be written to was, or it is on record that nobody knows."""
        books = self.books
        reached = books["sent"] + books["unclear"] == books["chosen"] - books["control"]
        once = (
            max(self.invited.values(), default=0) == 1 and books["people"] == books["chosen"] == self.people
        )
        known = books["sent"] <= len(self.invited) <= books["sent"] + books["unclear"]
        return (
            reached and once and known and not (books["open"] or books["failed"] or self.lost or self.twice)
        )


async def run(home: Path, *, people: int, kills: int, talkers: int, words: int, seed: int = 1) -> Run:
    """A campanha to so many people, with so many kills of workers and of Redis in the middle."""
    began = time.monotonic()
    faults = Faults(delay_ms=5, duplicate=2, batch=10)
    async with Simulator(app_secret=SECRET, faults=faults, seed=seed).serve() as meta:
        meta.templates.add(WABA, TEMPLATE)
        async with _installation(home, meta, seed) as world:
            await world.ask(SILENT.format(people=people))
            await world.ask(KNOWN)
            await world.ask(CAMPANHA)
            alone = await _talk(meta, talkers, words, seed)
            await _until(world, DUE)
            striking = asyncio.create_task(_strike(world, meta, people, kills))
            beside = await _talk(meta, talkers, words, seed + 1, name="Outro")
            await striking
            await _until(world, HAS_RUN, within=120)
            await _until(world, f"SELECT 1 WHERE ({OPEN}) = 0", within=60 + people / 20)
            [books] = await world.ask(BOOKS)
            invited = Counter(sent.to for sent in meta.sent if sent.body["type"] == "template")
            return Run(
                people, invited, dict(books), world.kills, alone[0], beside[0], alone[1] + beside[1],
                alone[2] + beside[2], time.monotonic() - began,
            )  # fmt: skip


@contextlib.asynccontextmanager
async def _installation(home: Path, meta: Simulator, seed: int) -> AsyncIterator[World]:
    world = World(home, meta.url, seed, None)
    async with world.running(webs=1, workers=2):
        meta.webhook_url = f"{world.url}/api/chatbots/webhook/"
        await asyncio.to_thread(world._wabot, "plugins", "enable", "reativacao", "--bot", "1")
        yield world


async def _talk(
    meta: Simulator, talkers: int, words: int, seed: int, name: str = "Cliente"
) -> tuple[float, int, int]:
    """Customers talk until all is answered: the median wait, and how many messages were lost or answered twice."""
    crowd = Crowd(meta, seed)
    await crowd.talk(talkers, words, name)
    verdict = judge(crowd.said, crowd.answers)
    heard = {(one.customer, one.words): one.at for one in crowd.answers if one.part == one.parts}
    waits = [
        heard[one.customer, one.words] - one.posted
        for one in crowd.said
        if (one.customer, one.words) in heard
    ]
    return statistics.median(waits), len(verdict.lost), len(verdict.twice)


async def _strike(world: World, meta: Simulator, people: int, kills: int) -> None:
    """Workers and Redis in turn, spread over the campanha's messages."""
    dice = random.Random(world.random.random())
    for number in range(kills):
        reached = people * (number + 1) // (kills + 2)
        async with asyncio.timeout(120 + people / 20):
            while sum(sent.body["type"] == "template" for sent in meta.sent) < reached:  # noqa: ASYNC110 - a list grows
                await asyncio.sleep(0.05)
        await asyncio.sleep(dice.random() / 5)
        await world.strike("redis" if number % 3 == 2 else "worker")


async def _until(world: World, sql: str, within: float = 60) -> None:
    """Until there is such a row, and its first value is true."""
    async with asyncio.timeout(within):
        while not (rows := await world.ask(sql)) or not rows[0][0]:  # noqa: ASYNC110 - a row changes
            await asyncio.sleep(0.2)
