"""A database that is away, read-only, full or crowded under a running process, and what a plugin meets of it."""

import asyncio
import logging

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from tests.conftest import in_database
from tests.live import SECRET, give, platform, until
from tests.servers import OwnPostgres

from wabot.db.away import NotMigrated, Refused
from wabot.db.engine import DB, patiently
from wabot.errors import Away
from wabot.flow import Context, End, Flow
from wabot.outage import Outage
from wabot.process import migrate_all
from wabot.turn import BoundFlow


class Nada(msgspec.Struct):
    pass


eco = Flow("eco", data=Nada)


@eco.etapa
async def inicio(ctx: Context[Nada]):
    if ctx.message.text == "engano":
        await DB.fetch("SELECT $1::int")  # asyncpg says InterfaceError, as for a lost connection
    return End(f"eco: {ctx.message.text}")


@pytest.fixture(autouse=True)
def no_outage_yet(monkeypatch):
    monkeypatch.setattr(DB, "outage", Outage("database", logging.getLogger("wabot.db.engine")))


@pytest_asyncio.fixture
async def live(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, plugin=None) as running:
        await give(running.process, flows=(BoundFlow(eco, plugin="eco"),))
        yield running


@pytest.fixture
def no_storing(monkeypatch):
    """Make storing a webhook fail as PostgreSQL would."""

    def fail(code):
        async def refuse(*_):
            async with DB.connection():
                raise asyncpg.PostgresError.new({"C": code, "M": "no"})

        monkeypatch.setattr("wabot.inbox._store_known", refuse)

    return fail


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("25006", "somente para leitura"),
        ("53300", "max_connections"),
        ("53100", "disco"),
        ("57P01", "não responde"),
    ],
)
async def test_a_database_that_cannot_store_makes_meta_deliver_again_and_is_told_once(
    live, no_storing, caplog, code, words
):
    no_storing(code)
    answers = [await live.deliver(b'{"object": "whatsapp_business_account", "entry": []}') for _ in range(5)]
    assert {answer.status_code for answer in answers} == {503}
    assert caplog.text.count(words) == 1
    assert "webhook not stored" not in caplog.text


async def test_a_read_only_database_is_not_ready(live):
    assert (await live.http.get("/readyz")).status_code == 200
    await DB.execute("SELECT 1")
    name = await DB.fetchval("SELECT current_database()")
    await DB.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await DB.pool.expire_connections()
    answer = await live.http.get("/readyz")
    assert answer.status_code == 503
    assert "somente para leitura" in answer.json()["database"]
    with pytest.raises(Away):
        await DB.execute("UPDATE chatbot SET nome = nome")


async def test_after_a_failover_connections_are_opened_anew(database):
    before = await DB.fetchval("SELECT pg_backend_pid()")
    await DB.execute("SET default_transaction_read_only = on")
    with pytest.raises(Away):
        await DB.execute("UPDATE chatbot SET nome = nome")
    pids = {await DB.fetchval("SELECT pg_backend_pid()") for _ in range(3)}
    assert before not in pids


async def test_the_api_says_503_and_the_log_no_place_in_the_code(live, monkeypatch, caplog):
    api = await live.api()

    async def gone(*_):
        raise Away("longe")

    monkeypatch.setattr("wabot.web.auth.tokens.find", gone)
    answer = await api.get("/api/clientes/")
    assert answer.status_code == 503
    assert "Tente de novo" in answer.json()["detail"]
    assert "auth.py" not in caplog.text


async def test_what_a_plugin_asks_wrongly_is_its_own_fault_and_not_tried_for_ever(live, monkeypatch):
    monkeypatch.setattr("wabot.attend.RETRY_AFTER", ())
    ana = live.simulator.customer("Ana")
    await ana.says("engano")
    await ana.sees("Tivemos um problema")
    assert "the server expects 1 argument" in await DB.fetchval("SELECT error FROM inbox")


async def test_a_session_that_ends_under_a_turn_costs_none_of_its_tries(live, monkeypatch):
    cut = asyncio.Event()

    async def once(*args):
        if not cut.is_set():
            cut.set()
            await DB.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr("wabot.plugins.guard.Guard.succeeded", once)
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("eco: oi", within=20)
    assert cut.is_set()
    assert tuple(await DB.fetchrow("SELECT state, tries FROM inbox")) == ("atendida", 0)


async def test_a_connection_is_not_lost_to_the_pool_when_a_transaction_cannot_begin(database, monkeypatch):
    monkeypatch.setattr("wabot.db.engine.FENCED", "SELECT 1 / 0, $1")

    async def fenced():
        DB.fence([1])
        async with DB.transaction():
            pass

    for _ in range(30):  # more than the pool has
        with pytest.raises(asyncpg.PostgresError):
            await asyncio.create_task(fenced())
    async with asyncio.timeout(5):
        assert await DB.fetchval("SELECT 1") == 1


async def test_who_waits_patiently_goes_on_when_it_is_back(database, monkeypatch, caplog):
    monkeypatch.setattr("wabot.db.engine.RETRY_AFTER", 0)
    answers = iter([Away("longe"), NotMigrated("velho"), Away("longe"), 7])

    async def work():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await patiently(work) == 7
    assert [caplog.text.count(words) for words in ("longe", "velho")] == [1, 1]


async def test_whom_the_database_refuses_is_told_so(server_uri):
    with pytest.raises(Refused, match="não existe"):
        await DB.open(in_database(server_uri, "nao_existe"))


@pytest.fixture
def postgres():
    server = OwnPostgres()
    yield server
    server.start()
    server.close()


async def test_changes_made_while_nobody_could_listen_are_read_when_it_is_back(postgres, tmp_path):
    """The server is killed under a running process; what somebody changes right after its start is not missed."""
    await DB.open(postgres.uri)
    await migrate_all()
    await DB.close()
    async with platform(postgres.uri, tmp_path, plugin=None) as live:
        postgres.kill()
        await until(lambda: _status(live, 503))
        assert (await live.deliver(b"{}", SECRET)).status_code == 503
        postgres.start()
        await postgres.run("UPDATE chatbot SET nome = 'Outro nome'")

        async def heard():
            return live.process.directory.bots[0].nome == "Outro nome"

        await until(heard)
        await until(lambda: _status(live, 200))
        assert (await live.deliver(b"{}", SECRET)).status_code == 200


async def _status(live, code):
    return (await live.http.get("/readyz")).status_code == code


async def test_a_connection_that_broke_under_a_transaction_is_nobodys_fault(database):
    async def lose_it_in_the_middle():
        async with DB.transaction():
            own = await DB.fetchval("SELECT pg_backend_pid()")
            other = await asyncpg.connect(database)
            await other.execute("SELECT pg_terminate_backend($1, 5000)", own)
            await other.close()
            await until(_is_broken)
            await DB.fetchval("SELECT 1")  # asyncpg: "released back to the pool"

    with pytest.raises(Away):
        await lose_it_in_the_middle()


async def test_a_connection_of_which_asyncpg_lost_track_is_not_used_again(database):
    async with DB.connection() as connection:
        lost = connection._con
    with pytest.raises(Away):
        async with DB.connection():
            raise asyncpg.InternalClientError(
                "cannot switch to state 12; another operation (2) is in progress"
            )
    assert lost.is_closed()
    assert await DB.fetchval("SELECT 1") == 1


async def _is_broken():
    try:
        return DB.current_transaction.get().connection.is_closed()
    except asyncpg.InterfaceError:
        return True
