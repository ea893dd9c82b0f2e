"""What is measured of an installation: webhooks stored in a second, turns in a second, and what each costs."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from installation import Installation
from meta import STRANGERS, Customer, Meta, Peer

TEXT = {"type": "text", "text": {"body": "oi"}}
WARM_UP = 2.0
"""Seconds that customers order before anything is measured."""


class Figure(NamedTuple):
    """What was done in a while, with the seconds of CPU that it took."""

    many: int
    seconds: float
    cpu: Mapping[str, float]
    took: Sequence[float] = ()
    """Milliseconds from each webhook to its reply."""

    @property
    def rate(self) -> float:
        return self.many / self.seconds

    @property
    def cost(self) -> dict[str, float]:
        """Milliseconds of CPU for each one, by who spent them."""
        return {who: 1000 * spent / max(self.many, 1) for who, spent in self.cpu.items()}

    @property
    def median(self) -> float:
        return statistics.median(self.took)

    def percentile(self, percent: int) -> float:
        return statistics.quantiles(self.took, n=100)[percent - 1]

    def __str__(self) -> str:
        told = f"{self.rate:,.0f} turns/s"
        if len(self.took) > 1:
            told += f", median {self.median:.1f} ms, p99 {self.percentile(99):.1f} ms"
        return f"{told}; CPU ms a turn: " + ", ".join(f"{who} {ms:.2f}" for who, ms in self.cost.items())


async def storing(
    meta: Meta, wabot: Installation, seconds: float, most: int = 20_000, numbers: Iterator[str] = STRANGERS
) -> Figure:
    """So many webhooks, stored and answered; what is left of them when the time is over is not sent."""
    webhooks = [meta.webhook(next(numbers), TEXT, wabot.shops[0]) for _ in range(most)]
    return await pressed(wabot, webhooks, seconds)


async def pressed(
    wabot: Installation, requests: list[bytes], seconds: float, connections: int = 64
) -> Figure:
    """Requests answered 200, when so many connections send the next as soon as the last is answered."""
    answered = 0

    def heard(peer: Peer, head: bytes, _: bytes) -> None:
        nonlocal answered
        answered += b" 200 " in head[:15]
        if requests:
            peer.transport.write(requests.pop())

    loop = asyncio.get_running_loop()
    peers = [
        (await loop.create_connection(lambda: Peer(heard), "127.0.0.1", wabot.port))[1]
        for _ in range(connections)
    ]
    began, before = time.perf_counter(), wabot.cpu()
    for peer in peers:
        peer.transport.write(requests.pop())
    while requests and time.perf_counter() - began < seconds:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    figure = Figure(answered, time.perf_counter() - began, _since(before, wabot))
    requests.clear()
    await asyncio.sleep(0.5)
    for peer in peers:
        peer.transport.close()
    return figure


async def turns(wabot: Installation, people: Sequence[Customer], seconds: float) -> Figure:
    """Customers who order, each waiting for the reply."""
    async with ordering(people):
        await asyncio.sleep(WARM_UP)
        for person in people:
            person.turns.clear()
        began, before = time.perf_counter(), wabot.cpu()
        await asyncio.sleep(seconds)
        took = [turn * 1000 for person in people for turn in person.turns]
        return Figure(len(took), time.perf_counter() - began, _since(before, wabot), took)


@asynccontextmanager
async def ordering(people: Sequence[Customer]) -> AsyncIterator[None]:
    """While inside, they order; on leaving, each gets the reply that it waits for."""
    tasks = [asyncio.create_task(person.order()) for person in people]
    try:
        yield
    finally:
        for person in people:
            person.stopping = True
        await asyncio.gather(*tasks)


async def drained(wabot: Installation) -> Figure:
    """All that waits, at once, from the first replies to the last: what a worker finds after an outage."""
    many = await wabot.quiet(at_most=await wabot.waiting() - 1)
    began, before = time.perf_counter(), wabot.cpu()
    await wabot.quiet()
    return Figure(many, time.perf_counter() - began, _since(before, wabot))


def _since(before: Mapping[str, float], wabot: Installation) -> dict[str, float]:
    return {who: spent - before[who] for who, spent in wabot.cpu().items()}
