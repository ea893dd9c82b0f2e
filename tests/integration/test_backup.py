"""Backup and restore: what was, is again, in another server too; and nobody is written to a second time."""

import asyncio
import zipfile
from pathlib import Path

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from tests.bots import add_bot, add_cliente, says
from tests.conftest import _on_server, in_database
from tests.live import platform, settings_for, until

from wabot import dead
from wabot.backup import schema
from wabot.backup.manifest import BadBackup
from wabot.backup.restore import restore
from wabot.backup.save import save
from wabot.db.engine import DB
from wabot.media.kept import ChatbotFiles
from wabot.storage import STORAGE
from wabot.vault import fingerprint


@pytest_asyncio.fixture
async def empty(server_uri, request):
    """The address of a database without a single table."""
    name = f"empty_{abs(hash(request.node.nodeid))}"
    await _on_server(server_uri, f"CREATE DATABASE {name}")
    yield in_database(server_uri, name)
    await DB.close()
    await _on_server(server_uri, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def homes(tmp_path):
    return tmp_path / "de", tmp_path / "para"


@pytest.fixture
def settings(homes):
    yield settings_for("", homes[0], "")
    STORAGE.close()


@pytest_asyncio.fixture
async def shop(database, settings):
    """A bot with a cliente, a file, an order flow's rows, and messages in every state."""
    STORAGE.open(settings.home)
    bot = await add_bot()
    ana = await add_cliente(bot)
    conversa = await says(ana, "um", "dois", "três")
    await DB.execute(
        "UPDATE outbox SET state = 'enviando', sending_at = now() WHERE content::text LIKE '%um%'"
    )
    await DB.execute("UPDATE outbox SET state = 'enviada', wamid = 'w1' WHERE content::text LIKE '%dois%'")
    await DB.execute(
        "INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw) VALUES ($1, $2, 'w2', 'text', now(), '{}')",
        bot.id,
        conversa,
    )
    await DB.execute(
        r"INSERT INTO pedidos.categoria (chatbot, nome, descricao) VALUES ($1, E'Marmitas\t\\\n\u2713', '')",
        bot.id,
    )
    await ChatbotFiles(bot.id, conversa).keep(b"uma foto", filename="foto.jpg")
    return bot


async def brought_back(file, uri, settings, homes, **options):
    """Restored into that database, which is then the open one, with another home."""
    await DB.close()
    STORAGE.close()
    STORAGE.open(homes[1])
    await DB.open(uri)
    return await restore(file, settings, **options)


async def digests():
    """What every table holds."""
    async with DB.transaction() as transaction:
        await transaction.connection.execute(schema.CANONICAL)
        return {
            (table.schema, table.name): await schema.digest(transaction.connection, table, table.columns)
            for table in await schema.tables(transaction.connection)
        }


CHANGED_BY_A_RESTORE = {("", "inbox"), ("", "outbox"), ("", "auditoria"), ("", "plugin_descriptor")}


async def test_every_table_is_in_another_database_what_it_was(shop, settings, homes, empty, tmp_path):
    before = await digests()
    made = await save(tmp_path / "b.zip", settings)
    done = await brought_back(tmp_path / "b.zip", empty, settings, homes)
    after = await digests()
    assert {key for key in before if before[key] != after[key]} <= CHANGED_BY_A_RESTORE
    assert before.keys() == after.keys()
    assert (done.rows, done.files, done.left_out, done.keys_missing) == (made.rows, 1, [], [])
    [kept] = made.media
    assert await STORAGE.read(shop.id, kept.sha256) == b"uma foto"


async def test_what_waited_is_set_aside_with_its_reason_and_sent_only_when_told(
    shop, settings, homes, empty, tmp_path
):
    await save(tmp_path / "b.zip", settings)
    done = await brought_back(tmp_path / "b.zip", empty, settings, homes)
    assert (done.aside.inbox, done.aside.outbox) == (1, 2)
    assert await DB.fetchval("SELECT count(*) FROM outbox WHERE state IN ('pendente', 'enviando')") == 0
    assert await DB.fetchval("SELECT count(*) FROM inbox WHERE state = 'pendente'") == 0
    letters = await dead.page()
    assert all(letter.error.startswith("separada na restauração do backup de ") for letter in letters)
    assert await dead.retry_all() == 0  # not with all others: somebody has to mean these
    assert await dead.retry_all(restored=True) == 3
    assert await DB.fetchval("SELECT count(*) FROM outbox WHERE state = 'pendente'") == 2


async def test_what_was_set_aside_can_be_dropped_for_good(shop, settings, homes, empty, tmp_path):
    await save(tmp_path / "b.zip", settings)
    await brought_back(tmp_path / "b.zip", empty, settings, homes)
    assert await dead.drop_restored() == 3
    assert await dead.retry_all(restored=True) + await dead.retry_all() == 0
    assert await DB.fetchval("SELECT state FROM inbox WHERE wamid = 'w2'") == "guardada"


async def test_what_came_due_since_is_not_run_again(shop, settings, homes, empty, tmp_path):
    await DB.execute(
        "INSERT INTO agendamento (chatbot, plugin, job, titulo, cron, next_run) "
        "VALUES ($1, 'x', 'antes', '', '0 10 * * *', now()), ($1, 'x', 'depois', '', '0 10 * * *', now() + '1 h')",
        shop.id,
    )
    await save(tmp_path / "b.zip", settings)
    done = await brought_back(tmp_path / "b.zip", empty, settings, homes)
    assert done.aside.agendamentos == 1
    assert await DB.fetchval("SELECT job FROM agendamento WHERE next_run IS NOT NULL") == "depois"


async def test_a_campaign_under_way_and_a_job_that_was_asked_for_wait_for_a_person(
    shop, settings, homes, empty, tmp_path
):
    await DB.execute(
        "INSERT INTO agendamento (chatbot, plugin, job, titulo, cron, asked_at, next_run) "
        "VALUES ($1, 'x', 'pedido', '', '0 10 * * *', now(), now() + interval '1 hour')",
        shop.id,
    )
    await DB.execute(
        "INSERT INTO mailing (chatbot, plugin, quiet_from, quiet_until) VALUES ($1, 'x', '21:00', '08:00')",
        shop.id,
    )
    await save(tmp_path / "b.zip", settings)
    await brought_back(tmp_path / "b.zip", empty, settings, homes)
    row = await DB.fetchrow("SELECT asked_at, next_run FROM agendamento")
    assert row["asked_at"] is None
    assert row["next_run"] is not None
    mailing = await DB.fetchrow("SELECT state, reason FROM mailing")
    assert mailing["state"] == "pausada"
    assert mailing["reason"].startswith("separada na restauração")


async def test_ids_of_what_is_sent_go_on_beyond_those_the_old_installation_may_have_given(
    shop, settings, homes, empty, tmp_path
):
    last = await DB.fetchval("SELECT max(id) FROM outbox")
    await save(tmp_path / "b.zip", settings)
    await brought_back(tmp_path / "b.zip", empty, settings, homes)
    ana = await DB.fetchval("SELECT id FROM cliente")
    await says(ana, "quatro")
    assert await DB.fetchval("SELECT max(id) FROM outbox") > last + 1000


async def test_a_restored_database_works_its_triggers_constraints_and_ids(
    shop, settings, homes, empty, tmp_path
):
    await save(tmp_path / "b.zip", settings)
    await brought_back(tmp_path / "b.zip", empty, settings, homes)
    assert await add_cliente(shop, "Bia") > 0  # a new id, and the trigger that gives a conversa
    assert await DB.fetchval("SELECT count(*) FROM conversa") == 2
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await DB.execute("INSERT INTO cliente (chatbot, nome) VALUES (999, 'ninguém')")


async def test_the_keys_it_takes_are_named_and_not_included(shop, settings, homes, empty, tmp_path):
    made = await save(tmp_path / "b.zip", settings)
    key = settings.secret_keys[0]
    assert [(needed.fingerprint, needed.secrets) for needed in made.keys] == [(fingerprint(key), 1)]
    with zipfile.ZipFile(tmp_path / "b.zip") as file:
        assert not any(key.encode() in file.read(name) for name in file.namelist())
    other = msgspec.structs.replace(settings, secret_keys=("outra-chave-0123456789",))
    done = await brought_back(tmp_path / "b.zip", empty, other, homes)
    assert done.keys_missing == [fingerprint(key)]


async def test_a_database_in_use_is_left_alone_unless_told(shop, settings, homes, tmp_path, database_uri):
    await save(tmp_path / "b.zip", settings)
    await DB.execute("UPDATE chatbot SET nome = 'Depois'")
    with pytest.raises(BadBackup, match="não está vazio"):
        await brought_back(tmp_path / "b.zip", database_uri, settings, homes)
    assert await DB.fetchval("SELECT nome FROM chatbot") == "Depois"
    await restore(tmp_path / "b.zip", settings, replace=True)
    assert await DB.fetchval("SELECT nome FROM chatbot") == shop.nome


async def test_nothing_is_restored_beside_running_processes(shop, settings, homes, empty, tmp_path):
    await save(tmp_path / "b.zip", settings)
    worker = await asyncpg.connect(empty, server_settings={"application_name": "wabot worker"})
    with pytest.raises(BadBackup, match="pare-os"):
        await brought_back(tmp_path / "b.zip", empty, settings, homes)
    await worker.close()


async def test_a_restore_that_is_cut_short_leaves_the_database_empty(
    shop, settings, homes, empty, tmp_path, monkeypatch
):
    await save(tmp_path / "b.zip", settings)

    def killed(what):
        if what.startswith("pedidos.produto"):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await brought_back(tmp_path / "b.zip", empty, settings, homes, tell=killed)
    assert await DB.fetchval("SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname = 'chatbot'") == 0
    await restore(tmp_path / "b.zip", settings)  # and it can be done again


async def test_a_backup_that_is_cut_short_leaves_no_file(shop, settings, tmp_path):
    def killed(what):
        if what.startswith("outbox"):
            raise asyncio.CancelledError

    folder = tmp_path / "copias"
    folder.mkdir()
    with pytest.raises(asyncio.CancelledError):
        await save(folder / "b.zip", settings, killed)
    assert list(folder.iterdir()) == []


async def test_a_backup_is_never_written_over_and_only_its_owner_reads_it(shop, settings, tmp_path):
    await save(tmp_path / "b.zip", settings)
    assert (tmp_path / "b.zip").stat().st_mode & 0o077 == 0
    with pytest.raises(BadBackup, match="Já existe"):
        await save(tmp_path / "b.zip", settings)


async def test_a_damaged_backup_is_refused_before_anything_is_touched(shop, settings, homes, empty, tmp_path):
    await save(tmp_path / "b.zip", settings)
    whole = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(whole.replace(b"uma foto", b"uma f0to"))
    with pytest.raises(BadBackup, match="danificado em media/"):
        await brought_back(tmp_path / "b.zip", empty, settings, homes)
    (tmp_path / "b.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadBackup, match="incompleto"):
        await restore(tmp_path / "b.zip", settings)


def rewritten(path: Path, **changes: object) -> Path:
    """The same backup with another manifest."""
    other = path.with_name("outro.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                content = msgspec.json.encode(msgspec.json.decode(content) | changes)
            new.writestr(name, content)
    return other


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 99}, "wabot mais novo"),
        (
            {"migrations": {"wabot": ["2999-01-01T00:00:00:000000"]}},
            "versão mais nova; instale antes: wabot ",
        ),
        (
            {"migrations": {"wabot_sumido": ["2026"]}, "plugins": {"sumido": "wabot-sumido 1.2"}},
            "wabot-sumido 1.2",
        ),
    ],
)
async def test_a_backup_that_needs_other_releases_says_which(
    shop, settings, homes, empty, tmp_path, changes, said
):
    made = await save(tmp_path / "b.zip", settings)
    if "wabot_sumido" in changes.get("migrations", {}):
        changes = changes | {"migrations": made.migrations | changes["migrations"]}
    with pytest.raises(BadBackup, match=said):
        await brought_back(rewritten(tmp_path / "b.zip", **changes), empty, settings, homes)


