"""A million events through the roll-up of wabot-metricas, by a process that is killed all the time.

    python bench/replay.py [EVENTS]

Prints events a second and whether the totals are those of a plain recount, to the unit. Exits 1 if they are not.
"""

import asyncio
import itertools
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

import wabot_metricas
from wabot.db.directory import Bot
from wabot.db.embedded import start
from wabot.db.engine import DB
from wabot.flow import Chatbot
from wabot.parts import Bound
from wabot.plugins.guard import Guard
from wabot.plugins.runtime import BotRuntime
from wabot.process import migrate_all
from wabot.sinks import Reader, Sinks
from wabot_metricas.testing import contado, populacao, recontar

MANY = 1_000_000
CONVERSAS = 20_000
LIVES = (0.5, 8.0)
"""Seconds a process may read until it is killed, the first batch not counted."""
AT_ONCE = 20_000

BOT = """
INSERT INTO chatbot (id, nome, numero, phone_number_id, business_account_id, timezone)
VALUES (1, 'Loja', '551190000000', '1', '1', 'America/Sao_Paulo')
"""
PEOPLE = "INSERT INTO cliente (chatbot, nome) SELECT 1, 'Ana' FROM generate_series(1, $1)"
LEFT = """
SELECT count(*) FROM event WHERE (xid, id) > (SELECT xid, event FROM sink_checkpoint)
"""


class Fixed:
    """Stands in for the runtimes of a process."""

    def __init__(self, runtime: BotRuntime) -> None:
        self.all = [runtime]


def reader() -> tuple[Sinks, Reader]:
    bound = tuple(Bound("metricas", sink) for sink in wabot_metricas.wabot_sinks())
    bot = Bot(1, "Loja", "551190000000", "1", "1", "America/Sao_Paulo", True, "", "", "")
    runtime = BotRuntime(bot, Chatbot(1, "Loja"), ("metricas",), sinks=bound)
    return Sinks(Fixed(runtime), Guard()), Reader(runtime, bound[0])  # type: ignore[arg-type]


async def main(many: int) -> bool:
    home = Path(tempfile.mkdtemp(prefix="wabot-bench-"))
    server = start(home)
    try:
        await DB.open(server.get_uri("postgres"))
        await _fill(many)
        took, kills = await _replay(server.get_uri("postgres"))
        print(
            f"{many} events counted in {took:.0f} s by processes killed {kills} times: {many / took:.0f} events/s"
        )
        return await _same()
    finally:
        await DB.close()
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


async def _fill(many: int) -> None:
    began = time.perf_counter()
    await migrate_all()
    await DB.execute(BOT)
    await DB.execute(PEOPLE, CONVERSAS)
    await reader()[0].begin()
    events = populacao(many, CONVERSAS)
    columns = ["chatbot", "conversa", "name", "fields", "at"]
    while some := list(itertools.islice(events, AT_ONCE)):
        rows = [(1, e.conversa, e.name, msgspec.json.encode(e.fields).decode(), e.at) for e in some]
        async with DB.connection() as connection:
            await connection.copy_records_to_table("event", records=rows, columns=columns)
    await DB.execute("VACUUM ANALYZE event, conversa")
    print(f"{many} events of {CONVERSAS} conversas made in {time.perf_counter() - began:.0f} s")


async def _replay(uri: str) -> tuple[float, int]:
    """Start a process that reads, kill it, start another. Seconds spent reading, and how many were killed."""
    took, kills = 0.0, 0
    while await DB.fetchval(LEFT):
        process = subprocess.Popen([sys.executable, __file__, "--read", uri], stdout=subprocess.PIPE)  # noqa: ASYNC220 - nothing else runs here
        assert process.stdout
        await asyncio.to_thread(process.stdout.readline)  # it has begun
        began = time.perf_counter()
        try:
            await asyncio.to_thread(process.wait, random.uniform(*LIVES))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        took += time.perf_counter() - began
        process.stdout.close()
    return took, kills


async def _read(uri: str) -> None:
    await DB.open(uri)
    sinks, mine = reader()
    print("reading", flush=True)
    while await DB.fetchval(LEFT):
        while await sinks.read(mine):
            pass
        await asyncio.sleep(0.01)  # the server may not have noticed yet that the last one is dead
    await DB.close()


async def _same() -> bool:
    began = time.perf_counter()
    expected, found = await recontar(1), await contado(1)
    wrong = [place for place in expected.keys() | found.keys() if expected.get(place) != found.get(place)]
    print(f"recounted in {time.perf_counter() - began:.0f} s: {len(expected)} totals, {len(wrong)} differ")
    for place in sorted(wrong)[:10]:
        print(f"    {place}: {found.get(place)} instead of {expected.get(place)}")
    return not wrong


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        asyncio.run(_read(sys.argv[2]))
    else:
        sys.exit(not asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else MANY)))
