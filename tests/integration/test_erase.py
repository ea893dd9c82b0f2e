"""Erasing one person: a word that is theirs alone is planted everywhere, and afterwards it is nowhere."""

import asyncio
import logging

import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime
from tests.live import until
from tests.person import everything, plant, tables

from wabot import audit
from wabot.attend import Attendant, waiting_longer_than
from wabot.courtesies import Courtesies
from wabot.db.engine import DB
from wabot.digests import DIGESTS
from wabot.media.erase import finish
from wabot.merges import join
from wabot.plugins.guard import Guard
from wabot.plugins.registry import Registry, load_registry
from wabot.privacy.erase import NotErased, erase, preview
from wabot.privacy.hooks import PluginInTheWay
from wabot.privacy.subject import NoSuchCliente
from wabot.storage import STORAGE
from wabot.vault import Vault

ANA, BIA = "5531980000001", "5531980000002"
WORD, OTHER = "xcanarioanax", "xcanariobiax"

ERASED, KEPT, NOBODYS = "erased", "kept without the person", "nothing about a person"
DECIDED = {
    "public.cliente": ERASED,
    "public.identifier": ERASED,
    "public.cliente_merge": ERASED,
    "public.legacy_row": KEPT,  # the old database's numbers, so that who was erased does not come back
    "public.conversa": ERASED,
    "public.consent": ERASED,
    "public.campaign_send": ERASED,
    "public.inbox": ERASED,
    "public.outbox": ERASED,
    "public.receipt": ERASED,
    "public.event": ERASED,
    "public.media": ERASED,
    "public.media_upload": ERASED,
    "public.notice": ERASED,
    "public.quarantine": ERASED,
    "public.idempotency": ERASED,
    "public.plugin_health": KEPT,  # what a failure said goes
    "public.sink_checkpoint": KEPT,
    "public.agendamento": KEPT,
    "public.apagamento": KEPT,  # digests
    "public.auditoria": KEPT,  # the number of a cliente, no values
    "public.message_removed": KEPT,  # counts
    "pedidos.pedido": KEPT,  # the shop's books
    "pedidos.item": NOBODYS,
    "pedidos.categoria": NOBODYS,
    "pedidos.produto": NOBODYS,
    "pedidos.numeracao": NOBODYS,
    "pedidos.lembrete": NOBODYS,  # codes of carts
    "metricas.contagem": NOBODYS,
    "metricas.presenca": ERASED,
    "metricas.percurso": ERASED,
    "reativacao.campanha": NOBODYS,
    "reativacao.envio": KEPT,  # that somebody was chosen, not who
    "reativacao.perfil": ERASED,
    "public.chatbot": NOBODYS,
    "public.number_hold": NOBODYS,
    "public.number_pace": NOBODYS,
    "public.number_state": NOBODYS,
    "public.mailing": NOBODYS,
    "public.template": NOBODYS,
    "public.retencao": NOBODYS,
    "public.digest_key": NOBODYS,
    "public.plugin_binding": NOBODYS,
    "public.plugin_descriptor": NOBODYS,
    "public.pessoa": NOBODYS,  # who runs the chatbots: see docs/people.md
    "public.papel": NOBODYS,
    "public.panel_session": NOBODYS,
    "public.sign_in_throttle": NOBODYS,
    "public.api_token": NOBODYS,
    "public.migration": NOBODYS,
}


@pytest.fixture
def folder(tmp_path):
    """Where files are kept."""
    STORAGE.open(tmp_path)
    DIGESTS.open(Vault(("chave-de-teste-0123456789",)))
    yield tmp_path / "media"
    STORAGE.close()


@pytest_asyncio.fixture
async def bot(database, folder):
    return await add_bot()


@pytest_asyncio.fixture
async def plugins(bot):
    return await load_registry()


async def traces_of(person, folder):
    """Where something of theirs is."""
    found = await everything(folder)
    return sorted({place for place, content in found if any(trace in content for trace in person.traces)})


async def rows_of(person, folder):
    found = await everything(folder)
    return {key: many for key, many in found.items() if any(trace in key[1] for trace in person.traces)}


async def test_of_every_table_it_is_decided_what_becomes_of_it(bot):
    """A new one fails here until it is in the list, and in `wabot.privacy` if it holds anything of a person."""
    assert set(await tables()) == DECIDED.keys()


