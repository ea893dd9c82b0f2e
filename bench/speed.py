"""How fast wabot is on this machine, and what a turn costs. `python bench/speed.py --help`; see docs/bench.md.

Starts PostgreSQL, Redis, `wabot web` and `wabot worker`, and drives them over HTTP as Meta and customers would.
"""

import argparse
from contextlib import suppress

import uvloop
from figures import drained, pressed, storing, turns
from installation import SECRET, Installation
from meta import Customer, Meta

BARE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def main(options: argparse.Namespace) -> None:
    meta = Meta(SECRET)
    with Installation(await meta.serve()) as wabot:
        await wabot.stock()
        help_takes, list_takes = (
            min(wabot.wabot(*c) for _ in range(3)) for c in (["--help"], ["plugins", "list"])
        )
        wabot.start("web")
        ready = wabot.ready()
        told = f"wabot --help {help_takes:.2f} s · plugins list {list_takes:.2f} s · web ready {ready:.2f} s"
        print(f"start-up   {told}")
        await ingest(meta, wabot, options.seconds)
        wabot.start("worker")
        print(f"drain      {await wabot.waiting():,} conversas: {await drained(wabot)}", flush=True)
        for delay in options.delay_ms:
            meta.delay = delay / 1000
            for many in options.customers:
                people = [Customer(meta, wabot.shops[0]) for _ in range(many)]
                figure = await turns(wabot, people, options.seconds)
                print(f"turns      {many:4} customers, Graph API {delay} ms: {figure}", flush=True)
        memory = wabot.memory()
        told = " + ".join(f"{name} {megabytes:.0f}" for name, megabytes in memory.items())
        print(f"memory     {told} = {sum(memory.values()):.0f} MB (PSS)")


async def ingest(meta: Meta, wabot: Installation, seconds: float) -> None:
    """Webhooks stored and answered, with no worker; beside it, what the same process answers without storing."""
    stored = (await storing(meta, wabot, seconds)).rate
    idle = (await pressed(wabot, [BARE] * 40_000, seconds)).rate
    print(f"ingest     {stored:,.0f} webhooks/s stored, {idle:,.0f} /healthz/s: ratio {stored / idle:.2f}")


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
