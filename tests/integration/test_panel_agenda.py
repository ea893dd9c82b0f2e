"""The page Agenda: what runs when, for whom of the business it is to change."""

import contextlib
from datetime import timedelta

import pytest
import pytest_asyncio
from tests.integration.test_agenda_api import FAXINA, declared
from tests.live import add_bot, platform
from tests.visitor import Visitor, add_person

from wabot import audit
from wabot.db.engine import DB
from wabot.plugins.guard import Guard
from wabot.schedule import Schedule


@pytest_asyncio.fixture
async def office(kit, database_uri, tmp_path):
    kit.install("faxina", FAXINA)
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            platform(database_uri, tmp_path, worker=False, plugin="faxina")
        )
        running.other = await add_bot(running.process.settings, "Vizinha", phone_number_id="2")
        await running.process.runtimes.load()
        await declared(running)
        for papel in ("leitor", "operador", "dono"):
            await add_person(f"{papel}@loja.com.br", **{papel: running.bot.id})
            visitor = Visitor(running.url)
            stack.push_async_callback(visitor.close)
            await visitor.signs_in(f"{papel}@loja.com.br")
            setattr(running, papel, visitor)
        running.page = f"/painel/{running.bot.id}/agendamentos/"
        query = "SELECT id FROM agendamento WHERE chatbot = $1 AND job = 'varrer'"
        running.varrer = await DB.fetchval(query, running.bot.id)
        running.here = f"{running.page}{running.varrer}/"
        yield running


async def row(office):
    return await DB.fetchrow("SELECT * FROM agendamento WHERE id = $1", office.varrer)


async def test_everybody_of_the_business_sees_what_runs_when(office):
    await DB.execute("UPDATE agendamento SET next_run = '2030-01-02 13:00Z' WHERE id = $1", office.varrer)
    shown = (await office.leitor.get(office.page)).text
    for words in (
        "Agenda",
        "Varrer",
        "Limpeza de mensagens",
        "02/01/2030 às 10:00",
        "Todo dia às 03:00",
        "Domingo às 02:00",
        "0 3 * * *",
        "Ainda não rodou",
    ):
        assert words in shown
    assert "Rodar agora" not in shown
    assert "Mudar: Varrer" not in shown


async def test_who_serves_runs_it_now_and_reads_the_result(office):
    answer = await office.operador.post(f"{office.here}rodar/", page=office.page)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, office.page)
    assert "Em alguns segundos" in (await office.operador.get(office.page)).text
    await Schedule(office.process.runtimes, Guard()).look()
    assert "Varri tudo, 30 dias." in (await office.operador.get(office.page)).text


async def test_who_decides_changes_when_and_with_what(office):
    form = await office.dono.get(office.here)
    assert 'value="0 3 * * *"' in form.text
    fields = {
        "cron": "15 4 * * *",
        "timezone": "UTC",
        "missed": "Pular",
        "arguments.dias": "7",
        "arguments.onde": "sala",
    }
    answer = await office.dono.post(office.here, page=office.page, **fields)
    assert answer.status_code == 303, answer.text
    stored = await row(office)
    assert (stored["cron"], stored["timezone"], stored["missed"]) == ("15 4 * * *", "UTC", "skip")
    assert stored["arguments"] == '{"dias":7,"onde":"sala"}'
    assert (stored["next_run"].hour, stored["next_run"].minute) == (4, 15)
    [entry] = [entry for entry in await audit.entries([office.bot.id]) if entry.objeto == "agendamento"]
    assert (entry.quem, entry.acao) == ("dono@loja.com.br", "mudar")


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(office):
    fields = {
        "cron": "às dez",
        "timezone": "Brasil",
        "missed": "Pular",
        "arguments.dias": "0",
        "arguments.onde": "",
    }
    first = await office.dono.post(office.here, page=office.page, **fields)
    assert (first.status_code, "Precisa ser no mínimo 1." in first.text) == (400, True)
    answer = await office.dono.post(office.here, page=office.page, **fields | {"arguments.dias": "5"})
    assert answer.status_code == 400
    for words in ("Nada foi salvo", "Escreva minuto, hora, dia", "America/Sao_Paulo", 'value="às dez"'):
        assert words in answer.text
    assert (await row(office))["cron"] == "0 3 * * *"


async def test_the_switch_takes_its_next_time_away_and_gives_it_another(office):
    before = (await row(office))["next_run"]
    await office.dono.post(f"{office.here}desligar/", page=office.page)
    assert ((await row(office))["enabled"], (await row(office))["next_run"]) == (False, None)
    assert "está desligado" in (await office.dono.get(office.page)).text
    await office.dono.post(f"{office.here}ligar/", page=office.page)
    assert abs((await row(office))["next_run"] - before) <= timedelta(days=1)


@pytest.mark.parametrize(
    ("part", "least"), [("", "dono"), ("ligar/", "dono"), ("desligar/", "dono"), ("rodar/", "operador")]
)
async def test_nobody_does_more_than_their_role(office, part, least):
    before = await row(office)
    papeis = ["leitor", "operador"] if least == "dono" else ["leitor"]
    for papel in papeis:
        answer = await getattr(office, papel).post(f"{office.here}{part}", page=office.page)
        assert answer.status_code == 403
    without_token = await office.dono.http.post(f"{office.here}{part}", data={"cron": "0 1 * * *"})
    assert without_token.status_code == 403
    assert await row(office) == before


async def test_another_business_has_no_such_agendamento(office):
    theirs = await DB.fetchval("SELECT id FROM agendamento WHERE chatbot = $1", office.other.id)
    assert (await office.dono.get(f"{office.page}{theirs}/")).status_code == 404
    for part in ("", "ligar/", "rodar/"):
        assert (await office.dono.post(f"{office.page}{theirs}/{part}", page=office.page)).status_code == 404