async def test_of_an_erased_person_nothing_is_left_and_of_others_everything(bot, plugins, folder, caplog):
    caplog.set_level(logging.DEBUG)
    ana, bia = await plant(bot, WORD, ANA), await plant(bot, OTHER, BIA)
    before = await rows_of(bia, folder)
    places = {place for place in await traces_of(ana, folder) if place.startswith(("public", "pedidos"))}
    assert places >= {t for t, fate in DECIDED.items() if fate == ERASED} - {
        "public.cliente_merge", "public.media_upload", "public.campaign_send", "reativacao.perfil",
        "metricas.presenca", "metricas.percurso",
    }  # fmt: skip
    await erase(plugins, bot.id, ana.cliente)
    assert await traces_of(ana, folder) == []
    quoting = {"public.plugin_health", "public.sink_checkpoint", "public.agendamento", "public.notice"}
    after = await rows_of(bia, folder)
    assert {key: many for key, many in before.items() if key[0] not in quoting} == {
        key: many for key, many in after.items() if key[0] not in quoting
    }
    assert not any(trace.decode() in caplog.text for trace in ana.traces)


async def test_the_receipt_counts_what_went_and_names_nobody(bot, plugins, folder):
    ana = await plant(bot, WORD, ANA)
    told = await preview(plugins, bot.id, ana.cliente)
    receipt = await erase(plugins, bot.id, ana.cliente)
    assert receipt.contagens == told
    assert told | {"mensagens_recebidas": 11, "mensagens_enviadas": 4, "mensagens_canceladas": 2} == told
    assert told | {"recibos": 2, "avisos": 1, "quarentena": 2, "arquivos": 2, "plugin pedidos": 1} == told
    assert len(receipt.identificadores) == 2  # a phone and a BSUID
    [entry] = [entry for entry in await audit.entries([bot.id]) if entry.acao == "apagar"]
    assert (entry.objeto, entry.objeto_id, entry.campos) == (
        "cliente",
        str(ana.cliente),
        {"recibo": receipt.id},
    )


async def test_a_preview_changes_nothing(bot, plugins, folder):
    ana = await plant(bot, WORD, ANA)
    before = await everything(folder)
    await preview(plugins, bot.id, ana.cliente)
    assert await everything(folder) == before


async def test_erasing_twice_gives_the_same_receipt(bot, plugins):
    cliente = await add_cliente(bot)
    first = await erase(plugins, bot.id, cliente)
    assert await erase(plugins, bot.id, cliente) == first
    assert await DB.fetchval("SELECT count(*) FROM apagamento") == 1


async def test_two_who_erase_at_once_erase_once(bot, plugins):
    ana = await plant(bot, WORD, ANA)
    first, second = await asyncio.gather(*(erase(plugins, bot.id, ana.cliente) for _ in range(2)))
    assert first == second


async def test_somebody_elses_cliente_is_not_there(bot, plugins):
    cliente, other = await add_cliente(bot), await add_bot(2)
    with pytest.raises(NoSuchCliente):
        await erase(plugins, other.id, cliente)
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 1


async def test_clientes_that_were_merged_are_one_person(bot, plugins, folder):
    ana = await plant(bot, WORD, ANA)
    again = await plant(bot, WORD, "5531970000003")
    await join(bot.id, ana.cliente, again.cliente, "mesma pessoa", "teste")
    receipt = await erase(plugins, bot.id, again.cliente)
    assert (await traces_of(ana, folder), await traces_of(again, folder)) == ([], [])
    assert receipt.contagens["clientes"] == 2
    assert len(receipt.identificadores) == 4


async def test_an_order_stays_in_the_books_without_whose_it_was(bot, plugins):
    ana = await plant(bot, WORD, ANA)
    await erase(plugins, bot.id, ana.cliente)
    row = await DB.fetchrow("SELECT cliente, total, status, observacoes FROM pedidos.pedido")
    assert tuple(row) == (None, 4200, "entregue", "")


