"""How fast wabot is on this machine, and what a turn costs. `python bench/speed.py --help`; see docs/bench.md.

Starts PostgreSQL, Redis, `wabot web` and `wabot worker`, and drives them over HTTP as Meta and customers would.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import suppress

import uvloop
from installation import PHONE, SECRET, Installation
from meta import Customer, Meta, Peer


async def main(options: argparse.Namespace) -> None:
    meta = Meta(PHONE, SECRET)
    with Installation(await meta.serve()) as wabot:
        await wabot.stock()
        help_takes, list_takes = (
            min(wabot.wabot(*c) for _ in range(3)) for c in (["--help"], ["plugins", "list"])
        )
        wabot.start("web")
        ready = wabot.ready()
        print(
            f"start-up   wabot --help {help_takes:.2f} s · plugins list {list_takes:.2f} s · web ready {ready:.2f} s"
        )
        await ingest(meta, wabot, options.seconds)
        wabot.start("worker")
        await drain(wabot)
        for delay in options.delay_ms:
            for customers in options.customers:
                await turns(meta, wabot, customers, delay, options.seconds)
        memory = wabot.memory()
        told = " + ".join(f"{name} {megabytes:.0f}" for name, megabytes in memory.items())
        print(f"memory     {told} = {sum(memory.values()):.0f} MB (PSS)")


async def ingest(meta: Meta, wabot: Installation, seconds: float, connections: int = 64) -> None:
    """Webhooks stored and answered, with no worker; beside it, what the same process answers without storing."""
    bare = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    stored = await _pressed(
        wabot, [meta.webhook(f"55119{n:08d}", TEXT, wabot.port) for n in range(20_000)], seconds, connections
    )
    idle = await _pressed(wabot, [bare] * 40_000, seconds, connections)
    print(f"ingest     {stored:,.0f} webhooks/s stored, {idle:,.0f} /healthz/s: ratio {stored / idle:.2f}")


async def drain(wabot: Installation) -> None:
    """All that waits, at once: what a worker finds after an outage."""
    waiting = wabot.counts()["waiting"]
    began, before = time.perf_counter(), wabot.cpu()
    while wabot.counts()["waiting"]:  # noqa: ASYNC110 - another process's database
        await asyncio.sleep(0.5)
    _tell(f"drain      {waiting:,} conversas", waiting, time.perf_counter() - began, before, wabot)


async def turns(meta: Meta, wabot: Installation, customers: int, delay: float, seconds: float) -> None:
    """Customers who order and wait for each reply."""
    meta.delay = delay / 1000
    meta.customers = {}
    people = [Customer(meta, f"55118{n:08d}", wabot.port) for n in range(customers)]
    ordering = [asyncio.create_task(person.order()) for person in people]
    await asyncio.sleep(2)
    for person in people:
        person.turns.clear()
    began, before = time.perf_counter(), wabot.cpu()
    await asyncio.sleep(seconds)
    took = [turn * 1000 for person in people for turn in person.turns]
    label = f"turns      {customers:4} customers, Graph API {delay} ms"
    _tell(label, len(took), time.perf_counter() - began, before, wabot, took)
    for person in people:
        person.stopping = True
    await asyncio.gather(*ordering)


def _tell(
    label: str,
    many: int,
    seconds: float,
    before: dict[str, float],
    wabot: Installation,
    took: Sequence[float] = (),
) -> None:
    cost = ", ".join(
        f"{who} {1000 * (spent - before[who]) / max(many, 1):.2f}" for who, spent in wabot.cpu().items()
    )
    latency = ""
    if len(took) > 1:
        latency = (
            f", median {statistics.median(took):.1f} ms, p99 {statistics.quantiles(took, n=100)[98]:.1f} ms"
        )
    print(f"{label}: {many / seconds:,.0f} turns/s{latency}; CPU ms a turn: {cost}", flush=True)


async def _pressed(wabot: Installation, requests: list[bytes], seconds: float, connections: int) -> float:
    """Requests answered 200 in a second, when so many connections send the next as soon as the last is answered."""
    answered = 0

    def heard(peer: Peer, head: bytes, _: bytes) -> None:
        nonlocal answered
        answered += b" 200 " in head[:15]
        if requests:
            peer.transport.write(requests.pop())

    loop, began = asyncio.get_running_loop(), time.perf_counter()
    peers = [
        (await loop.create_connection(lambda: Peer(heard), "127.0.0.1", wabot.port))[1]
        for _ in range(connections)
    ]
    for peer in peers:
        peer.transport.write(requests.pop())
    while requests and time.perf_counter() - began < seconds:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    rate = answered / (time.perf_counter() - began)
    requests.clear()
    await asyncio.sleep(0.5)
    for peer in peers:
        peer.transport.close()
    return rate


TEXT = {"type": "text", "text": {"body": "oi"}}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10, help="that each figure is measured")
    parser.add_argument(
        "--customers", type=int, nargs="+", default=[1, 20, 100], help="who order at the same time"
    )
    parser.add_argument("--delay-ms", type=int, nargs="+", default=[0, 50], help="that the Graph API takes")
    return parser.parse_args()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(main(parsed()))
