"""Whether wabot is as fast after years as on its first day. `python bench/growth.py --help`; see docs/bench.md.

Two installations side by side, one with two thousand clientes who never wrote, the other with a million and all that
they wrote and were told. They are measured in turn, so that whatever else the machine does tells on both.
"""

import argparse
import itertools
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence

import asyncpg
import uvloop
from figures import Figure, storing, turns
from filling import fill
from installation import SECRET, Installation
from meta import STRANGERS, Customer, Meta

FEW = 2000
ROUNDS = 4
WEBHOOKS = 10_000
WITHIN = 0.10
# Nobody will answer those that came while there was no worker: what is measured next is the others.
SET_ASIDE = "UPDATE inbox SET state = 'guardada', done_at = now() WHERE state = 'pendente'"


class Age:
    """An installation with its history; what was measured of it, round by round, stands in `found`."""

    def __init__(self, wabot: Installation, clientes: int) -> None:
        self.wabot, self._clientes = wabot, clientes
        self.found: dict[str, list[float]] = defaultdict(list)
        apart = clientes // FEW
        self.known = (f"55117{1 + n * 7919 % FEW * apart:08d}" for n in itertools.count())
        """Numbers of those whom `fill` has made, far apart, and as many in each: once a day it is noted that one was
        seen."""

    async def begin(self, messages: int) -> None:
        await self.wabot.stock()
        await fill(self.wabot.database, self._clientes, messages)
        self.wabot.start("web")
        self.wabot.ready()

    async def wake(self) -> None:
        connection = await asyncpg.connect(self.wabot.database)
        await connection.execute(SET_ASIDE)
        await connection.execute("VACUUM ANALYZE inbox")
        await connection.close()
        await self.wabot.start_worker()

    def numbers(self, who: str) -> Iterator[str]:
        return STRANGERS if who == "new" else self.known

    def note(self, name: str, figure: Figure) -> None:
        self.found[f"{name}: a second"].append(figure.rate)
        if figure.took:
            self.found[f"{name}: median ms"].append(figure.median)
        for who, ms in figure.cost.items():
            self.found[f"{name}: CPU ms, {who}"].append(ms)


async def main(options: argparse.Namespace) -> bool:
    meta = Meta(SECRET)
    graph_url = await meta.serve()
    with Installation(graph_url) as first, Installation(graph_url) as second:
        ages = young, old = Age(first, FEW), Age(second, options.clientes)
        await young.begin(messages=0)
        await old.begin(options.messages)
        for who, age in itertools.product(("new", "known"), _alternating(ages)):
            stored = await storing(meta, age.wabot, options.seconds, WEBHOOKS, age.numbers(who))
            age.note(f"ingest, {who}", stored)
        for age in ages:
            await age.wake()
        for many, who in itertools.product(options.customers, ("new", "known")):
            for age in _alternating(ages):
                people = [Customer(meta, age.wabot.shops[0], numbers=age.numbers(who)) for _ in range(many)]
                age.note(f"turns, {many} {who}", await turns(age.wabot, people, options.seconds))
    return _tell(young, old)


def _alternating(ages: Sequence[Age]) -> Iterator[Age]:
    """Each as often first as second."""
    for nth in range(ROUNDS):
        yield from ages[:: -1 if nth % 2 else 1]


def _tell(young: Age, old: Age) -> bool:
    """Prints medians and their ratios: whether the old one is nowhere much the slower or dearer."""
    print(f"\n{'':36}{'young':>9}{'old':>9}{'ratio':>7}")
    near = True
    for name, values in young.found.items():
        before, after = statistics.median(values), statistics.median(old.found[name])
        worse = (before / after if name.endswith("a second") else after / before) > 1 + WITHIN
        near &= not worse
        print(f"{name:36}{before:9,.2f}{after:9,.2f}{after / before:7.2f}{'  !' if worse else ''}")
    print(f"nothing worse by more than {WITHIN:.0%}: {'yes' if near else 'NO'}")
    return near


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clientes", type=int, default=1_000_000, help="each with a conversa; 2,000 at least"
    )
    parser.add_argument("--messages", type=int, default=5_000_000, help="received, and as many sent")
    parser.add_argument("--customers", type=int, nargs="+", default=[100, 1], help="at the same time")
    parser.add_argument("--seconds", type=float, default=5, help="that each figure is measured in each round")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(not uvloop.run(main(parsed())))
