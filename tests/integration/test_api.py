"""The core's REST API: who is let in, what a cliente looks like, and errors at the field."""

import pytest
import pytest_asyncio
from tests.live import add_bot, platform

from wabot import merges
from wabot.db.engine import DB
from wabot.whatsapp.signature import sign

CLIENTES = "/api/clientes/"


@pytest_asyncio.fixture
async def office(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as running:
        running.other = await add_bot(running.process.settings, "Outra", phone_number_id="2")
        running.all = await running.api()
        yield running


def ana(office, **changes):
    return {"chatbot": office.bot.id, "nome": "Ana", "telefone": "+55 (31) 98000-0001"} | changes


def errors_of(answer):
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]


async def test_a_cliente_is_added_read_and_listed(office):
    made = await office.all.post(CLIENTES, json=ana(office))
    assert made.status_code == 201
    assert set(made.json()) == {
        "id", "chatbot", "nome", "telefone", "bsuid", "email", "ativo", "aceita_marketing", "observacoes",
        "criado_em", "atualizado_em", "ultima_interacao",
    }  # fmt: skip
    assert (await office.all.get(made.headers["location"])).json() == made.json()
    page = (await office.all.get("/api/clientes")).json()
    assert page == {"items": [made.json()], "limit": 50, "offset": 0, "total": 1}


async def test_the_same_phone_without_the_ninth_digit_is_the_same_cliente(office):
    await office.all.post(CLIENTES, json=ana(office))
    again = await office.all.post(CLIENTES, json=ana(office, telefone="55 31 8000-0001"))
    assert errors_of(again) == ["telefone"]
    elsewhere = await office.all.post(CLIENTES, json=ana(office, chatbot=office.other.id))
    assert elsewhere.status_code == 201


async def test_somebody_added_by_hand_is_the_one_who_writes(office):
    await office.all.post(CLIENTES, json=ana(office))
    body = (
        b'{"entry":[{"id":"300000000000001","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":'
        b'"200000000000001"},"messages":[{"from":"553180000001","id":"wamid.1","timestamp":"1795000000",'
        b'"type":"text","text":{"body":"oi"}}]}}]}]}'
    )
    assert (await office.post(body, sign("segredo-do-aplicativo", body))).status_code == 200
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 1
    assert await DB.fetchval("SELECT count(*) FROM inbox WHERE conversa IS NOT NULL") == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"telefone": "", "bsuid": None}, "telefone"),
        ({"telefone": "123"}, "telefone"),
        ({"chatbot": 4711}, "chatbot"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_written(office, changes, field):
    assert errors_of(await office.all.post(CLIENTES, json=ana(office, **changes))) == [field]
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 0


async def test_a_list_can_be_searched_ordered_and_paged(office):
    for number, nome in enumerate(["Carla", "Ana", "Bia 100%"]):
        await office.all.post(CLIENTES, json=ana(office, nome=nome, telefone=f"551190000000{number}"))

    async def names(**params):
        return [item["nome"] for item in (await office.all.get(CLIENTES, params=params)).json()["items"]]

    assert await names() == ["Bia 100%", "Ana", "Carla"]
    assert await names(ordem="nome") == ["Ana", "Bia 100%", "Carla"]
    assert await names(ordem="-nome", limit=1, offset=1) == ["Bia 100%"]
    assert await names(busca="an") == ["Ana"]
    assert await names(busca="100%") == ["Bia 100%"]
    assert await names(busca="%") == ["Bia 100%"]
    assert await names(chatbot=office.other.id) == []


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 1000}, {"offset": -1}, {"ordem": "senha"}, {"limit": "x"}]
)
async def test_a_wrong_parameter_is_a_problem_document(office, params):
    answer = await office.all.get(CLIENTES, params=params)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_a_token_nothing_is_shown(office):
    for headers in (
        {},
        {"Authorization": "Bearer errado"},
        {"Authorization": "Basic x"},
    ):
        answer = await office.http.get(CLIENTES, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_that_only_reads_cannot_write(office):
    reader = await office.api(writes=False)
    assert (await reader.get(CLIENTES)).status_code == 200
    assert (await reader.post(CLIENTES, json=ana(office))).status_code == 403


async def test_a_revoked_token_opens_nothing(office):
    await DB.execute("UPDATE api_token SET revogado_em = now()")
    assert (await office.all.get(CLIENTES)).status_code == 401


async def test_a_token_sees_its_own_chatbot_only(office):
    made = (await office.all.post(CLIENTES, json=ana(office))).json()
    stranger = await office.api(bot=office.other.id)
    assert (await stranger.get(CLIENTES)).json()["total"] == 0
    assert (await stranger.get(f"{CLIENTES}{made['id']}/")).status_code == 404
    assert errors_of(await stranger.post(CLIENTES, json=ana(office))) == ["chatbot"]
    assert (await stranger.get(CLIENTES, params={"chatbot": office.bot.id})).json()["total"] == 0


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"chatbot": 1, "nome": "\\ud800"}', b"[" * 5000]
)
async def test_a_body_nobody_can_read_is_400(office, raw):
    headers = {"Content-Type": "application/json"}
    assert (await office.all.post(CLIENTES, content=raw, headers=headers)).status_code == 400


@pytest.mark.parametrize(
    "path", ["/api/nada/", "/api/clientes/999999/", "/api/clientes/99999999999999999999/"]
)
async def test_what_is_not_there_is_404(office, path):
    answer = await office.all.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_process_says_that_it_lives_and_can_store(office):
    assert (await office.http.get("/healthz")).text == "ok"
    assert (await office.http.get("/readyz")).json() == {"database": "ok", "queue": "ok"}


async def test_the_api_describes_itself(office):
    paths = (await office.http.get("/schema/openapi.json")).json()["paths"]
    assert {
        "/api/clientes",
        "/api/pedidos/categorias",
        "/api/pedidos/produtos",
        "/api/pedidos/pedidos",
    } <= set(paths)


async def test_a_cliente_who_was_merged_is_not_listed_beside_whom_they_are(office):
    made = [
        (await office.all.post(CLIENTES, json=ana(office, telefone=f"(11) 9000{n}-0000"))).json()["id"]
        for n in (1, 2)
    ]
    await merges.join(office.bot.id, *made, "teste", "teste")
    page = (await office.all.get(CLIENTES)).json()
    assert [item["id"] for item in page["items"]] == made[:1]
    assert page["total"] == 1
    assert (await office.all.get(f"{CLIENTES}{made[1]}/")).status_code == 200, (
        "what refers to it still finds it"
    )


@pytest.mark.parametrize("telefone", ["(31) 98000-0001", "0 15 31 8000-0001", "31980000001"])
async def test_a_number_written_without_country_code_is_a_brazilian_one(office, telefone):
    assert (await office.all.post(CLIENTES, json=ana(office, telefone=telefone))).status_code == 201
    assert errors_of(await office.all.post(CLIENTES, json=ana(office))) == ["telefone"]


async def test_a_number_whatsapp_cannot_have_is_refused(office):
    assert errors_of(await office.all.post(CLIENTES, json=ana(office, telefone="0800 123 4567"))) == [
        "telefone"
    ]
