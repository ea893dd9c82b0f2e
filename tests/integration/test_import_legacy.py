"""`wabot import-legacy`: what comes over from the old system, what stays and why, and that nothing of it is sent."""

import sqlite3
from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from tests import antigo
from tests.conftest import in_database
from tests.live import PHONE, SECRET, add_bot, platform, settings_for

from wabot.db.engine import DB
from wabot.legacy.kinds import Available
from wabot.legacy.run import Busy, take_over
from wabot.legacy.source import CannotRead, open_source
from wabot.outbox import Outbound
from wabot.plugins.catalogue import catalogue
from wabot.plugins.registry import load_registry
from wabot.vault import Vault

ZONE = "America/Sao_Paulo"
KEYS = ("chave-de-teste-0123456789",)


@pytest_asyncio.fixture
async def postgres(server_uri, request):
    """The old database on PostgreSQL."""
    name = f"antigo_{abs(hash(request.node.nodeid))}"
    admin = await asyncpg.connect(server_uri)
    await admin.execute(f"CREATE DATABASE {name}")
    await antigo.in_postgres(in_database(server_uri, name))
    yield in_database(server_uri, name)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.fixture
def sqlite(tmp_path):
    antigo.in_sqlite(tmp_path / "db.sqlite3")
    return str(tmp_path / "db.sqlite3")


@pytest.fixture(params=["postgres", "sqlite"])
def old(request):
    return request.getfixturevalue(request.param)


async def bring(address, *, apply=True, told=lambda taken, total: None):
    async with open_source(address, ZONE) as source:
        available = Available(await load_registry(), await catalogue(), Vault(KEYS))
        return await take_over(source, available, ZONE, told, apply=apply)


def counts(report):
    return {t.kind: (t.novos, t.ja_importados, t.recusados) for t in report.importados}


ALL_NEW = {
    "chatbot": (1, 0, 0),
    "etapa": (2, 0, 1),
    "cliente": (3, 0, 1),
    "categoria": (1, 0, 0),
    "produto": (1, 0, 1),
    "pedido": (1, 0, 2),
    "mensagem": (3, 0, 1),
}


async def test_it_says_first_what_it_would_do_and_does_nothing(database, old):
    report = await bring(old, apply=False)
    assert counts(report) == ALL_NEW
    assert not report.aplicado
    for table in ("chatbot", "cliente", "inbox", "outbox", "pedidos.pedido", "legacy_row"):
        assert await DB.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_every_row_that_stays_behind_is_named_with_the_reason(database, old):
    left = {(row.kind, row.id): row.why for row in (await bring(old)).recusados}
    assert (
        left["etapa", 3]
        == "nenhum plugin instalado corresponde a 'chatbots.handlers.pesquisa.PesquisaHandler'"
    )
    assert "DDD" in left["cliente", 3]
    assert "não é um preço" in left["produto", 2]
    assert left["pedido", 42] == "o status 'perdido' não existe aqui"
    assert left["pedido", 43] == "depende de produto 2, que não está aqui"
    assert left["mensagem", 3] == "não chegou a ser enviada"
    assert len(left) == 6


async def test_what_is_not_taken_over_at_all_is_said(database, old):
    report = await bring(old)
    assert {behind.tabela: behind.linhas for behind in report.ficam} == {
        "chatbots_conversa": 1,
        "chatbots_metrica": 0,
    }


async def test_a_shop_comes_over_with_its_people_menu_and_orders(database, old):
    assert counts(await bring(old)) == ALL_NEW
    bot = await DB.fetchrow("SELECT * FROM chatbot")
    assert (bot["nome"], bot["phone_number_id"], bot["ativo"]) == ("Cantina", PHONE, True)
    assert Vault(KEYS).decrypt(bot["app_secret"]) == SECRET
    assert await DB.fetchval("SELECT plugin FROM plugin_binding WHERE enabled") == "pedidos"
    ana = await DB.fetchrow("SELECT * FROM cliente WHERE nome = 'Ana'")
    assert (ana["telefone"], ana["email"], ana["aceita_marketing"]) == (
        "5531980000001",
        "ana@example.com",
        True,
    )
    assert ana["criado_em"] == datetime(2025, 3, 1, 15, tzinfo=UTC)
    assert await DB.fetchval("SELECT observacoes FROM cliente WHERE wa_id = '553132220001'") == "portão azul"
    order = await DB.fetchrow("SELECT * FROM pedidos.pedido")
    assert (order["numero"], order["total"], order["status"], order["cliente"]) == (
        41,
        5980,
        "confirmado",
        ana["id"],
    )
    item = await DB.fetchrow("SELECT * FROM pedidos.item")
    assert (item["nome"], item["preco"], item["quantidade"]) == ("Feijoada", 2990, 2)
    assert await DB.fetchval("SELECT ultimo FROM pedidos.numeracao") == 41


async def test_with_and_without_the_ninth_digit_is_one_person(database, sqlite):
    await bring(sqlite)
    people = await DB.fetch("SELECT new_id FROM legacy_row WHERE kind = 'cliente' AND legacy_id IN (1, 4)")
    assert len({row["new_id"] for row in people}) == 1


async def test_what_was_said_is_history_that_nobody_answers_or_sends(database, old):
    await bring(old)
    heard = await DB.fetch("SELECT * FROM inbox ORDER BY id")
    assert [(row["wamid"], row["state"], row["kind"]) for row in heard] == [
        ("wamid.1", "guardada", "text"),
        ("wamid.4", "guardada", "text"),
    ]
    [said] = await DB.fetch("SELECT * FROM outbox")
    assert (said["state"], said["wamid"]) == ("enviada", "wamid.2")
    assert msgspec.json.decode(said["content"], type=Outbound).body == "O que vai ser?"
    at = await DB.fetchval("SELECT last_inbound_at FROM conversa WHERE id = $1", heard[0]["conversa"])
    assert at == datetime(2025, 4, 1, 15, 5, tzinfo=UTC)


