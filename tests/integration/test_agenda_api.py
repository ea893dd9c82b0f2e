"""`/api/agendamentos/`: what runs when, changed and asked for by programs."""

import asyncio

import pytest
import pytest_asyncio
from tests.live import add_bot, platform, switch_on, until

from wabot import audit, cleaning
from wabot.db.engine import DB
from wabot.plugins.guard import Guard
from wabot.schedule import Schedule

AGENDA = "/api/agendamentos/"
FAXINA = '''
"""Faxina: uma tarefa com argumentos."""
import msgspec
from typing import Annotated
from msgspec import Meta
from wabot import DB, Job, hookimpl

class Faxina(msgspec.Struct, frozen=True):
    dias: Annotated[int, Meta(ge=1, le=365, title="Dias")] = 30
    onde: str = "tudo"

async def varrer(ctx):
    return f"Varri {ctx.arguments.onde}, {ctx.arguments.dias} dias."

@hookimpl
def wabot_jobs():
    return [Job("varrer", varrer, "0 3 * * *", "Varrer", missed="skip", arguments=Faxina)]
'''


async def declared(running):
    """As a worker does when it starts."""
    for works in (None, cleaning.works):
        await Schedule(running.process.runtimes, Guard(), works).declare()


@pytest_asyncio.fixture
async def office(kit, database_uri, tmp_path):
    kit.install("faxina", FAXINA)
    async with platform(database_uri, tmp_path, worker=False, plugin="faxina") as running:
        running.other = await add_bot(running.process.settings, "Vizinha", phone_number_id="2")
        await running.process.runtimes.load()
        await declared(running)
        running.mine = await running.api(bot=running.bot.id)
        yield running


async def find(office, job="varrer"):
    items = (await office.mine.get(AGENDA)).json()["items"]
    return next(item for item in items if item["job"] == job)


def errors_of(answer):
    assert answer.status_code == 400, answer.text
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


async def test_a_list_shows_what_is_mine_and_when_it_runs_next(office):
    page = (await office.mine.get(AGENDA)).json()
    assert [item["job"] for item in page["items"]] == ["limpeza_de_mensagens", "varrer"]
    assert {item["chatbot"] for item in page["items"]} == {office.bot.id}
    varrer = page["items"][1]
    assert varrer | {"cron": "0 3 * * *", "missed": "skip", "zone": "America/Sao_Paulo"} == varrer
    assert varrer["next_run"].endswith("06:00:00Z")
    assert (await office.mine.get(f"{AGENDA}{varrer['id']}/")).json() == varrer
    filtered = (await office.mine.get(AGENDA, params={"plugin": "faxina", "busca": "VARR"})).json()
    assert filtered["items"] == [varrer]


