"""One chaos run: customers talk, everything is killed, a judge counts."""

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from tests.chaos.customers import Crowd
from tests.chaos.judge import Verdict, judge
from tests.chaos.world import World
from tests.live import SECRET
from wabot.testing.simulator import Simulator
from wabot.testing.simulator.faults import Faults

FAULTS = Faults(
    delay_ms=5,
    fail_rate=0.01,
    throttle_rate=0.0002,  # each slows the number down for half a minute
    pair_rate=0.005,
    reset_rate=0.002,
    timeout_rate=0.002,
    duplicate=2,
    shuffle=True,
    batch=10,
)
RETRY_AFTER = (0.1, 0.2, 0.5, 1, 1, 2, 2, 3, 3, 5, 5, 5, 10, 10, 10, 20, 20)
SETTLED_WITHIN = 120.0
EARLY = 1000
"""Messages by which kills may be ahead of what is said, so that their number is reached."""

# What must hold in the database when all is quiet: each message one turn, each turn one row of the plugin's own.
BOOKS = """
SELECT (SELECT count(*) FROM inbox WHERE state = 'pendente') AS waiting,
       (SELECT count(*) FROM inbox WHERE state = 'morta') AS dead,
       (SELECT count(*) FROM outbox WHERE state IN ('pendente', 'enviando')) AS unsent,
       (SELECT count(*) FROM outbox WHERE state = 'falhou') AS failed,
       (SELECT count(*) FROM inbox WHERE state = 'atendida') AS turns,
       (SELECT count(*) FROM linha) + (SELECT count(*) FROM event WHERE name = 'conversa.iniciada') AS written,
       (SELECT count(*) FROM event WHERE name IN ('caderno.ouviu', 'conversa.iniciada')) AS events
"""


class Plan(msgspec.Struct, frozen=True):
    """How much of it. `source`: the folder of a wabot with a mechanism taken out; None: as it is."""

    messages: int = 20_000
    people: int = 1000
    kills: int = 200
    webs: int = 2
    workers: int = 2
    minutes: float = 30
    seed: int = 1
    source: Path | None = None


class Report(msgspec.Struct):
    planned: int
    verdict: Verdict
    kills: Counter[str]
    struck: Counter[str]
    books: dict[str, int]
    unexpected: list[str]
    other: list[str]
    seconds: float

    @property
    def clean(self) -> bool:
        """Nothing lost, doubled or disordered, the books even, and every message of the plan really said."""
        books, accepted = self.books, self.verdict.accepted
        even = books["turns"] == books["written"] == books["events"] == accepted == self.planned
        return self.verdict.clean and even and not (books["waiting"] or books["unsent"] or books["dead"])


async def run(plan: Plan) -> Report:
    """Everything that was said until all was said, or the time was over."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="wabot-chaos-", ignore_cleanup_errors=True) as home:
        simulator = Simulator(app_secret=SECRET, faults=FAULTS, retry_after=RETRY_AFTER, seed=plan.seed)
        async with simulator.serve() as meta:
            world = World(Path(home), meta.url, plan.seed, plan.source)
            async with world.running(plan.webs, plan.workers):
                meta.webhook_url = f"{world.url}/api/chatbots/webhook/"
                crowd = Crowd(meta, plan.seed)
                async with _killing(world, crowd, plan):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(plan.minutes * 60):
                            await crowd.talk(plan.people, plan.messages // plan.people)
                books = await _settled(world)
    verdict = judge(crowd.said, crowd.answers)
    struck = Counter(fault for fault, _ in simulator.struck)
    planned = plan.people * (plan.messages // plan.people)
    return Report(
        planned, verdict, world.kills, struck, books, world.unexpected, crowd.other, time.monotonic() - began
    )


@contextlib.asynccontextmanager
async def _killing(world: World, crowd: Crowd, plan: Plan):
    task = asyncio.create_task(_strike(world, crowd, plan))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _strike(world: World, crowd: Crowd, plan: Plan) -> None:
    """All the way through, in step with what is said: so many kills for so many messages."""
    while world.kills.total() < plan.kills:
        await asyncio.sleep(world.random.uniform(0.3, 2))
        if world.kills.total() * plan.messages < plan.kills * (len(crowd.said) + EARLY):
            await world.strike()


async def _settled(world: World) -> dict[str, int]:
    """The books, when nothing is open any more or nobody can wait longer."""
    deadline = time.monotonic() + SETTLED_WITHIN
    while True:
        [row] = await world.ask(BOOKS)
        if not (row["waiting"] or row["unsent"]) or time.monotonic() > deadline:
            return dict(row)
        await asyncio.sleep(0.2)