async def test_the_customer_writes_on_and_is_answered_once_and_known(database_uri, sqlite, tmp_path):
    await DB.open(database_uri)
    await bring(sqlite)
    await DB.close()
    async with platform(database_uri, tmp_path) as running:
        ana = running.simulator.customer("Ana", "5531980000001")
        await ana.says("cardápio")
        await ana.sees("Qual você prefere?")
        assert [bubble.sender for bubble in ana.phone.bubbles] == ["customer", "bot"]
        assert await DB.fetchval("SELECT count(*) FROM cliente") == 2
        assert await DB.fetchval("SELECT count(*) FROM inbox WHERE state <> 'guardada'") == 1


async def test_repeated_it_brings_only_what_is_new(database, postgres):
    await bring(postgres)
    connection = await asyncpg.connect(postgres)
    await connection.execute(
        "INSERT INTO clientes_cliente VALUES (9, '5531980000009', 'Caio', '', true, false, '', now())"
    )
    await connection.close()
    again = counts(await bring(postgres))
    assert again["cliente"] == (1, 3, 1)
    assert {kind: new for kind, (new, _, _) in again.items() if new} == {"cliente": 1}
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 3
    assert await DB.fetchval("SELECT count(*) FROM pedidos.pedido") == 1


async def test_what_was_changed_or_deleted_here_stays_so(database, sqlite):
    await bring(sqlite)
    await DB.execute("DELETE FROM pedidos.produto")
    await DB.execute("UPDATE cliente SET nome = 'Ana Maria' WHERE nome = 'Ana'")
    await DB.execute("UPDATE plugin_binding SET enabled = false")
    await bring(sqlite)
    assert await DB.fetchval("SELECT count(*) FROM pedidos.produto") == 0
    assert await DB.fetchval("SELECT true FROM cliente WHERE nome = 'Ana Maria'")
    assert not await DB.fetchval("SELECT true FROM plugin_binding WHERE enabled")


async def test_killed_in_between_another_run_goes_on_from_there(database, sqlite):
    def power_cut(taken, total):
        if taken.kind == "pedido":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await bring(sqlite, told=power_cut)
    assert await DB.fetchval("SELECT count(*) FROM inbox") == 0
    assert counts(await bring(sqlite))["pedido"] == (0, 1, 2)
    assert await DB.fetchval("SELECT count(*) FROM inbox") == 2


async def test_a_number_that_is_here_already_is_taken_as_the_same_chatbot(database, sqlite, tmp_path):
    bot = await add_bot(settings_for(database, tmp_path, ""), "Cantina nova")
    await bring(sqlite)
    assert await DB.fetchval("SELECT array_agg(nome) FROM chatbot") == ["Cantina nova"]
    assert await DB.fetchval("SELECT chatbot FROM pedidos.pedido") == bot.id


def change(path, *statements):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


async def test_two_chatbots_get_the_menu_each_and_only_the_people_they_talked_to(database, sqlite):
    change(
        sqlite,
        "INSERT INTO chatbots_chatbot SELECT 8, 'Padaria', numero, '2', '3', '', '', '', true FROM chatbots_chatbot",
        "INSERT INTO chatbots_etapa VALUES (8, 8, 'inicio', 'chatbots.handlers.pedidos.InicioHandlerPedidos', 1)",
    )
    report = await bring(sqlite)
    assert {left.id: left.why for left in report.recusados if left.kind == "cliente"}[2].startswith(
        "nunca conversou"
    )
    assert await DB.fetchval("SELECT count(*) FROM pedidos.produto WHERE nome = 'Feijoada'") == 2
    assert await DB.fetchval("SELECT array_agg(nome) FROM cliente") == ["Ana"]


async def test_what_depends_on_somebody_who_was_erased_since_stays_behind(database, sqlite):
    await bring(sqlite)
    await DB.execute("DELETE FROM pedidos.pedido")
    await DB.execute("DELETE FROM pedidos.produto")
    await DB.execute("DELETE FROM pedidos.categoria")
    for table in ("outbox", "inbox", "identifier", "conversa", "cliente"):
        await DB.execute(f"DELETE FROM {table}")
    change(
        sqlite,
        "INSERT INTO pedidos_pedido VALUES (44, 7, 1, 'confirmado', 1, '2025-05-01 15:00:00')",
        "INSERT INTO pedidos_produto VALUES (3, 1, 'Suco', 8, true)",
    )
    left = {(row.kind, row.id): row.why for row in (await bring(sqlite)).recusados}
    assert left["pedido", 44] == "depende de cliente 1, que não está aqui"
    assert left["produto", 3] == "a sua categoria foi apagada aqui"
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 0


async def test_two_imports_do_not_run_side_by_side(database, sqlite):
    held = await asyncpg.connect(database)
    await held.fetchval("SELECT pg_advisory_lock(hashtext('wabot.legacy'))")
    with pytest.raises(Busy):
        await bring(sqlite)
    await held.close()


async def test_another_database_is_refused_in_words(database, tmp_path, server_uri):
    with pytest.raises(CannotRead, match="falta a tabela"):
        await bring(server_uri)
    with pytest.raises(CannotRead, match="Não há um arquivo"):
        await bring(str(tmp_path / "nada"))
    (tmp_path / "texto").write_text("isto não é um banco de dados" * 100)
    with pytest.raises(CannotRead, match="SQLite"):
        await bring(str(tmp_path / "texto"))
