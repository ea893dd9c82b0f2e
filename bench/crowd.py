"""What becomes of a turn among many others. `python bench/crowd.py [fairness | workers | waking]`; see docs/bench.md.

fairness: three shops with a few customers each, alone and beside a flood at a fourth one.
workers: one worker and two, with as many customers as there may be at once.
waking: a worker that starts with ten thousand conversas waiting, against one that kept up.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvloop
from figures import Figure, drained, pressed, turns
from installation import SECRET, Installation
from meta import STRANGERS, Customer, Meta, Shop

SHOPS = 4
MODEST, PAUSES = 10, 1.0
"""Customers of each shop but the last, and the seconds of thought before each message."""
ROUNDS = 3
PEDIDO = {"type": "text", "text": {"body": "pedido"}}


async def main(options: argparse.Namespace) -> None:
    meta = Meta(SECRET)
    with Installation(await meta.serve(), SHOPS) as wabot:
        await wabot.stock()
        wabot.start("web")
        wabot.ready()
        for claim in [options.claim] if options.claim else CLAIMS:
            await CLAIMS[claim](meta, wabot, options)


async def fairness(meta: Meta, wabot: Installation, options: argparse.Namespace) -> None:
    """Alone and beside the flood, over and over."""
    *modest, last = wabot.shops
    alone, beside = [], []
    await wabot.start_worker()
    for _ in range(ROUNDS):
        alone.append(await _ask_modestly(meta, wabot, modest, options.seconds))
        async with _flood(meta, last, options.flood):
            beside.append(await _ask_modestly(meta, wabot, modest, options.seconds))
        await wabot.quiet()
    wabot.stop("worker")
    before, after = (statistics.median(f.percentile(95) for f in figures) for figures in (alone, beside))
    print(f"fairness   alone: {alone[-1]}")
    print(f"           beside {options.flood:.0f} messages/s elsewhere: {beside[-1]}")
    print(f"           p95 {before:.1f} and {after:.1f} ms: ratio {after / before:.2f} (1.10 at most)")


async def workers(meta: Meta, wabot: Installation, options: argparse.Namespace) -> None:
    """The same customers with one worker and with two, over and over."""
    one, two = [], []
    await wabot.start_worker()
    for _ in range(ROUNDS):
        one.append(await _ask_at_once(meta, wabot, options))
        await wabot.start_worker("second worker")
        two.append(await _ask_at_once(meta, wabot, options))
        wabot.stop("second worker")
    wabot.stop("worker")
    before, after = (statistics.median(f.rate for f in figures) for figures in (one, two))
    print(f"workers    one: {one[-1]}")
    print(f"           two: {two[-1]}")
    print(f"           {before:,.0f} and {after:,.0f} turns/s: ratio {after / before:.2f} (more than 1)")


async def waking(meta: Meta, wabot: Installation, options: argparse.Namespace) -> None:
    """A worker that keeps up, then one that was away."""
    await wabot.start_worker()
    awake, before = await _ask_at_once(meta, wabot, options), wabot.peak("worker")
    wabot.stop("worker")
    webhooks = [meta.webhook(next(STRANGERS), PEDIDO, wabot.shops[0]) for _ in range(options.waiting)]
    await pressed(wabot, webhooks, seconds=600)
    wabot.start("worker")
    woken, after = await drained(wabot), wabot.peak("worker")
    wabot.stop("worker")
    print(f"waking     kept up: {awake}")
    print(
        f"           {options.waiting:,} waited: {woken}; ratio {woken.rate / awake.rate:.2f} (0.90 at least)"
    )
    print(f"           memory {before:.0f} and {after:.0f} MB: ratio {after / before:.2f} (1.10 at most)")


CLAIMS = {"fairness": fairness, "workers": workers, "waking": waking}


async def _ask_modestly(meta: Meta, wabot: Installation, shops: list[Shop], seconds: float) -> Figure:
    return await turns(
        wabot, [Customer(meta, shop, PAUSES) for shop in shops for _ in range(MODEST)], seconds
    )


async def _ask_at_once(meta: Meta, wabot: Installation, options: argparse.Namespace) -> Figure:
    return await turns(
        wabot, [Customer(meta, wabot.shops[0]) for _ in range(options.customers)], options.seconds
    )


@asynccontextmanager
async def _flood(meta: Meta, shop: Shop, rate: float) -> AsyncIterator[None]:
    """While inside, so many strangers a second write to the shop, whatever becomes of it."""

    async def pour() -> None:
        began = time.perf_counter()
        for nth, number in enumerate(STRANGERS):
            await asyncio.sleep(began + nth / rate - time.perf_counter())
            await meta.says(number, PEDIDO, shop)

    pouring = asyncio.create_task(pour())
    try:
        yield
    finally:
        pouring.cancel()
        with suppress(asyncio.CancelledError):
            await pouring


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("claim", nargs="?", choices=CLAIMS, help="all of them, if none is named")
    parser.add_argument(
        "--seconds", type=float, default=10, help="that each figure is measured in each round"
    )
    parser.add_argument("--flood", type=float, default=300, help="messages a second at the fourth shop")
    parser.add_argument("--customers", type=int, default=100, help="at once, of workers and waking")
    parser.add_argument("--waiting", type=int, default=10_000, help="conversas, of waking")
    return parser.parse_args()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        uvloop.run(main(parsed()))
