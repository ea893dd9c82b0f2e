"""The API as its own OpenAPI document describes it: whatever fits is taken, whatever does not is refused, in words.

Schemathesis makes the requests, always the same ones, and checks each answer against the document.
"""

import asyncio
import itertools
import os
import threading
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from tests.document import operations
from tests.live import platform

from wabot import cleaning
from wabot.db.engine import DB
from wabot.plugins.guard import Guard
from wabot.schedule import Schedule

EXAMPLES = int(os.environ.get("WABOT_TEST_EXAMPLES", "12"))
"""Requests of each kind to each operation; a night may afford thousands."""

numbers = itertools.count(1)

TEMPLATE = """
INSERT INTO template (chatbot, name, language, category, status, components)
VALUES ($1, 'saudade', 'pt_BR', 'MARKETING', 'APPROVED', '[{"type": "BODY", "text": "Volte!"}]')
"""


class Served:
    """The platform in a thread: Schemathesis speaks HTTP and waits for its answers."""

    def __init__(self, server_uri, template, home):
        self._server, self._template, self._home = server_uri, template, home
        self._ready, self._loop = threading.Event(), None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(60)

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with (
            _database(self._server, self._template) as uri,
            platform(uri, self._home, worker=False) as running,
        ):
            api = await running.api()
            await DB.execute(TEMPLATE, running.bot.id)
            self.url, self.token, self.bot = running.url, api.headers["Authorization"], running.bot.id
            await Schedule(running.process.runtimes, Guard(), cleaning.works).declare()
            self._ready.set()
            await self._over.wait()


@asynccontextmanager
async def _database(server_uri, template):
    name = f"schemathesis_{os.getpid()}"
    server = await asyncpg.connect(server_uri)
    await server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield urlunsplit(urlsplit(server_uri)._replace(path=f"/{name}"))
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


def one_of_each(served):
    """Something to read, change and refer to, by the name that paths and bodies call it by."""

    def made(path, **body):
        with httpx.Client(base_url=served.url, headers={"Authorization": served.token}, verify=False) as api:
            answer = api.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def first(path):
        with httpx.Client(base_url=served.url, headers={"Authorization": served.token}, verify=False) as api:
            return api.get(path).json()["items"][0]["id"]

    bot = served.bot
    cliente = made("/api/clientes/", chatbot=bot, nome="Ana", telefone=phone())
    categoria = made("/api/pedidos/categorias/", chatbot=bot, nome="Marmitas")
    produto = made("/api/pedidos/produtos/", chatbot=bot, categoria=categoria, nome="Feijoada", preco=2990)
    pedido = made("/api/pedidos/pedidos/", cliente=cliente, itens=[{"produto": produto, "quantidade": 1}])
    campanha = made("/api/reativacao/campanhas/", chatbot=bot, nome="Saudade", modelo="saudade")
    return {
        "campanha": campanha,
        "agendamento": first("/api/agendamentos/"),
        "chatbot": bot,
        "cliente": cliente,
        "categoria": categoria,
        "produto": produto,
        "pedido": pedido,
    }


def phone():
    return f"55319{next(numbers):08}"


def made_real(case, method, path, ids):
    """A description cannot say which chatbots there are, nor what a name or a number is: the rest of a case stays."""
    if "/metricas" in path:  # nor that a period ends after it begins
        case.query = {name: case.query[name] for name in case.query if name == "formato"}
        case.query |= {"chatbot": ids["chatbot"]} if path.rstrip("/") != "/api/metricas" else {}
        return
    kind = next(
        kind
        for kind in (
            "agendamento",
            "campanha",
            "pedidos/pedido",
            "produto",
            "categoria",
            "cliente",
            "chatbot",
        )
        if f"{kind}s" in path
    )
    case.path_parameters = {"id": ids[kind.rpartition("/")[2]], "plugin": "pedidos"} if "{" in path else {}
    case.path_parameters = {
        name: value for name, value in case.path_parameters.items() if f"{{{name}" in path
    }
    if path.endswith("importar"):
        case.query["chatbot"], case.body = ids["chatbot"], f"nome,telefone\nAna,{phone()}\n"
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = f"chave-{next(numbers)}"
    if isinstance(case.body, dict):
        if kind == "cliente" and method in ("post", "put"):
            case.body.setdefault("telefone", "")
        real = {
            **ids,
            "nome": "x" + str(case.body.get("nome"))[1:],
            "numero": phone(),
            "telefone": phone(),
            "bsuid": f"BR.{next(numbers)}",
            "timezone": "America/Manaus",
            "status": "confirmado",
            "config": {},
            "cron": "0 */6 * * *",
            "arguments": {},
            "modelo": "saudade",
            "idioma": "pt_BR",
            "parametros": [],
            "itens": [{"produto": ids["produto"], "quantidade": 1}],
        }
        case.body |= {name: value for name, value in real.items() if name in case.body}


@pytest.fixture(scope="module")
def served(server_uri, template, tmp_path_factory):
    with Served(server_uri, template, tmp_path_factory.mktemp("home")) as served:
        yield served


@pytest.fixture(scope="module")
def described(served):
    return schemathesis.openapi.from_url(f"{served.url}/schema/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), operations())
def test_the_api_keeps_to_its_description(served, described, method, path, mode):
    ids = one_of_each(served)

    @given(case=described[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    def keeps(case):
        if mode is GenerationMode.POSITIVE and method != "delete":
            made_real(case, method, path, ids)
        case.call_and_validate(headers={"Authorization": served.token})

    keeps()
