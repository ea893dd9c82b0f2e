"""Every entry of the trouble-shooting pages is provoked here; `wabot doctor` must name it and say how to mend it."""

import re
import shutil
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from tests.bots import add_cliente, says
from tests.docs.pages import ROOT, page
from tests.live import PHONE, SECRET, WABA, add_bot, settings_for, switch_on

from wabot import doctor
from wabot.db.connect import open_database
from wabot.db.engine import DB
from wabot.doctor import findings, machine
from wabot.errors import Away, BadSetting
from wabot.plugins.catalogue import sync
from wabot.settings import load
from wabot.testing.simulator import Simulator
from wabot.testing.simulator.updates import Bot
from wabot.whatsapp.client import Graph

PAGES = ("docs/troubleshooting.md", "docs/problemas.pt-BR.md")


class Shop:
    """One chatbot that is set up right, and everything that a case may spoil."""

    def __init__(self, uri, home, simulator, kit, monkeypatch):
        self.uri, self.home, self.simulator, self.kit, self.monkeypatch = (
            uri,
            home,
            simulator,
            kit,
            monkeypatch,
        )
        self.settings = settings_for(uri, home, simulator.url)
        self.graph_url = simulator.url
        self.connections = []

    async def spoil(self, **settings):
        self.settings = msgspec.structs.replace(self.settings, **settings)

    async def sql(self, statement):
        await DB.execute(statement)

    async def writes(self, changes):
        """Ana was answered, and this is what became of the reply."""
        await says(await add_cliente(self.bot), "oi")
        await DB.execute(f"UPDATE outbox SET {changes}")

    async def wrote(self, changes):
        """Ana wrote, and this is what became of it."""
        conversa = await DB.fetchval(
            "SELECT id FROM conversa WHERE cliente = $1", await add_cliente(self.bot)
        )
        await DB.execute(
            """INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw)
               VALUES ($1, $2, 'w', 'text', now(), '{}')""",
            self.bot.id,
            conversa,
        )
        await DB.execute(f"UPDATE inbox SET {changes}")

    async def connected(self, name):
        self.connections.append(await asyncpg.connect(self.uri, server_settings={"application_name": name}))

    async def examined(self):
        graph = Graph(self.graph_url, "v26.0")
        try:
            return await doctor.examine(self.settings, graph)
        finally:
            await graph.close()


@pytest_asyncio.fixture
async def shop(database, tmp_path, kit, monkeypatch):
    async with Simulator(app_secret=SECRET).serve(port=0) as simulator:
        simulator.bots[PHONE] = Bot(PHONE, waba=WABA, number="5511900000000")
        simulator.webhook_url = "https://loja.example/api/chatbots/webhook/"
        made = Shop(database, tmp_path, simulator, kit, monkeypatch)
        made.bot = await add_bot(made.settings)
        yield made
        for connection in made.connections:
            await connection.close()


Case = Callable[[Shop], Awaitable[doctor.Report | None]]
CASES: dict[str, Case] = {}


def provokes(*codes: str) -> Callable[[Case], Case]:
    def keep(case: Case) -> Case:
        CASES.update(dict.fromkeys(codes, case))
        return case

    return keep


def by_sql(**statements: str) -> None:
    """Codes with the state of the database that calls for them."""
    for code, statement in statements.items():
        provokes(code.replace("_", "-"))(lambda shop, statement=statement: shop.sql(statement))


def by_meta(of: str, **said: dict[str, object]) -> None:
    for code, answer in said.items():

        async def case(shop: Shop, answer: dict[str, object] = answer) -> None:
            shop.simulator.says[of] = answer

        provokes(code)(case)


def by_outbox(**changes: str) -> None:
    for code, change in changes.items():
        provokes(code)(lambda shop, change=change: shop.writes(change))


# -- the machine -----------------------------------------------------------------------------------------------------


@provokes("settings")
async def no_secret_key(shop):
    with pytest.raises(BadSetting) as wrong:
        load({"DATABASE_URL": shop.uri, "WABOT_HOME": str(shop.home)})
    return doctor.misconfigured(wrong.value)


@provokes("database")
async def no_database(shop):
    nowhere = msgspec.structs.replace(shop.settings, database_url="postgresql://127.0.0.1:1/nada")
    await DB.close()
    with pytest.raises(Away) as away:
        async with open_database(nowhere):
            pass
    return await doctor.without_database(nowhere, None, away.value)


@provokes("redis")
async def no_redis(shop):
    await shop.spoil(redis_url="redis://127.0.0.1:1")


@provokes("unexamined")
async def a_table_that_somebody_locks(shop):
    shop.monkeypatch.setattr(findings, "WITHIN", 0.5)
    await shop.connected("psql")
    await shop.connections[0].execute("BEGIN; LOCK TABLE quarantine")


@provokes("disk")
async def a_full_disk(shop):
    usage = shutil.disk_usage(shop.home)._replace(free=50_000_000)
    shop.monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)


@provokes("clock")
async def a_clock_that_is_late(shop):
    class Late(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) - timedelta(minutes=5)

    shop.monkeypatch.setattr(machine, "datetime", Late)


@provokes("key-exposed")
async def a_key_that_everybody_may_read(shop):
    (shop.home / "secret.key").write_text("uma-chave-0123456789")
    (shop.home / "secret.key").chmod(0o644)


@provokes("key-generated")
async def a_key_that_is_only_here(shop):
    await shop.spoil(key_generated=True)


@provokes("secret-key")
async def another_key(shop):
    await shop.spoil(secret_keys=("outra-chave-0123456789",))


