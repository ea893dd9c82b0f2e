"""How fast lists are with a million clientes and five million messages. `python bench/lists.py [HOW_MANY]`

Makes the data in a PostgreSQL of its own (the embedded one), times each list as the API and the panel serve it, and
prints the plan of the slowest. See docs/decisions/0021.
"""

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filling import fill
from piccolo.columns.combination import WhereRaw

from wabot import dead
from wabot.db.embedded import start
from wabot.db.engine import DB
from wabot.db.tables import Cliente
from wabot.process import migrate_all
from wabot.web.clientes import NOT_WRITTEN_SINCE, ORDERS, add_last_interaction, shown
from wabot.web.rest import Access, Listing

MANY = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
BOTS = 3

MAKE = """
INSERT INTO chatbot (id, nome, numero, phone_number_id, business_account_id, timezone)
SELECT n, 'Loja ' || n, '551190000000' || n, n::text, '1', 'America/Sao_Paulo' FROM generate_series(1, $1) AS n
"""
CHATBOT = "CASE WHEN n % 100 = 0 THEN 2 WHEN n % 1000 = 1 THEN 3 ELSE 1 END"
"""The first has nearly everybody; a list must not slow down for its neighbours."""
MESSAGES = MANY * 5 // 2
"""Received, and as many sent."""
GOES_ON = Cliente.mesclado_em.is_null()
"""What the API asks of every cliente it lists."""


async def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="wabot-bench-"))
    server = start(home)
    try:
        await DB.open(server.get_uri("postgres"))
        await migrate_all()
        await DB.execute(MAKE, BOTS)
        await fill(server.get_uri("postgres"), MANY, MESSAGES, CHATBOT)
        await _measure()
    finally:
        await DB.close()
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


async def _measure() -> None:
    since = datetime.now(UTC) - timedelta(days=60)
    quiet = (Cliente.criado_em < since, WhereRaw(NOT_WRITTEN_SINCE, since))
    cases: list[tuple[str, Listing, tuple[Any, ...]]] = [
        ("first page", Listing(chatbot=1), ()),
        ("a small neighbour's", Listing(chatbot=3), ()),
        ("last page (offset)", Listing(chatbot=1, offset=MANY * 9 // 10), ()),
        ("by nome", Listing(chatbot=1, ordem="nome"), ()),
        ("by nome, deep", Listing(chatbot=1, ordem="-nome", offset=MANY // 2), ()),
        ("by criado_em", Listing(chatbot=1, ordem="-criado_em"), ()),
        ("busca, one", Listing(chatbot=1, busca="11700123457"), ()),
        ("busca, a tenth", Listing(chatbot=1, busca="caio"), ()),
        ("busca, two letters", Listing(chatbot=1, busca="an"), ()),
        ("busca, nobody", Listing(chatbot=1, busca="zzzzzz"), ()),
        ("ativo=false", Listing(chatbot=1), (Cliente.ativo == False,)),  # noqa: E712
        ("aceita_marketing", Listing(chatbot=1), (Cliente.aceita_marketing == True,)),  # noqa: E712
        ("inativo_desde", Listing(chatbot=1), quiet),
    ]
    access = Access(frozenset({1, 3}))
    slowest = (0.0, "", [])
    for name, listing, where in cases:
        took, total, statements = min([await _once(listing, access, where) for _ in range(3)])
        print(f"{name:22} {took * 1000:8.1f} ms   total {total}")
        slowest = max(slowest, (took, name, statements))
    began = time.perf_counter()
    letters, total = await dead.page([1]), await dead.count([1])
    print(
        f"{'dead letters':22} {(time.perf_counter() - began) * 1000:8.1f} ms   total {total}, shown {len(letters)}"
    )
    _, name, statements = slowest
    for sql, args in statements:
        print(f"\n{name}: {sql[:200]}…")
        for row in await DB.fetch(f"EXPLAIN (ANALYZE, BUFFERS, SUMMARY OFF) {sql}", *args):
            print(f"    {row[0][:150]}")


async def _once(listing: Listing, access: Access, where: tuple[Any, ...]) -> tuple[float, int, list[Any]]:
    """How long, how many there are in all, and the statements that told it."""
    began = time.perf_counter()
    with listening() as statements:
        page = await listing.page(
            Cliente, access, shown, search="words", where=(GOES_ON, *where), orders=ORDERS
        )
        await add_last_interaction(page.items)
    return time.perf_counter() - began, page.total, statements


@contextlib.contextmanager
def listening() -> Iterator[list[Any]]:
    """What is asked of the database meanwhile."""
    heard: list[Any] = []
    fetch = DB.fetch

    async def recorded(sql: str, *args: Any) -> list[Any]:
        heard.append((sql, args))
        return await fetch(sql, *args)

    DB.fetch = recorded  # type: ignore[method-assign]
    try:
        yield heard
    finally:
        DB.fetch = fetch  # type: ignore[method-assign]


asyncio.run(main())