async def test_a_change_plans_the_next_time_at_once_and_leaves_a_trail(office):
    here = f"{AGENDA}{(await find(office))['id']}/"
    changed = await office.mine.patch(here, json={"cron": "30 7 * * *", "timezone": "Europe/Lisbon"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["next_run"].endswith(("07:30:00Z", "06:30:00Z"))
    off = await office.mine.patch(here, json={"enabled": False})
    assert off.json()["next_run"] is None
    whole = (await office.mine.put(here, json={"cron": "0 5 * * *"})).json()
    assert (whole["enabled"], whole["timezone"], whole["next_run"][-9:]) == (True, None, "08:00:00Z")
    trail = [entry for entry in await audit.entries([office.bot.id]) if entry.objeto == "agendamento"]
    assert trail[-1].campos == {"cron": "30 7 * * *", "timezone": "Europe/Lisbon"}
    assert trail[-1].quem_tipo == "token"


async def test_what_is_wrong_stands_at_its_field(office):
    here = f"{AGENDA}{(await find(office))['id']}/"
    wrong = {"cron": "todo dia", "timezone": "Brasil", "arguments": {"dias": 0, "cor": "azul"}}
    errors = errors_of(await office.mine.patch(here, json=wrong))
    assert errors.keys() == {"cron", "timezone", "arguments.dias", "arguments.cor"}
    assert "Escreva minuto, hora, dia, mês e dia da semana" in errors["cron"]
    assert "America/Sao_Paulo" in errors["timezone"]
    assert errors["arguments.dias"] == "Precisa ser no mínimo 1."
    assert (await find(office))["cron"] == "0 3 * * *"


async def test_arguments_are_changed_one_by_one_and_replaced_as_a_whole(office):
    here = f"{AGENDA}{(await find(office))['id']}/"
    await office.mine.patch(here, json={"arguments": {"dias": 7}})
    both = await office.mine.patch(here, json={"arguments": {"onde": "cozinha"}})
    assert both.json()["arguments"] == {"dias": 7, "onde": "cozinha"}
    whole = await office.mine.put(here, json={"cron": "0 3 * * *", "arguments": {"dias": 9}})
    assert whole.json()["arguments"] == {"dias": 9}


async def test_asked_for_it_runs_and_the_result_is_seen(office):
    varrer = await find(office)
    here = f"{AGENDA}{varrer['id']}/"
    await office.mine.patch(here, json={"arguments": {"onde": "cozinha"}})
    answer = await office.mine.post(f"{here}rodar/")
    assert (answer.status_code, answer.headers["location"]) == (201, here)
    assert answer.json()["asked_at"]
    await Schedule(office.process.runtimes, Guard()).look()
    seen = (await office.mine.get(here)).json()
    assert (seen["last_ok"], seen["last_result"]) == (True, "Varri cozinha, 30 dias.")
    assert (seen["asked_at"], seen["next_run"]) == (None, varrer["next_run"])


async def test_one_idempotency_key_is_one_run_at_the_same_moment_and_later(office):
    here = f"{AGENDA}{(await find(office))['id']}/"
    headers = {"Idempotency-Key": "uma-vez"}
    schedule, runs = Schedule(office.process.runtimes, Guard()), []
    answers = await asyncio.gather(*(office.mine.post(f"{here}rodar/", headers=headers) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}

    async def looked():
        runs.append(await schedule.look())
        return True

    await until(looked)
    again = await office.mine.post(f"{here}rodar/", headers=headers)
    assert again.status_code == 201
    assert not await schedule.look()
    assert runs == [True]
    asked = [entry for entry in await audit.entries([office.bot.id]) if entry.acao == "rodar"]
    assert len(asked) == 1


async def test_what_is_switched_off_elsewhere_is_not_run_and_says_why(office):
    here = f"{AGENDA}{(await find(office))['id']}/"
    await DB.execute("UPDATE plugin_binding SET enabled = false")
    answer = await office.mine.post(f"{here}rodar/")
    assert answer.status_code == 409
    assert "o plugin está desligado" in answer.json()["detail"]
    assert (await office.mine.get(here)).json()["hindrance"] == "plugin"


@pytest.mark.parametrize("part", ["", "rodar/"])
async def test_somebody_elses_does_not_exist(office, part):
    stranger = await office.api(bot=office.other.id)
    here = f"{AGENDA}{(await find(office))['id']}/"
    call = stranger.post if part else stranger.get
    assert (await call(f"{here}{part}")).status_code == 404


async def test_the_two_that_come_with_wabot_run_when_they_always_did(office):
    await switch_on(office.bot, office.process.settings)
    await office.process.runtimes.load()
    await declared(office)
    defaults = {"limpeza_de_mensagens": "0 2 * * 0", "verificacao_de_pedidos": "0 */6 * * *"}
    for job, cron in defaults.items():
        agendamento = await find(office, job)
        assert (agendamento["cron"], agendamento["timezone"], agendamento["enabled"]) == (cron, None, True)
        assert agendamento["zone"] == office.bot.timezone
