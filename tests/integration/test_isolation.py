"""No path and no id of another business: asked of every operation in the OpenAPI document, so none is forgotten."""

import asyncio
import json

import pytest
import pytest_asyncio
from tests.document import document, operations
from tests.live import add_bot, platform, switch_on

from wabot.db.engine import DB

TABLES = """
SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
WHERE table_schema IN ('public', 'pedidos', 'reativacao') AND table_type = 'BASE TABLE' ORDER BY 1
"""
OURS = {"public.api_token", "public.auditoria", "public.idempotency"}
"""What making and using a token writes by itself."""


class Neighbours:
    """Two businesses on one platform. `mine` has one of everything; the stranger looks for it."""

    def __init__(self, running, other, ids):
        self.running, self.other, self.ids = running, other, ids

    def address(self, path):
        """Of what is mine. A new kind of object has to be made in `one_of_each`."""
        if "{" not in path:
            return path
        kind = path.split("/{")[0].rstrip("/").rpartition("/")[2]
        return path.replace("{id}", str(self.ids[kind])).replace("{plugin}", "pedidos")

    async def rows(self):
        """Everything in the database."""
        return {
            row["name"]: sorted(map(repr, map(tuple, await DB.fetch(f"SELECT * FROM {row['name']}"))))
            for row in await DB.fetch(TABLES)
            if row["name"] not in OURS
        }


@pytest_asyncio.fixture
async def neighbours(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as running:
        other = await add_bot(running.process.settings, "Vizinha", phone_number_id="2")
        await switch_on(other, running.process.settings)
        async with await running.api(bot=running.bot.id) as mine:
            yield Neighbours(running, other.id, await one_of_each(mine, running.bot.id))


async def one_of_each(api, bot):
    """By the last word of the collection's path."""

    async def made(path, **body):
        answer = await api.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    cliente = await made("/api/clientes/", chatbot=bot, nome="Ana Secreta", telefone="5531980000001")
    categoria = await made("/api/pedidos/categorias/", chatbot=bot, nome="Secretas")
    produto = await made("/api/pedidos/produtos/", chatbot=bot, categoria=categoria, nome="Secreto", preco=1)
    pedido = await made(
        "/api/pedidos/pedidos/", cliente=cliente, itens=[{"produto": produto, "quantidade": 1}]
    )
    agendamento = await DB.fetchval(
        "INSERT INTO agendamento (chatbot, job, titulo, cron) VALUES ($1, 'x', 'Secreto', '0 2 * * 0') RETURNING id",
        bot,
    )
    await DB.execute(
        """INSERT INTO template (chatbot, name, language, category, status, components)
           VALUES ($1, 'saudade', 'pt_BR', 'MARKETING', 'APPROVED', '[{"type": "BODY", "text": "Volte!"}]')""",
        bot,
    )
    campanha = await made(
        "/api/reativacao/campanhas/", chatbot=bot, nome="Campanha Secreta", modelo="saudade"
    )
    return {
        "agendamentos": agendamento,
        "chatbots": bot,
        "campanhas": campanha,
        "clientes": cliente,
        "categorias": categoria,
        "produtos": produto,
        "pedidos": pedido,
    }


def body_for(method, path, ids):
    """A body that fits the description and names what is mine."""
    content = document()["paths"][path][method].get("requestBody", {}).get("content", {})
    if "text/csv" in content:
        return {"content": b"telefone\n5531980000009\n", "headers": {"Content-Type": "text/csv"}}
    if "application/json" not in content:
        return {}
    return {"json": example(content["application/json"]["schema"], ids)}


def example(schema, ids, name=""):
    """The least that fits a schema, with ids of mine wherever one is asked for."""
    schema = resolved(schema)
    if f"{name}s" in ids:
        return ids[f"{name}s"]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], ids, name)
    if "enum" in schema:
        return schema["enum"][-1]
    kind = schema.get("type")
    if kind == "object":
        wanted = schema.get("required") or list(schema.get("properties", {}))
        return {field: example(schema["properties"][field], ids, field) for field in wanted}
    if kind == "array":
        return [example(schema["items"], ids)]
    if "examples" in schema:
        return schema["examples"][0]
    return {"integer": schema.get("minimum", 1), "boolean": False, "string": "x"}.get(kind)


def resolved(schema):
    if "$ref" in schema:
        return document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


async def call(api, method, address, path, ids, **params):
    return await api.request(method, address, params=params, **body_for(method, path, ids))


def wanted_parameters(method, path):
    parameters = document()["paths"][path][method].get("parameters", [])
    return {p["name"] for p in parameters if p["in"] == "query"}


def needs_a_chatbot(path):
    """A report is of one chatbot: whose it is has to be said."""
    parameters = document()["paths"][path]["get"].get("parameters", [])
    return any(p["name"] == "chatbot" and p.get("required") for p in parameters)