@provokes("meta")
async def no_way_out(shop):
    shop.graph_url = "http://127.0.0.1:1"


# -- the chatbots, their plugins and processes -----------------------------------------------------------------------


@provokes("no-worker", "no-web")
async def nothing_is_running(shop):
    pass


@provokes("no-flow")
async def no_plugin_is_on(shop):
    pass


@provokes("plugin")
async def a_plugin_that_cannot_be_imported(shop):
    shop.kit.install("quebrado", "import nao_existe")
    await sync()


@provokes("app-secret")
async def no_app_secret(shop):
    await add_bot(shop.settings, "Outra", phone_number_id="2", app_secret="")


by_sql(
    migrations="DELETE FROM migration WHERE id = (SELECT max(id) FROM migration WHERE app_name = 'wabot')",
    no_bots="DELETE FROM chatbot",
    verify_token="UPDATE chatbot SET verify_token = ''",
    orphaned="INSERT INTO plugin_binding (chatbot, plugin) SELECT id, 'sumido' FROM chatbot",
    plugin_failing="INSERT INTO plugin_health (chatbot, plugin, ok) SELECT id, 'pedidos', false FROM chatbot",
    number_held="INSERT INTO number_hold (chatbot, code, reason, next_try) SELECT id, 190, 'x', now() FROM chatbot",
    number_stopped="INSERT INTO number_state SELECT id, 'account', 'DISABLED', '', now() FROM chatbot",
    number="INSERT INTO number_state SELECT id, 'quality', 'RED', '', now() FROM chatbot",
    template="INSERT INTO template (chatbot, name, language, status) SELECT id, 'oi', 'pt_BR', 'PAUSED' FROM chatbot",
    notice="""INSERT INTO notice (chatbot, business_account_id, field, raw, digest, state, error)
              SELECT id, '3', 'x', '', 'x', 'ignorada', 'KeyError' FROM chatbot""",
    quarantine="INSERT INTO quarantine (why, raw, digest) VALUES ('número desconhecido', '', 'x')",
    late="""INSERT INTO agendamento (plugin, job, titulo, cron, next_run)
            VALUES ('', 'limpeza', 'Limpeza', '0 2 * * 0', now() - interval '1 hour')""",
    job="""INSERT INTO agendamento (plugin, job, titulo, cron, last_ok)
           VALUES ('', 'limpeza', 'Limpeza', '0 2 * * 0', false)""",
)


# -- at Meta ---------------------------------------------------------------------------------------------------------

BLOCKED = {"entity_type": "WABA", "can_send_message": "BLOCKED"}
by_meta("debug_token", token={"is_valid": False})
by_meta(f"{WABA}/subscribed_apps", subscription={"data": []})
by_meta(
    PHONE,
    registration={"status": "PENDING"},
    webhook={"webhook_configuration": {}},
    payment={
        "health_status": {
            "can_send_message": "BLOCKED",
            "entities": [
                BLOCKED | {"errors": [{"error_code": 141006, "error_description": "payment method"}]}
            ],
        }
    },
    sending={"health_status": {"can_send_message": "BLOCKED", "entities": [BLOCKED]}},
)


@provokes("account")
async def a_number_of_another_account(shop):
    shop.simulator.bots[PHONE] = Bot(PHONE, waba="999", number="5511900000000")


# -- the messages ----------------------------------------------------------------------------------------------------


@provokes("backlog")
async def nobody_answers(shop):
    await shop.wrote("received_at = now() - interval '5 minutes'")


@provokes("dead")
async def a_message_that_no_turn_could_answer(shop):
    await shop.wrote("state = 'morta', error = 'KeyError: preço'")


by_outbox(
    unsent="created_at = now() - interval '5 minutes'",
    doubtful="state = 'enviando', sending_at = now() - interval '5 minutes'",
    held="error_code = 130429, retry_at = now() + interval '1 minute'",
    refused="state = 'falhou', error_code = 131026",
    restored="state = 'falhou', error = 'separada na restauração do backup de 25/11/2026 12:00 UTC'",
)


# -- the pages and the doctor say the same ---------------------------------------------------------------------------


def codes_of(name: str) -> list[str]:
    """The codes in the second column of a page's tables."""
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \|", page(name), re.MULTILINE)
    return [code for cell in rows for code in re.findall(r"`([a-z-]+)`", cell)]


@pytest.mark.parametrize("name", PAGES)
def test_the_page_has_an_entry_for_every_finding_and_a_test_for_every_entry(name):
    source = "\n".join(file.read_text() for file in sorted((ROOT / "core/src/wabot/doctor").glob("*.py")))
    found = set(re.findall(r'\b(?:error|warning)\(\s*"([a-z-]+)"', source))
    assert set(codes_of(name)) == found == set(CASES)


def test_both_pages_tell_the_same_in_the_same_order():
    english, portuguese = map(codes_of, PAGES)
    assert english == portuguese


@pytest.mark.parametrize("code", CASES)
async def test_the_doctor_names_the_trouble_and_what_mends_it(shop, code):
    report = await CASES[code](shop) or await shop.examined()
    [found] = [finding for finding in report.findings if finding.code == code][:1]
    assert found.message
    assert found.fix
    assert report.ok is (not any(finding.severity == "error" for finding in report.findings))


async def test_of_an_installation_that_is_well_nothing_is_said(shop):
    await switch_on(shop.bot, shop.settings)
    await shop.connected("wabot up")
    report = await shop.examined()
    assert (report.ok, report.findings) == (True, [])
