"""What every endpoint of the API shares: repeated POSTs, methods, parameters, sizes, and the page about it all."""

import asyncio
import re

import pytest
import pytest_asyncio
from tests.document import document, operations
from tests.live import platform

from wabot.db.engine import DB

CLIENTES = "/api/clientes/"
CATEGORIAS = "/api/pedidos/categorias/"


@pytest_asyncio.fixture
async def office(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as running:
        running.mine = await running.api(bot=running.bot.id)
        yield running


def ana(office, **changes):
    return {"chatbot": office.bot.id, "nome": "Ana", "telefone": "+55 31 98000-0001"} | changes


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


# -- Idempotency-Key -----------------------------------------------------------------------------------------


def keyed(key="chave-1"):
    return {"Idempotency-Key": key}


async def clientes():
    return await DB.fetchval("SELECT count(*) FROM cliente")


async def test_a_repeated_post_answers_what_the_first_one_did(office):
    first = await office.mine.post(CLIENTES, json=ana(office), headers=keyed())
    await office.mine.patch(first.headers["location"], json={"nome": "Outra"})
    again = await office.mine.post(CLIENTES.rstrip("/"), json=ana(office), headers=keyed())
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await clientes() == 1


async def test_a_plugins_post_is_repeated_as_safely(office):
    body = {"chatbot": office.bot.id, "nome": "Marmitas"}
    answers = [await office.mine.post(CATEGORIAS, json=body, headers=keyed()) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert (await office.mine.get(CATEGORIAS)).json()["total"] == 1


async def test_the_same_key_with_another_body_is_refused(office):
    await office.mine.post(CLIENTES, json=ana(office), headers=keyed())
    other = await office.mine.post(CLIENTES, json=ana(office, telefone="+55 31 98000-0002"), headers=keyed())
    assert "outro corpo" in problem(other, 422)["detail"]
    assert await clientes() == 1


async def test_a_key_belongs_to_its_token_and_its_path(office):
    await office.mine.post(CLIENTES, json=ana(office), headers=keyed())
    other = await office.api()
    made = await other.post(CLIENTES, json=ana(office, telefone="+55 31 98000-0002"), headers=keyed())
    assert made.status_code == 201
    elsewhere = {"chatbot": office.bot.id, "nome": "Marmitas"}
    assert (await office.mine.post(CATEGORIAS, json=elsewhere, headers=keyed())).status_code == 201


async def test_what_was_refused_may_be_mended_and_sent_with_the_same_key(office):
    problem(await office.mine.post(CLIENTES, json=ana(office, telefone="1"), headers=keyed()), 400)
    assert (await office.mine.post(CLIENTES, json=ana(office), headers=keyed())).status_code == 201
    taken = await office.mine.post(CLIENTES, json=ana(office), headers=keyed("chave-2"))
    problem(taken, 400)
    assert await DB.fetchval("SELECT count(*) FROM idempotency") == 1


async def test_concurrent_repeats_create_once(office):
    posts = [office.mine.post(CLIENTES, json=ana(office), headers=keyed()) for _ in range(8)]
    answers = await asyncio.gather(*posts)
    made = {answer.text for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 409)
    assert await clientes() == 1


async def test_a_crash_before_the_commit_leaves_neither_the_thing_nor_the_answer(office):
    await DB.execute(
        """CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''crash''; END';
        CREATE CONSTRAINT TRIGGER crash AFTER INSERT ON idempotency DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION crash()"""
    )
    crashed = await office.mine.post(CLIENTES, json=ana(office), headers=keyed())
    assert "crash" not in str(problem(crashed, 500))
    assert await clientes() == 0
    await DB.execute("DROP TRIGGER crash ON idempotency")
    assert (await office.mine.post(CLIENTES, json=ana(office), headers=keyed())).status_code == 201


async def test_after_a_day_a_key_is_forgotten(office):
    await office.mine.post(CLIENTES, json=ana(office), headers=keyed())
    await DB.execute("UPDATE idempotency SET at = now() - interval '25 hours'")
    anew = ana(office, telefone="+55 31 98000-0002")
    assert (await office.mine.post(CLIENTES, json=anew, headers=keyed())).status_code == 201
    await DB.execute("UPDATE idempotency SET at = now() - interval '25 hours'")
    another = ana(office, telefone="+55 31 98000-0003")
    assert (await office.mine.post(CLIENTES, json=another, headers=keyed("chave-2"))).status_code == 201
    assert await DB.fetchval("SELECT array_agg(key) FROM idempotency") == ["chave-2"]


async def test_a_revoked_token_is_told_nothing_that_it_made(office):
    await office.mine.post(CLIENTES, json=ana(office), headers=keyed())
    await DB.execute("UPDATE api_token SET revogado_em = now()")
    problem(await office.mine.post(CLIENTES, json=ana(office), headers=keyed()), 401)


@pytest.mark.parametrize("key", ["", "x" * 256, "ação".encode("latin-1")])
async def test_a_key_that_is_none_is_named(office, key):
    told = problem(await office.mine.post(CLIENTES, json=ana(office), headers={b"Idempotency-Key": key}), 400)
    assert told["errors"][0]["field"] == "Idempotency-Key"


# -- methods, parameters, sizes ------------------------------------------------------------------------------


async def test_head_is_get_without_the_body(office):
    head, get = await office.mine.head(CLIENTES), await office.mine.get(CLIENTES)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert (await office.mine.head(f"{CLIENTES}4711/")).status_code == 404


async def test_a_method_that_is_not_there_is_told_with_those_that_are(office):
    answer = await office.mine.delete(CLIENTES)
    assert problem(answer, 405)["title"] == "Método não permitido"
    assert {"GET", "HEAD", "POST"} <= set(answer.headers["allow"].split(", "))
    options = await office.mine.options(CLIENTES)
    assert options.status_code == 204
    assert "POST" in options.headers["allow"]


async def test_paths_work_with_and_without_the_last_slash(office):
    for method, path in operations():
        if method == "get" and "{" not in path:
            whose = {"chatbot": office.bot.id} if path.startswith("/api/metricas/") else {}
            assert (await office.mine.get(path, params=whose)).status_code == 200
            assert (await office.mine.get(f"{path}/", params=whose)).status_code == 200


async def test_a_parameter_nobody_reads_or_given_twice_is_refused_by_name(office):
    told = problem(await office.mine.get(CLIENTES, params={"limite": 3, "limit": [1, 2]}), 400)
    assert {error["field"] for error in told["errors"]} == {"limite", "limit"}
    assert "limit" in told["errors"][0]["message"]


async def test_what_litestar_itself_refuses_is_told_in_portuguese(office):
    assert problem(await office.mine.get("/api/nada/"), 404)["detail"] == "Não há nada neste endereço."
    wrong = await office.mine.post(CLIENTES, content=b"a=1", headers={"Content-Type": "text/plain"})
    assert "application/json" in problem(wrong, 415)["detail"]


async def test_every_body_has_a_largest_size(office):
    huge = b'{"nome": "' + b"x" * 300_000 + b'"}'
    for method, path in operations():
        body = document()["paths"][path][method].get("requestBody", {}).get("content", {})
        if "application/json" in body:
            address = path.replace("{id}", str(office.bot.id)).replace("{plugin}", "pedidos")
            answer = await office.mine.request(
                method, address, content=huge, headers={"Content-Type": "application/json"}
            )
            assert "tamanho" in problem(answer, 413)["detail"]


async def test_2_and_2_0_are_the_same_number_and_the_word_2_is_none(office):
    body = {"chatbot": office.bot.id, "nome": "Marmitas", "ordem": 2.0}
    assert (await office.mine.post(CATEGORIAS, json=body)).json()["ordem"] == 2
    for ordem in ("2", 2.5, "1e3"):
        told = problem(await office.mine.post(CATEGORIAS, json=body | {"ordem": ordem}), 400)
        assert told["errors"] == [{"field": "ordem", "message": "Esperava um número inteiro."}]


# -- the document and its page -------------------------------------------------------------------------------


def test_every_field_and_parameter_is_described():
    schemas = document()["components"]["schemas"]
    fields = {
        f"{name}.{field}": about
        for name, shape in schemas.items()
        for field, about in shape["properties"].items()
    }
    assert [name for name, about in fields.items() if "description" not in str(about)] == []
    for method, path in operations():
        about = document()["paths"][path][method]
        assert about["summary"] != about["operationId"], (method, path)
        plain = [
            p["name"] for p in about.get("parameters", []) if p["in"] != "path" and not p.get("description")
        ]
        assert plain == [], (method, path)


def test_every_operation_tells_its_errors():
    for method, path in operations():
        told = set(document()["paths"][path][method]["responses"])
        assert {"400", "401"} <= told
        assert "404" in told or "{" not in path
        assert "403" in told or method == "get"


async def test_the_page_about_the_api_asks_no_other_host(office):
    page = await office.http.get("/schema/")
    assert page.status_code == 200
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert all(link.startswith(("/schema/", "data:")) for link in links), links
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for link in links:
        if link.startswith("/"):
            assert (await office.http.get(link)).status_code == 200
    assert '"/api/pedidos/pedidos"' in page.text


async def test_the_document_served_is_the_one_the_tests_use(office):
    served = (await office.http.get("/schema/openapi.json")).json()
    assert set(served["paths"]) == set(document()["paths"])
    assert served["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
