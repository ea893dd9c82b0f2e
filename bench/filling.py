"""Clientes and their messages by the million, as a year of work leaves them: statements that make them, and `fill`."""

import asyncio
import time
from typing import Any

import asyncpg

# Triggers give each of them a conversa and identifiers.
CLIENTES = """
INSERT INTO cliente (chatbot, nome, telefone, wa_id, phone_key, email, ativo, aceita_marketing, criado_em)
SELECT {chatbot},
    (ARRAY['Ana','Bia','Caio','Davi','Eva','Fabio','Gabi','Hugo','Iara','Joao'])[1 + n % 10] || ' '
        || (ARRAY['Souza','Silva','Lima','Costa','Rocha','Alves','Nunes'])[1 + (n / 10) % 7] || ' ' || md5(n::text),
    number, number, number, md5(n::text) || '@example.com', n % 20 <> 0, n % 3 = 0,
    now() - n * interval '30 seconds'
FROM generate_series(1, $1) AS n, LATERAL (SELECT '55117' || lpad(n::text, 8, '0') AS number) AS known
"""
WROTE = "UPDATE conversa SET last_inbound_at = now() - id % 400 * interval '1 day' WHERE id % 5 <> 0"

# One after the other in time, each of somebody else: what one conversa holds lies far apart, as in life. Of Meta's ids
# the beginning tells the pair and the rest is random.
TALK = """
WITH talk AS (
    SELECT n, conversa.id AS conversa, conversa.chatbot, now() - ($1 - n) * interval '6 seconds' AS at,
        'wamid.HBgN' || encode(wa_id::bytea, 'base64') || 'FQIAEhgU' || upper(md5(n::text)) || 'AA==' AS theirs,
        'wamid.HBgN' || encode(wa_id::bytea, 'base64') || 'FQIAERgS' || upper(md5(n::text)) || 'AA==' AS ours
    FROM generate_series(1::bigint, $1) AS n JOIN conversa ON conversa.id = 1 + n * 7919 % $2
        JOIN cliente ON cliente.id = conversa.cliente
)
"""
RECEIVED = f"""{TALK}
INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw, state, received_at, done_at, etapa)
SELECT chatbot, conversa, theirs, 'text', at, convert_to(format(
        '{{"from": "%s", "id": "%s", "timestamp": "%s", "type": "text", "text": {{"body": "Quero uma feijoada"}}}}',
        conversa, theirs, extract(epoch FROM at)::bigint), 'UTF8'),
    CASE WHEN n % 49999 = 0 THEN 'morta' ELSE 'atendida' END, at, at, 'pedidos.informar_quantidade'
FROM talk
"""
SENT = f"""{TALK}
INSERT INTO outbox (chatbot, conversa, inbox, content, state, wamid, status, created_at, sent_at, delivered_at, read_at,
    flow, pricing, priced)
SELECT chatbot, conversa, n, '{{"type": "text", "body": "Quantas unidades de Feijoada?", "header": null}}', 'enviada',
    ours, 'read', at, at, at, at, 'pedidos',
    '{{"billable": false, "pricing_model": "PMP", "type": "free_customer_service", "category": "service"}}', 'sent'
FROM talk
"""
TOLD = f"""{TALK}
INSERT INTO receipt (chatbot, wamid, status, recipient, outbox, at, raw, state, received_at)
SELECT chatbot, ours, 'read', '', n, at, convert_to(format(
        '{{"id": "%s", "status": "read", "timestamp": "%s", "recipient_id": "%s"}}',
        ours, extract(epoch FROM at)::bigint, conversa), 'UTF8'), 'aplicada', at
FROM talk
"""
HAPPENED = f"""{TALK}
INSERT INTO event (chatbot, conversa, inbox, name, fields, at)
SELECT chatbot, conversa, n, 'mensagem.atendida', '{{"tipo": "text", "flow": "pedidos", "etapa": "informar_quantidade",
    "caminho": ["informar_quantidade"], "iniciada": false, "espera": 25, "respostas": 1}}', at
FROM talk
"""
MESSAGES = {"inbox": RECEIVED, "outbox": SENT, "receipt": TOLD, "event": HAPPENED}
"""One row of each for every message. (Meta tells three statuses of a reply, and they go after 90 days.)"""

SIZE = "SELECT pg_size_pretty(pg_database_size(current_database()))"
FAST = "SET work_mem = '256MB'; SET synchronous_commit = off; SET jit = off; SET enable_mergejoin = off"
# Else the log gets most pages of most indices over and over, after every checkpoint.
UNSAFE = "max_wal_size = '32GB'", "full_page_writes = off", "autovacuum = off"
RELOAD = "SELECT pg_reload_conf()"


async def fill(database: str, clientes: int, messages: int, chatbot: str = "1") -> None:
    """Make them in a database that has none, and leave it vacuumed and on disk. `chatbot`: of the n-th cliente."""
    began = time.perf_counter()

    def say(what: str) -> None:
        print(f"filling    {time.perf_counter() - began:4.0f} s: {what}", flush=True)

    async def message(table: str, statement: str) -> None:
        await _run(database, statement, messages, clientes)
        say(f"{messages:,} rows of {table}")

    for setting in UNSAFE:
        await _run(database, f"ALTER SYSTEM SET {setting}")
    await _run(database, RELOAD)
    await _run(database, CLIENTES.format(chatbot=chatbot), clientes)
    await _run(database, WROTE)
    say(f"{clientes:,} clientes")
    if messages:
        await asyncio.gather(*(message(*each) for each in MESSAGES.items()))
    for last in ("VACUUM ANALYZE", "ALTER SYSTEM RESET ALL", RELOAD, "CHECKPOINT"):
        await _run(database, last)
    say(f"vacuumed, {await _run(database, SIZE)}")


async def _run(database: str, statement: str, *arguments: int) -> Any:
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(FAST)
        return await connection.fetchval(statement, *arguments)
    finally:
        await connection.close()
