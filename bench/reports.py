"""Ninety days of a busy bot in the roll-up, and how long each report takes over them.

    python bench/reports.py [DAYS] [MESSAGES A DAY]

The rows are those that the sink would have written of two flows of six etapas. Prints each report's time, and the plan
of the slowest.
"""

import asyncio
import shutil
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from wabot.db.embedded import start
from wabot.db.engine import DB
from wabot.process import migrate_all
from wabot_metricas.reports import REPORTS, run

DAYS = int(sys.argv[1]) if len(sys.argv) > 1 else 90
A_DAY = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
BOTS = 10
"""The others are a tenth as busy: a report must not slow down for its neighbours."""
ZONE = "America/Sao_Paulo"
LIMIT = 0.3
"""Seconds a report may take."""

MAKE = """
INSERT INTO chatbot (id, nome, numero, phone_number_id, business_account_id, timezone)
SELECT n, 'Loja ' || n, '551190000000' || n, n::text, '1', 'America/Sao_Paulo' FROM generate_series(1, $1) AS n
"""
PLACES = """
INSERT INTO metricas.contagem (chatbot, medida, hora, flow, etapa, total)
SELECT bot, medida, hora, flow, etapa, 1 + (random() * 2 * $3 / 24 / 12 / CASE bot WHEN 1 THEN 1 ELSE 10 END)::int
FROM generate_series(1, $4::int) AS bot, generate_series($1::timestamptz, $2, interval '1 hour') AS hora,
    unnest('{recebidas,respostas,nao_entendidas,chegaram,pararam,concluiram,lugar}'::text[]) AS medida,
    unnest('{pedidos,reservas}'::text[]) AS flow,
    unnest('{inicio,categoria,produto,quantidade,mais,confirmar}'::text[]) AS etapa
"""
PLAIN = """
INSERT INTO metricas.contagem (chatbot, medida, hora, total)
SELECT bot, medida, hora, 1 + (random() * $3 / 24 / 5 / CASE bot WHEN 1 THEN 1 ELSE 10 END)::int
FROM generate_series(1, $4::int) AS bot, generate_series($1::timestamptz, $2, interval '1 hour') AS hora,
    unnest('{ativos,novos,pedidos,itens,faturamento,desistencias}'::text[]) AS medida
"""
CLASSES = """
INSERT INTO metricas.contagem (chatbot, medida, hora, classe, total)
SELECT bot, medida, hora, classe, 1 + (random() * $3 / 24 / 70 / CASE bot WHEN 1 THEN 1 ELSE 10 END)::int
FROM generate_series(1, $4::int) AS bot, generate_series($1::timestamptz, $2, interval '1 hour') AS hora, (
    SELECT 'espera' AS medida, faixa::text AS classe FROM generate_series(30, 100) AS faixa
    UNION ALL SELECT medida, categoria
    FROM unnest('{enviadas,entregues,lidas,falhas,cobradas,gratis}'::text[]) AS medida,
        unnest('{"",marketing,utility,authentication,service}'::text[]) AS categoria
) AS classes
"""
TOTAL = "SELECT count(*), pg_size_pretty(pg_total_relation_size('metricas.contagem')) FROM metricas.contagem"


async def main() -> bool:
    home = Path(tempfile.mkdtemp(prefix="wabot-bench-"))
    server = start(home)
    try:
        await DB.open(server.get_uri("postgres"))
        ate = datetime.now(UTC).date() - timedelta(days=1)
        await _fill(ate)
        return await _measure(ate)
    finally:
        await DB.close()
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


async def _fill(ate: date) -> None:
    began = time.perf_counter()
    await migrate_all()
    await DB.execute(MAKE, BOTS)
    last = datetime(ate.year, ate.month, ate.day, tzinfo=UTC) + timedelta(days=1)
    for part in (PLACES, PLAIN, CLASSES):
        await DB.execute(part, last - timedelta(days=DAYS + 1), last, A_DAY, BOTS)
    await DB.execute("VACUUM ANALYZE metricas.contagem")
    rows, size = await DB.fetchrow(TOTAL)
    print(
        f"{DAYS} days of {A_DAY} messages: {rows} rows, {size}, made in {time.perf_counter() - began:.0f} s"
    )


async def _measure(ate: date) -> bool:
    de = ate - timedelta(days=DAYS - 1)
    took = {}
    for name in REPORTS:
        times = [await _once(name, de, ate) for _ in range(6)]  # the sixth has PostgreSQL's generic plan
        took[name] = max(times[1:])
        print(f"{name:20} first {times[0] * 1000:7.1f} ms   then at most {took[name] * 1000:7.1f} ms")
    slowest = max(took, key=lambda name: took[name])
    print(f"\n{slowest}:")
    plan = await DB.fetch(f"EXPLAIN (ANALYZE, SUMMARY OFF) {REPORTS[slowest].sql}", 1, de, ate, ZONE)
    print("\n".join(f"    {row[0][:140]}" for row in plan))
    return took[slowest] < LIMIT


async def _once(name: str, de: date, ate: date) -> float:
    began = time.perf_counter()
    await run(name, 1, de, ate, ZONE)
    return time.perf_counter() - began


sys.exit(not asyncio.run(main()))