@pytest.mark.parametrize("writes", [True, False], ids=["writes", "reads"])
async def test_a_neighbours_token_finds_nothing_of_mine_and_changes_nothing(neighbours, writes):
    before = await neighbours.rows()
    async with await neighbours.running.api(bot=neighbours.other, writes=writes) as stranger:
        for method, path in operations():
            named = (
                {"chatbot": neighbours.ids["chatbots"]}
                if "chatbot" in wanted_parameters(method, path)
                else {}
            )
            answer = await call(stranger, method, neighbours.address(path), path, neighbours.ids, **named)
            where = f"{method} {path}: {answer.status_code} {answer.text}"
            assert "Secret" not in answer.text, where
            if method != "get" and not writes:
                assert answer.status_code == 403, where
            elif "{" in path:
                assert answer.status_code == 404, where
            elif method == "get" and needs_a_chatbot(path):
                assert answer.status_code == 400, where
            elif method == "get":
                assert answer.status_code == 200, where
                assert "total" not in answer.text or answer.json()["total"] == 0, where
            else:
                assert answer.status_code in (400, 403), where
    assert await neighbours.rows() == before


async def test_a_list_shows_its_own_only_when_no_chatbot_is_named(neighbours):
    async with await neighbours.running.api(bot=neighbours.other) as stranger:
        for method, path in operations():
            if method == "get" and "{" not in path and not needs_a_chatbot(path):
                answer = await stranger.get(path)
                assert answer.status_code == 200
                assert "Secret" not in answer.text, path


async def test_my_own_token_does_all_of_it(neighbours):
    """Or the test above would pass for requests that nobody may make."""
    async with await neighbours.running.api(bot=neighbours.running.bot.id) as mine:
        for method, path in operations():
            if method == "delete" or path.endswith("/apagar"):
                continue
            named = (
                {"chatbot": neighbours.ids["chatbots"]}
                if "chatbot" in wanted_parameters(method, path)
                else {}
            )
            answer = await call(mine, method, neighbours.address(path), path, neighbours.ids, **named)
            expected = (403,) if (method, path) == ("post", "/api/chatbots") else (200, 201, 400)
            if method == "post" and "/campanhas/{" in path:
                expected = (200, 409)  # one that has been ended is not begun
            assert answer.status_code in expected, f"{method} {path}: {answer.status_code} {answer.text}"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer errado"}], ids=["none", "wrong"])
async def test_without_a_token_every_door_is_closed(neighbours, headers):
    before = await neighbours.rows()
    for method, path in operations():
        answer = await neighbours.running.http.request(method, neighbours.address(path), headers=headers)
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.headers["content-type"] == "application/problem+json"
    assert await neighbours.rows() == before


BROKEN = [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"\\u0000": 1}', b'{"x": NaN}', b"[" * 50_000]


async def test_a_broken_body_names_what_is_wrong_at_every_endpoint(neighbours):
    async with await neighbours.running.api() as api:
        for method, path in operations():
            body = document()["paths"][path][method].get("requestBody")
            if not body:
                continue
            kind = next(iter(body["content"]))
            params = {"chatbot": neighbours.ids["chatbots"]} if kind == "text/csv" else {}
            for raw in BROKEN:
                answer = await api.request(
                    method,
                    neighbours.address(path),
                    content=raw,
                    headers={"Content-Type": kind},
                    params=params,
                )
                where = f"{method} {path} {raw[:20]!r}: {answer.status_code} {answer.text}"
                assert answer.status_code == 400, where
                assert answer.headers["content-type"] == "application/problem+json"
                assert all(error["field"] and error["message"] for error in answer.json()["errors"]), where
                assert answer.json()["errors"], where


@pytest.mark.parametrize(
    "value",
    ["x" * 100_000, "\x00", "\ud800", -1, 10**30, 1e308, None, True, [], {}, [[[]]], {"a": {"b": {}}}],
    ids=[
        "long",
        "nul",
        "surrogate",
        "negative",
        "huge",
        "float",
        "null",
        "true",
        "list",
        "object",
        "deep",
        "nested",
    ],
)
async def test_no_odd_value_in_any_field_is_our_fault(neighbours, value):
    faults = []
    async with await neighbours.running.api() as api:
        for method, path in operations():
            body = body_for(method, path, neighbours.ids).get("json") or {}
            odd = [body | {field: value} for field in body]
            answers = await asyncio.gather(
                *(send_odd(api, method, neighbours.address(path), one) for one in odd)
            )
            faults += [f"{method} {path}: {answer.text}" for answer in answers if answer.status_code >= 500]
    assert faults == []


async def send_odd(api, method, address, body):
    raw = json.dumps(body).encode("utf-8", "surrogatepass")
    return await api.request(method, address, content=raw, headers={"Content-Type": "application/json"})
