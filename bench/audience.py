"""How long a campanha takes to choose its people among a million clientes, and what it takes. `[HOW_MANY]`

Makes the data in a PostgreSQL of its own (the embedded one), counts the audience as the preview does, chooses a day's
people as the run does and hands them over lot by lot. Prints seconds, this process's peak memory and the plan.
"""

import asyncio
import resource
import shutil
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from wabot.db.embedded import start
from wabot.db.engine import DB
from wabot.process import migrate_all
from wabot_reativacao import publico
from wabot_reativacao.publico import Criterios

MANY = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
DAILY = 100_000
HOJE = datetime.now(UTC).date()

MAKE = """
INSERT INTO chatbot (id, nome, numero, phone_number_id, business_account_id, timezone)
SELECT n, 'Loja ' || n, '551190000000' || n, n::text, '1', 'America/Sao_Paulo' FROM generate_series(1, 2) AS n
"""
FILL = """
INSERT INTO cliente (chatbot, nome, wa_id, phone_key, ativo, aceita_marketing, criado_em)
SELECT CASE WHEN n % 100 = 0 THEN 2 ELSE 1 END, 'Cliente ' || n, '55119' || lpad(n::text, 8, '0'),
    '55119' || lpad(n::text, 8, '0'), n % 20 <> 0, n % 3 <> 0, now() - interval '2 years'
FROM generate_series(1, $1) AS n
"""
WROTE = "UPDATE conversa SET last_inbound_at = now() - id % 400 * interval '1 day'"
ORDERED = """
INSERT INTO reativacao.perfil (cliente, chatbot, pedidos, ultimo_pedido, total)
SELECT id, chatbot, 1 + id % 9, now() - id % 400 * interval '1 day', 5000 FROM cliente WHERE id % 2 = 0
"""
CAMPANHAS = """
INSERT INTO reativacao.campanha (id, chatbot, nome, modelo, idioma, inativo_dias, minimo_pedidos, intervalo_dias,
    limite_diario, controle, silencio_das, silencio_ate)
SELECT n, 1, 'c', 'm', 'pt_BR', 30, 1, 30, $1, 10, '20:00', '08:00' FROM generate_series(1, 2) AS n
"""
# Yesterday another campanha chose many: they are left out today.
CHOSEN = """
INSERT INTO reativacao.envio (chatbot, campanha, dia, cliente, controle)
SELECT chatbot, 2, $1::date - 1, id, false FROM cliente WHERE chatbot = 1 AND id % 7 = 0
"""
QUEM = Criterios(1, 30, 1, "", 30)


async def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="wabot-bench-"))
    server = start(home)
    try:
        await DB.open(server.get_uri("postgres"))
        await _fill()
        print(f"peak memory before: {_peak()} MB")
        await _measure()
        print(f"peak memory after:  {_peak()} MB")
        await _explain()
    finally:
        await DB.close()
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


async def _fill() -> None:
    await migrate_all()
    for sql, *args in [(MAKE,), (FILL, MANY), (WROTE,), (ORDERED,), (CAMPANHAS, DAILY), (CHOSEN, HOJE)]:
        await DB.execute(sql, *args)
    for table in ("cliente", "conversa", "reativacao.perfil", "reativacao.envio"):
        await DB.execute(f"VACUUM ANALYZE {table}")


async def _measure() -> None:
    counted = await _timed("count the audience (preview)", publico.contar(QUEM, HOJE))
    print(f"    in: {counted.dentro:,}; out: {counted.fora}")
    await _timed(f"choose {DAILY:,}", publico.escolher(QUEM, HOJE, 1, limite_diario=DAILY, controle=10))
    handed = await _timed("hand them over, lot by lot", _hand_over(HOJE))
    print(f"    handed over: {handed:,}")


async def _hand_over(dia: date) -> int:
    return sum([len(lot) async for lot in publico.lotes(1, dia)])


async def _timed(what: str, work: Any) -> Any:
    began = time.perf_counter()
    result = await work
    print(f"{what}: {time.perf_counter() - began:.1f} s")
    return result


async def _explain() -> None:
    await DB.execute("DELETE FROM reativacao.envio WHERE campanha = 1")
    rows = await DB.fetch(
        f"EXPLAIN (ANALYZE, BUFFERS OFF) {publico.ESCOLHER}", *QUEM.valores(HOJE), 1, DAILY, 10
    )
    print(*(row[0] for row in rows), sep="\n")


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    asyncio.run(main())