async def test_a_backup_of_an_older_release_is_brought_up_to_date(shop, settings, homes, empty, tmp_path):
    """As made before the last migration of the core: its column is not there, and comes with its default."""
    made = await save(tmp_path / "b.zip", settings)
    migrations = made.migrations | {"wabot": [m for m in made.migrations["wabot"] if m < "2026-11-25T10"]}
    await DB.close()
    await DB.open(empty)
    from wabot.db.migrate import migrate
    from wabot.db.piccolo_app import APP_CONFIG

    await migrate([APP_CONFIG], only=migrations)
    assert not await DB.fetchval(
        "SELECT count(*) FROM information_schema.columns WHERE column_name = 'refused'"
    )
    await DB.execute(
        "INSERT INTO chatbot (nome, numero, phone_number_id, business_account_id, timezone)"
        " VALUES ('Antiga', '5511', '1', '2', 'America/Sao_Paulo')"
    )
    await save(tmp_path / "antigo.zip", settings)
    await restore(tmp_path / "antigo.zip", settings, replace=True)
    assert await DB.fetchval("SELECT nome FROM chatbot") == "Antiga"
    assert await DB.fetchval("SELECT count(*) FROM information_schema.columns WHERE column_name = 'refused'")


async def test_a_backup_under_load_is_one_instant(database_uri, settings, homes, empty, tmp_path):
    """While customers write: every message in it has been answered whole or not at all, and nobody is written to."""
    async with platform(database_uri, homes[0]) as live:
        people = [live.simulator.customer(f"55119{n:08}") for n in range(12)]
        writing = asyncio.gather(*(ana.says("oi") for ana in people for _ in range(4)))
        await until(lambda: _some("SELECT count(*) > 5 FROM inbox"))
        made = await save(tmp_path / "b.zip", live.process.settings)
        await writing
        await until(lambda: _some("SELECT count(*) = 48 AND bool_and(state = 'atendida') FROM inbox"))
        await until(lambda: _some("SELECT bool_and(state = 'enviada') FROM outbox"))
        sent = len(live.simulator.sent)
        simulator = live.simulator
    await brought_back(tmp_path / "b.zip", empty, settings, homes)
    halves = "SELECT count(*) FROM inbox WHERE state = 'atendida' AND id NOT IN (SELECT inbox FROM outbox)"
    assert await DB.fetchval(halves) == 0
    assert await DB.fetchval("SELECT count(*) FROM inbox") == next(
        t.rows for t in made.tables if t.name == "inbox"
    )
    assert len(simulator.sent) == sent


async def _some(sql):
    return bool(await DB.fetchval(sql))
