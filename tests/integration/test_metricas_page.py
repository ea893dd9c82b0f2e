"""The page of the reports in the panel: of one's own chatbot, for the days asked for, and as a sheet."""

import csv
import io
import re

import pytest_asyncio
from tests.contagem import plant_numbers
from tests.live import add_bot, platform, switch_on
from tests.visitor import Visitor, add_person

from wabot.db.engine import DB


@pytest_asyncio.fixture
async def office(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False, plugin="metricas") as running:
        running.other = await add_bot(running.process.settings, "Padaria", phone_number_id="2")
        await switch_on(running.other, running.process.settings, "metricas")
        await running.process.runtimes.load()
        await plant_numbers(running.other.id)
        await add_person("leo@loja.com.br", leitor=running.bot.id)
        running.leo = Visitor(running.url)
        await running.leo.signs_in("leo@loja.com.br")
        running.page = f"/painel/{running.bot.id}/metricas/"
        yield running
        await running.leo.close()


async def test_a_new_shop_has_a_page_without_numbers_whatever_its_neighbours_count(office):
    shown = (await office.leo.get(office.page)).text
    assert shown.count("Nada neste período.") == 8
    assert "<table" not in shown
    assert "R$ 0,00" in shown


async def test_numbers_stand_in_tables_that_are_drawn(office):
    await plant_numbers(office.bot.id)
    shown = (await office.leo.get(f"{office.page}?dias=7")).text
    assert shown.count("data-grafico") == 9
    assert "Funil: Pedidos" in shown
    assert len(re.findall(r'<th scope="row">\d\d/\d\d</th>', shown)) == 5 * 7
    assert re.search(r'data-valor="\d+">R\$ [\d.]+,\d\d</td>', shown)
    for script in re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', shown):
        assert script.startswith("/painel/")
        assert (await office.leo.get(script)).status_code == 200


async def test_a_report_is_downloaded_whole(office):
    await plant_numbers(office.bot.id)
    answer = await office.leo.get(f"{office.page}?baixar=pedidos&dias=7")
    assert re.search(r'filename="pedidos-[\d-]{21}\.csv"', answer.headers["content-disposition"])
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert len(rows) == 7
    counted = await DB.fetchval(
        """SELECT sum(total) FROM metricas.contagem WHERE chatbot = $1 AND medida = 'faturamento'
           AND (hora AT TIME ZONE $2)::date > (now() AT TIME ZONE $2)::date - 7""",
        office.bot.id,
        office.bot.timezone,
    )
    assert sum(int(row["faturamento"]) for row in rows) == counted


async def test_a_period_that_makes_no_sense_is_told(office):
    answer = await office.leo.get(f"{office.page}?de=<b>&ate=2026-11-01")
    assert answer.status_code == 200
    assert "Escolha as duas datas do período." in answer.text
    assert "<b>&" not in answer.text


async def test_another_shops_page_is_not_there(office):
    assert (await office.leo.get(f"/painel/{office.other.id}/metricas/")).status_code == 404
