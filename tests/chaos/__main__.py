"""`python -m tests.chaos`: the whole run, its figures, and exit status 1 if any that must be zero is not."""

import argparse
import asyncio
import sys
from contextlib import nullcontext

from tests.chaos.run import Plan, Report, run
from tests.mutants import MUTANTS, named, without


def main() -> int:
    plan = Plan()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    for name in ("messages", "people", "kills", "webs", "workers", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(plan, name))
    parser.add_argument("--minutes", type=float, default=plan.minutes, help="how long it may take at most")
    mechanisms = [mutant.mechanism for mutant in MUTANTS if mutant.chaos]
    parser.add_argument("--without", choices=mechanisms, help="take a mechanism out: the run must turn red")
    options = vars(parser.parse_args())
    mechanism = options.pop("without")
    with without(named(mechanism)) if mechanism else nullcontext(None) as source:
        report = asyncio.run(run(Plan(**options, source=source)))
    show(report)
    print("clean" if report.clean else "RED")
    return 0 if report.clean else 1


def show(report: Report) -> None:
    verdict = report.verdict
    figures = {
        "accepted": verdict.accepted,
        "answered": verdict.answered,
        "lost": len(verdict.lost),
        "answered twice": len(verdict.twice),
        "out of order": len(verdict.disorder),
        "kills": report.kills.total(),
        "longest stall": f"{verdict.longest_stall:.1f} s",
        "took": f"{report.seconds:.0f} s",
    }
    for name, value in figures.items():
        print(f"{name:>16}  {value}")
    print(f"{'books':>16}  " + ", ".join(f"{name} {count}" for name, count in report.books.items()))
    for title, counts in (("killed", report.kills), ("faults of Meta", report.struck)):
        print(f"{title}:")
        for name, count in sorted(counts.items()):
            print(f"{count:>8}  {name}")
    for title, lines in (
        ("lost", verdict.lost),
        ("answered twice", verdict.twice),
        ("out of order", verdict.disorder),
        ("said besides", report.other),
        ("ended by themselves", report.unexpected),
    ):
        if lines:
            print(f"{title}: {len(lines)}")
            for line in lines[:10]:
                print(f"          {line}")


if __name__ == "__main__":
    sys.exit(main())