async def test_a_turn_that_is_running_is_waited_for_and_its_words_go_too(bot, plugins, folder):
    ana = await plant(bot, WORD, ANA)
    conversa = await conversa_of(ana.cliente)
    async with DB.transaction():
        await DB.execute("SELECT FROM conversa WHERE id = $1 FOR NO KEY UPDATE", conversa)
        erasing = asyncio.create_task(_apart(erase(plugins, bot.id, ana.cliente)))
        await _waits_for_a_lock()
        for sql in (
            "INSERT INTO event (chatbot, conversa, name, fields) VALUES ($1, $2, 'x', '{\"a\": \"xcanarioanax\"}')",
            'INSERT INTO outbox (chatbot, conversa, content) VALUES ($1, $2, \'{"a": "xcanarioanax"}\')',
        ):
            await DB.execute(sql, bot.id, conversa)
        await DB.execute('UPDATE conversa SET data = \'{"a": "xcanarioanax"}\' WHERE id = $1', conversa)
    await erasing
    assert await traces_of(ana, folder) == []


async def test_what_came_at_that_moment_goes_with_the_person(bot, plugins, folder):
    ana = await plant(bot, WORD, ANA)
    conversa = await conversa_of(ana.cliente)
    await erase(plugins, bot.id, ana.cliente)
    await DB.execute(  # by the door, which had found the conversa still there
        """INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw)
           VALUES ($1, $2, $3, 'text', now(), $4)""",
        bot.id, conversa, ana.wamid, ana.word.encode(),
    )  # fmt: skip
    await DB.execute(
        "INSERT INTO media (chatbot, conversa, wamid, filename) VALUES ($1, $2, $3, $4)",
        bot.id, conversa, ana.wamid, ana.word,
    )  # fmt: skip
    await Attendant(FixedRuntimes(runtime(bot)), Courtesies(None), Guard()).attend(conversa)
    assert await traces_of(ana, folder) == []
    assert await waiting_longer_than(0, 10) == []


async def test_files_that_a_crash_left_are_gone_the_next_time_somebody_looks(
    bot, plugins, folder, monkeypatch
):
    async def killed():
        raise ConnectionError

    monkeypatch.setattr("wabot.privacy.erase.finish", killed)
    ana = await plant(bot, WORD, ANA)
    with pytest.raises(ConnectionError):
        await erase(plugins, bot.id, ana.cliente)
    assert len(await traces_of(ana, folder)) == 1  # the file
    assert await finish() == 2
    assert await traces_of(ana, folder) == []


async def test_a_plugin_that_fails_keeps_everything_as_it_was(bot, plugins, folder):
    ana = await plant(bot, WORD, ANA)
    await DB.execute("ALTER TABLE pedidos.pedido RENAME TO sumido")
    with pytest.raises(PluginInTheWay, match="pedidos"):
        await erase(plugins, bot.id, ana.cliente)
    assert await DB.fetchval("SELECT nome FROM cliente") == f"Nome {WORD}"
    assert await DB.fetchval("SELECT count(*) FROM inbox") == 11


async def test_data_of_a_plugin_that_is_gone_is_not_passed_over_in_silence(bot, plugins):
    cliente = await add_cliente(bot)
    with pytest.raises(PluginInTheWay, match="metricas"):  # the first of them
        await erase(Registry([]), bot.id, cliente)


async def test_a_table_that_still_points_at_the_person_is_named(bot, plugins):
    cliente = await add_cliente(bot)
    await DB.execute("CREATE TABLE agenda (cliente bigint REFERENCES cliente)")
    await DB.execute("INSERT INTO agenda VALUES ($1)", cliente)
    with pytest.raises(NotErased, match=r"public\.agenda"):
        await erase(plugins, bot.id, cliente)


async def test_the_same_file_of_somebody_else_stays(bot, plugins, folder):
    ana, bia = await plant(bot, WORD, ANA), await plant(bot, WORD, BIA)
    await erase(plugins, bot.id, ana.cliente)
    assert await DB.fetchval("SELECT count(*) FROM media WHERE state = 'guardada'") == 2
    assert any(bia.word.encode() in content for place, content in await everything(folder) if "/" in place)


async def _apart(work):
    """In a task, and so on a connection, of its own."""
    DB.current_transaction.set(None)
    return await work


async def _waits_for_a_lock():
    async def waits():
        async with DB._pool().acquire() as watcher:
            return await watcher.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")

    await until(waits)
