"""A person's rights over HTTP and at the command line: who may ask, what comes, what is left."""

import io
import zipfile

import msgspec
import pytest_asyncio
from tests.live import add_bot, platform, until

from wabot.db.engine import DB
from wabot.merges import join

NOTHING = 10**12


@pytest_asyncio.fixture
async def office(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as running:
        running.other = await add_bot(running.process.settings, "Outra", phone_number_id="2")
        running.all = await running.api()
        running.ana = await add_cliente(running.bot.id)
        yield running


@pytest_asyncio.fixture
async def shop(database_uri, tmp_path):
    async with platform(database_uri, tmp_path) as running:
        yield running


async def add_cliente(chatbot):
    return await DB.fetchval("INSERT INTO cliente (chatbot, bsuid) VALUES ($1, 'BR.1') RETURNING id", chatbot)


def place(cliente, what):
    return f"/api/clientes/{cliente}/{what}/"


async def test_a_person_who_has_written_is_handed_over_erased_and_afterwards_somebody_new(shop):
    api, ana = await shop.api(), shop.simulator.customer("Ana")
    await ana.says("oi, sou a Ana")
    await ana.sees("Olá, Ana!")
    first = await DB.fetchval("SELECT id FROM cliente")
    archive = await api.get(place(first, "exportar"))
    assert archive.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(archive.content)) as found:
        data = msgspec.json.decode(found.read("dados.json"))
    assert [message["texto"] for message in data["mensagens_recebidas"]] == ["oi, sou a Ana"]
    receipt = (await api.post(place(first, "apagar"))).json()
    assert receipt["contagens"]["mensagens_recebidas"] == 1
    assert receipt["quem"] == "token teste"
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 0
    await ana.says("oi de novo")
    await until(lambda: DB.fetchval("SELECT EXISTS (SELECT FROM inbox WHERE state = 'atendida')"))
    assert await DB.fetchval("SELECT id FROM cliente") > first


async def test_erasing_again_gives_the_same_receipt(office):
    first = await office.all.post(place(office.ana, "apagar"))
    again = await office.all.post(place(office.ana, "apagar"))
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert (await office.all.get(place(office.ana, "exportar"))).status_code == 404


async def test_a_token_that_may_only_read_erases_nobody(office):
    reader = await office.api(writes=False)
    assert (await reader.post(place(office.ana, "apagar"))).status_code == 403
    assert (await reader.get(place(office.ana, "exportar"))).status_code == 200
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 1


async def test_another_businesss_people_are_not_there(office):
    stranger = await office.api(bot=office.other.id)
    for method, what in (("POST", "apagar"), ("GET", "exportar")):
        for cliente in (office.ana, NOTHING):
            assert (await stranger.request(method, place(cliente, what))).status_code == 404
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 1


async def test_a_token_of_one_chatbot_erases_its_own(office):
    own = await office.api(bot=office.bot.id)
    assert (await own.post(place(office.ana, "apagar"))).status_code == 200
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 0


async def test_what_stands_in_the_way_is_told_and_nothing_is_erased(office):
    await DB.execute("CREATE TABLE agenda (cliente bigint REFERENCES cliente)")
    await DB.execute("INSERT INTO agenda VALUES ($1)", office.ana)
    answer = await office.all.post(place(office.ana, "apagar"))
    assert answer.status_code == 409
    assert "public.agenda" in answer.json()["detail"]


async def test_both_are_in_the_audit_trail_without_anything_about_the_person(office):
    await office.all.get(place(office.ana, "exportar"))
    await office.all.post(place(office.ana, "apagar"))
    rows = await DB.fetch("SELECT acao, quem, campos FROM auditoria WHERE objeto = 'cliente' ORDER BY id")
    assert [tuple(row) for row in rows] == [("exportar", "teste", "{}"), ("apagar", "teste", '{"recibo":1}')]


async def test_both_numbers_of_clientes_that_were_merged_lead_to_one_receipt(office):
    other = await DB.fetchval(
        "INSERT INTO cliente (chatbot, bsuid) VALUES ($1, 'BR.2') RETURNING id", office.bot.id
    )
    await join(office.bot.id, office.ana, other, "mesma pessoa", "teste")
    receipts = [(await office.all.post(place(number, "apagar"))).json() for number in (other, office.ana)]
    assert receipts[0] == receipts[1]


# -- retention -------------------------------------------------------------------------------------------------


async def test_how_long_a_chatbot_keeps_things_is_read_and_changed(office):
    where = f"/api/chatbots/{office.bot.id}/retencao/"
    default = {"mensagens": None, "arquivos": None, "eventos": None, "avisos": 90}
    assert (await office.all.get(where)).json() == default
    changed = await office.all.patch(where, json={"mensagens": 365, "avisos": None})
    assert changed.json() == default | {"mensagens": 365, "avisos": None}
    assert (await office.all.get(where)).json() == changed.json()


async def test_what_meta_may_still_repeat_cannot_be_forgotten(office):
    where = f"/api/chatbots/{office.bot.id}/retencao/"
    for wrong in ({"mensagens": 7}, {"arquivos": 0}, {"pedidos": 3}, {"eventos": "sempre"}):
        assert (await office.all.patch(where, json=wrong)).status_code == 400


async def test_another_businesss_retention_is_not_there(office):
    stranger = await office.api(bot=office.other.id)
    where = f"/api/chatbots/{office.bot.id}/retencao/"
    assert (await stranger.get(where)).status_code == 404
    assert (await stranger.patch(where, json={"mensagens": 30})).status_code == 404
