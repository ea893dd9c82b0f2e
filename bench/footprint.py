"""What `wabot up` needs with everything embedded: time to start, and memory idle and at 20 turns a second.

`python bench/footprint.py [SECONDS]` starts it in a folder of its own, with the simulator in Meta's place in this
process, and prints what a small machine has to have. The memory is that of the whole tree of processes, PostgreSQL's
among them, as PSS: what they share is counted once. Ends with 1 if it does not fit the 512 MB of the smallest machines.
"""

import asyncio
import contextlib
import os
import re
import sys
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import Iterator
from pathlib import Path

import psutil

from wabot.testing.simulator import Customer, Simulator

SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 30
RATE = 20
CUSTOMERS = 400
"""Enough that nobody writes faster than Meta lets a number answer one person: every 6 seconds."""
FITS = 512
PATIENCE = 60.0
SECRET = "segredo-do-aplicativo"
WABOT = str(Path(sys.executable).with_name("wabot"))
COMMANDS = (
    "bots add --nome Loja --numero 5511900000000 --phone-number-id 200000000000001 --business-account-id "
    f"300000000000001 --access-token t --app-secret {SECRET} --verify-token v",
    "plugins enable pedidos --bot Loja",
)


class Up:
    """`wabot up` in a folder of its own."""

    def __init__(self, folder: Path, graph_url: str) -> None:
        self.folder, self.log = folder, folder / "up.log"
        self.environment = os.environ | {"GRAPH_API_URL": graph_url, "LOG_LEVEL": "warning"}
        self.url = ""
        self._process: Process | None = None

    async def start(self) -> float:
        """Returns after how many seconds it answered."""
        started = time.monotonic()
        with self.log.open("w") as log:
            self._process = await self._wabot("up --port 0", log)
        while self._process.returncode is None:
            if found := re.search(r"wabot em (http://[\d.:]+)", self.log.read_text()):
                self.url = found[1]
                return time.monotonic() - started
            await asyncio.sleep(0.01)
        raise SystemExit(self.log.read_text())

    async def stop(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def run(self, words: str) -> None:
        if await (await self._wabot(words, asyncio.subprocess.DEVNULL)).wait():
            raise SystemExit(f"wabot {words} failed")

    async def _wabot(self, words: str, out: object) -> Process:
        command = [WABOT, *words.split()]
        return await asyncio.create_subprocess_exec(
            *command, cwd=self.folder, env=self.environment, stdout=out, stderr=out
        )

    def megabytes(self) -> float:
        """The tree's memory now."""
        total = 0
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().pss
        return total / 2**20

    def _family(self) -> Iterator[psutil.Process]:
        """PostgreSQL detaches itself from who started it: its number stands in its folder."""
        assert self._process
        postmaster = (self.folder / ".wabot/postgres/postmaster.pid").read_text().split()[0]
        for pid in (self._process.pid, int(postmaster)):
            yield (first := psutil.Process(pid))
            yield from first.children(recursive=True)

    async def peak(self, seconds: float) -> float:
        """The most of a time."""
        most, end = 0.0, time.monotonic() + seconds
        while time.monotonic() < end:
            most = max(most, await asyncio.to_thread(self.megabytes))
            await asyncio.sleep(0.5)
        return most


async def talk(customers: list[Customer], seconds: float) -> list[float]:
    """RATE messages a second, whatever becomes of the answers; how long each answer took."""

    async def turn(customer: Customer) -> float:
        started = time.monotonic()
        await customer.says("oi")
        await customer.sees(within=PATIENCE)
        return time.monotonic() - started

    turns, started = [], time.monotonic()
    for number in range(int(seconds * RATE)):
        await asyncio.sleep(max(0, started + number / RATE - time.monotonic()))
        turns.append(asyncio.create_task(turn(customers[number % len(customers)])))
    return sorted(await asyncio.gather(*turns))


async def main() -> bool:
    with tempfile.TemporaryDirectory(prefix="wabot-bench-") as folder:
        async with Simulator(app_secret=SECRET).serve(port=0) as meta:
            up = Up(Path(folder), meta.url)
            try:
                first = await up.start()
                for words in COMMANDS:
                    await up.run(words)
                await up.stop()
                later = await up.start()
                print(f"start-up            {first:6.1f} s the first time, {later:.1f} s later", flush=True)
                meta.webhook_url = f"{up.url}/api/chatbots/webhook/"
                return await measure(up, meta)
            except AssertionError:
                print(up.log.read_text()[-2000:], file=sys.stderr)
                raise
            finally:
                await up.stop()


async def measure(up: Up, meta: Simulator) -> bool:
    """Prints the figures. Whether they fit."""
    print(f"memory, idle        {await up.peak(10):6.0f} MB (PSS, whole tree)", flush=True)
    customers = [meta.customer(f"Cliente {n}", f"55119{n:08}") for n in range(1, CUSTOMERS + 1)]
    busy, took = await asyncio.gather(up.peak(SECONDS), talk(customers, SECONDS))
    print(f"memory, {RATE} turns/s {busy:6.0f} MB at most in {SECONDS} s")
    print(f"answers             {len(took):6} of {SECONDS * RATE}", end="; ")
    print(f"half within {took[len(took) // 2]:.2f} s, all within {took[-1]:.2f} s")
    print(f"fits {FITS} MB: {'yes' if busy <= FITS else 'NO'}")
    return busy <= FITS


if __name__ == "__main__":
    sys.exit(not asyncio.run(main()))
