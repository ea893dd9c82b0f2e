"""`/api/metricas/…`: the reports as JSON and as a spreadsheet, of the bots a token sees."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from tests.live import add_bot, platform

from wabot.db.engine import DB
from wabot_metricas.reports import REPORTS

ZONE = ZoneInfo("America/Sao_Paulo")
COUNTED = "INSERT INTO metricas.contagem (chatbot, medida, hora, flow, etapa, total) VALUES ($1, $2, $3, $4, $5, $6)"


@pytest_asyncio.fixture
async def live(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as running:
        yield running


@pytest_asyncio.fixture
async def api(live):
    return await live.api(bot=live.bot.id, writes=False)


def noon(days_ago=0):
    day = datetime.now(UTC).astimezone(ZONE) - timedelta(days=days_ago)
    return day.replace(hour=12, minute=0, second=0, microsecond=0)


async def count(bot, medida, total, at, flow="", etapa=""):
    await DB.execute(COUNTED, bot, medida, at, flow, etapa, total)


async def test_every_report_is_listed_with_a_sentence(api):
    told = (await api.get("/api/metricas/")).json()["relatorios"]
    assert [about["nome"] for about in told] == list(REPORTS)
    assert all(about["descricao"].endswith(".") for about in told)


@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_is_of_the_last_thirty_days_unless_told_otherwise(live, api, name):
    answer = await api.get(f"/api/metricas/{name}/", params={"chatbot": live.bot.id})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    today = noon().date()
    assert (body["ate"], body["de"]) == (str(today), str(today - timedelta(days=29)))
    assert body["fuso"] == "America/Sao_Paulo"


async def test_a_day_is_the_bots_and_not_greenwichs(live, api):
    late = noon(3).replace(hour=23)
    await count(live.bot.id, "recebidas", 7, late)
    await count(live.bot.id, "recebidas", 1, late + timedelta(hours=1))
    params = {"chatbot": live.bot.id, "de": str(late.date()), "ate": str(late.date())}
    [row] = (await api.get("/api/metricas/mensagens_por_dia/", params=params)).json()["linhas"]
    assert row == {"dia": str(late.date()), "recebidas": 7, "respostas": 0}
    hours = (await api.get("/api/metricas/mensagens_por_hora/", params=params)).json()["linhas"]
    assert len(hours) == 24
    assert hours[-1] == {"hora": late.isoformat(), "recebidas": 7, "respostas": 0}


async def test_a_spreadsheet_has_the_same_numbers(live, api):
    await count(live.bot.id, "chegaram", 3, noon(), "pedidos", "inicio")
    await count(live.bot.id, "pararam", 1, noon(), "pedidos", "inicio")
    params = {"chatbot": live.bot.id, "formato": "csv"}
    answer = await api.get("/api/metricas/funil/", params=params)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="funil.csv"'
    [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["etapa"], row["chegaram"], row["pararam"]) == ("inicio", "3", "1")


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"de": "2026-02-02", "ate": "2026-02-01"}, "de"),
        ({"de": "2024-01-01", "ate": "2026-02-01"}, "de"),
        ({"ate": "9999-12-31"}, "ate"),
        ({"ate": "0001-01-01"}, "ate"),
        ({"de": "ontem"}, "de"),
        ({"formato": "xlsx"}, "formato"),
        ({"chatbot": 999}, "chatbot"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_in_portuguese(live, api, params, field):
    answer = await api.get("/api/metricas/pedidos/", params={"chatbot": live.bot.id} | params)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_token_sees_its_own_bots_only(live, api):
    other = await add_bot(live.process.settings, "Vizinha", phone_number_id="2")
    await count(other.id, "recebidas", 5, noon())
    answer = await api.get("/api/metricas/mensagens_por_dia/", params={"chatbot": other.id})
    assert answer.status_code == 400
    mine = await api.get("/api/metricas/mensagens_por_dia/", params={"chatbot": live.bot.id})
    assert not any(row["recebidas"] for row in mine.json()["linhas"])


async def test_the_cost_is_that_of_the_prices_in_the_configuration(live, api):
    await DB.execute(
        "INSERT INTO plugin_binding (chatbot, plugin, config) VALUES ($1, 'metricas', $2)",
        live.bot.id,
        '{"marketing_por_mil": 32170}',
    )
    for category, many in (("marketing", 1500), ("utility", 10)):
        await DB.execute(
            """INSERT INTO metricas.contagem (chatbot, medida, hora, classe, total)
               VALUES ($1, 'cobradas', $2, $3, $4)""",
            live.bot.id,
            noon(),
            category,
            many,
        )
    rows = (await api.get("/api/metricas/custo/", params={"chatbot": live.bot.id})).json()["linhas"]
    assert rows == [
        {"categoria": "marketing", "cobradas": 1500, "gratis": 0, "custo": 48255},
        {"categoria": "utility", "cobradas": 10, "gratis": 0, "custo": None},
    ]
