"""A campanha to ten thousand people while customers talk and workers and Redis are killed. `[PEOPLE] [KILLS]`

Prints what was counted, and exits with 1 unless nobody was written to twice and nobody forgotten. The waiting times
are those of this machine at this moment: what counts is that they are much the same with the campanha and without.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.mailing import run

PEOPLE = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 12


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="wabot-bench-") as home:
        seen = asyncio.run(run(Path(home), people=PEOPLE, kills=KILLS, talkers=40, words=30))
    for name, value in seen.books.items():
        print(f"{name:>22}  {value}")
    print(f"{'written to':>22}  {len(seen.invited)}")
    print(f"{'most to one person':>22}  {max(seen.invited.values(), default=0)}")
    print(f"{'killed':>22}  {dict(seen.kills)}")
    print(f"{'median answer alone':>22}  {seen.alone * 1000:.0f} ms")
    print(f"{'beside the campanha':>22}  {seen.beside * 1000:.0f} ms")
    print(f"{'answers lost, twice':>22}  {seen.lost}, {seen.twice}")
    print(f"{'took':>22}  {seen.seconds:.0f} s")
    print("clean" if seen.clean else "RED")
    return 0 if seen.clean else 1


if __name__ == "__main__":
    sys.exit(main())
