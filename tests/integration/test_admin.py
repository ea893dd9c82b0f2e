"""`/admin/` over HTTP: superusers only, with the panel's session; no secret comes out; every change leaves a trail."""

import contextlib

import pytest
import pytest_asyncio
from tests.live import platform
from tests.visitor import SENHA, Visitor, add_person

from wabot import audit, cleaning, tokens
from wabot.db.engine import DB
from wabot.parts import AdminTable
from wabot.plugins.guard import Guard
from wabot.schedule import Schedule
from wabot.web.admin.tables import CORE, all_tables

ROOT = "raiz@wabot.com.br"
SECRETS = {
    "chatbot": ("access_token", "app_secret", "verify_token"),
    "pessoa": ("senha",),
    "api_token": ("digest",),
    "plugin_binding": ("secrets",),
}


@pytest_asyncio.fixture
async def office(database_uri, tmp_path):
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(platform(database_uri, tmp_path, worker=False))
        await tokens.create("segredo-em-resumo", None, writes=True)

        def visitor() -> Visitor:
            visitor = Visitor(running.url)
            stack.push_async_callback(visitor.close)
            return visitor

        running.visitor, running.root = visitor, visitor()
        await add_person(ROOT, superuser=True)
        await running.root.signs_in(ROOT)
        await running.root.get("/admin/")
        running.root.http.headers["X-CSRFToken"] = running.root.http.cookies["csrftoken"]
        yield running


def table(name, row="", **query):
    where = "&".join(f"{key}={value}" for key, value in query.items())
    return f"/admin/api/tables/{name}/{f'{row}/' if row else ''}?{where}"


async def add_cliente(office, nome="Ana"):
    return await DB.fetchval(
        "INSERT INTO cliente (chatbot, nome) VALUES ($1, $2) RETURNING id", office.bot.id, nome
    )


# -- who comes in --------------------------------------------------------------------------------------------


async def test_the_panels_session_is_enough_and_there_is_no_other_way_in(office):
    page = await office.root.get("/admin/")
    assert page.status_code == 200
    assert 'lang="pt-BR"' in page.text
    assert (await office.root.get("/admin/api/user/")).json()["username"] == ROOT
    stranger = office.visitor()
    assert (await stranger.get("/admin/")).headers["location"] == "/painel/entrar/?next=/admin/"
    assert (await stranger.get(table("cliente"))).status_code == 401
    for path in ("/admin/public/login/", "/admin/api/change-password/", "/admin/api/media/"):
        answer = await office.root.http.post(path, json={"username": ROOT, "password": SENHA})
        assert answer.status_code == 404
    assert await DB.fetchval("SELECT to_regclass('sessions')") is None


async def test_a_dono_is_not_a_superuser(office):
    await add_person("bia@loja.com.br", dono=office.bot.id)
    bia = office.visitor()
    await bia.signs_in("bia@loja.com.br")
    for path in ("/admin/", table("cliente"), "/admin/assets/x.js", "/admin/api/tables/"):
        answer = await bia.get(path)
        assert answer.status_code == 403
        assert "Só superusuários" in answer.text


async def test_signing_out_here_ends_the_panels_session(office):
    assert (await office.root.http.post("/admin/public/logout/")).status_code == 200
    assert (await office.root.get("/painel/senha/")).status_code == 303


async def test_everything_comes_from_here(office):
    page = await office.root.get("/admin/")
    assert "unsafe-eval" not in page.headers["content-security-policy"]
    assert "script-src 'self';" in page.headers["content-security-policy"]
    for path in ("/admin/api/docs/", "/admin/public/docs/", "/admin/api/openapi.json", "/admin/openapi.json"):
        assert (await office.root.get(path)).status_code == 404
    assert (await office.root.get("/admin")).headers["location"] == "/admin/"
    words = (await office.root.get("/admin/public/translations/")).json()
    assert words["default_language_code"] == "pt"


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_another_site_cannot_make_a_browser_change_anything(office, method):
    cliente = await add_cliente(office)
    del office.root.http.headers["X-CSRFToken"]
    answer = await office.root.http.request(method, table("cliente", cliente), json={"nome": "Mau"})
    assert answer.status_code == 403
    assert await DB.fetchval("SELECT nome FROM cliente WHERE id = $1", cliente) == "Ana"


# -- secrets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "column"), [(name, one) for name, columns in SECRETS.items() for one in columns]
)
async def test_a_secret_cannot_be_seen_asked_for_filtered_by_or_sorted_by(office, name, column):
    rows = await office.root.get(table(name))
    assert rows.status_code == 200
    assert len(rows.json()["rows"]) == 1
    assert column not in rows.json()["rows"][0]
    for path in (
        table(name, row=1),
        f"/admin/api/tables/{name}/schema/",
        f"/admin/api/tables/{name}/new/",
        table(name, __page_size=1000),
    ):
        assert column not in (await office.root.get(path)).text
    plain = rows.json()
    for query in (
        {"__visible_fields": column},
        {"__visible_fields": f"id,{column}"},
        {"__order": column},
        {column: "x"},
        {f"{column}__operator": "is_null"},
        {column: "a", f"{column}__match": "starts"},
        {"__visible_fields": f"chatbot.{column}"},
    ):
        answer = await office.root.get(table(name, **query))
        assert 400 <= answer.status_code < 500 or answer.json() == plain, (query, answer.text)
    count = await office.root.get(f"/admin/api/tables/{name}/count/?{column}=x")
    assert 400 <= count.status_code < 500


async def test_a_secret_cannot_be_written_either(office):
    before = await DB.fetchval("SELECT access_token FROM chatbot")
    answer = await office.root.http.patch(table("chatbot", office.bot.id), json={"access_token": "meu"})
    assert answer.status_code == 405
    assert await DB.fetchval("SELECT access_token FROM chatbot") == before


def test_no_secret_column_of_any_table_is_in_the_copy_that_is_shown():
    for shown in all_tables([]).values():
        assert [column for column in shown.table._meta.columns if column._meta.secret] == []
    assert any(column._meta.secret for policy in CORE for column in policy.table._meta.columns)


# -- changes -------------------------------------------------------------------------------------------------


async def test_an_edit_writes_only_what_changed_and_leaves_a_trail(office):
    cliente = await add_cliente(office)
    form = (await office.root.get(table("cliente", cliente))).json()
    await DB.execute("UPDATE cliente SET observacoes = 'alergia' WHERE id = $1", cliente)
    form["observacoes"] = ""  # as the form had it before somebody wrote it
    answer = await office.root.http.patch(table("cliente", cliente), json={"nome": "Ana Maria", "email": ""})
    assert answer.status_code == 200
    row = await DB.fetchrow("SELECT * FROM cliente WHERE id = $1", cliente)
    assert (row["nome"], row["observacoes"]) == ("Ana Maria", "alergia")
    [entry] = await audit.entries(limit=1)
    assert (entry.acao, entry.objeto, entry.objeto_id) == ("mudar", "cliente", str(cliente))
    assert (entry.quem, entry.chatbot, entry.campos) == (ROOT, office.bot.id, {"nome": None})


async def test_a_form_sent_as_it_was_shown_changes_nothing(office):
    for name, row in (("cliente", await add_cliente(office)), ("chatbot", office.bot.id)):
        form = (await office.root.get(table(name, row))).json()
        before = await audit.entries()
        answer = await office.root.http.patch(table(name, row), json=form)
        assert answer.status_code == 204, answer.text
        assert await audit.entries() == before


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_a_column_with_rules_of_its_own_is_not_changed_here(office, method):
    cliente = await add_cliente(office)
    answer = await office.root.http.request(
        method, table("cliente", cliente), json={"nome": "Mau", "chatbot": 99, "phone_key": "1"}
    )
    assert answer.status_code == 405
    assert "chatbot, phone_key" in answer.json()["detail"]
    assert await DB.fetchval("SELECT nome FROM cliente WHERE id = $1", cliente) == "Ana"


@pytest.mark.parametrize("name", ["conversa", "pessoa", "api_token", "auditoria", "plugin_binding", "pedido"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_what_keeps_the_books_is_only_looked_at(office, name, method):
    row = "" if method == "POST" else 1
    answer = await office.root.http.request(method, table(name, row), json={"id": 1})
    assert (answer.status_code, answer.json()["detail"]) == (405, "Esta tabela aqui é só para ver.")


async def test_a_role_is_given_and_taken_with_a_trail(office):
    person = await add_person("bia@loja.com.br")
    new = {"pessoa": person.id, "chatbot": office.bot.id, "papel": "leitor"}
    made = await office.root.http.post(table("papel"), json=new)
    assert made.status_code == 201
    number = made.json()[0]["id"]
    assert (await office.root.http.delete(table("papel", number))).status_code == 204
    gone, given = await audit.entries(limit=2)
    assert (given.acao, given.objeto, given.chatbot) == ("criar", "papel", office.bot.id)
    assert given.campos.keys() == {"id", "pessoa", "chatbot", "papel"}
    assert (gone.acao, gone.objeto_id) == ("apagar", str(number))


async def test_what_the_database_refuses_leaves_no_trail(office):
    before = await audit.entries()
    wrong = {"pessoa": 999, "chatbot": office.bot.id, "papel": "leitor"}
    assert (await office.root.http.post(table("papel"), json=wrong)).status_code >= 400
    assert (
        await office.root.http.patch(table("chatbot", office.bot.id), json={"nome": ""})
    ).status_code >= 400
    assert await audit.entries() == before


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[" * 100_000, b"[1]", b'{"ativo": "talvez"}', b'{"__class__": 1}']
)
async def test_nothing_that_can_be_sent_breaks_it(office, body):
    cliente = await add_cliente(office)
    answer = await office.root.http.patch(table("cliente", cliente), content=body)
    assert 400 <= answer.status_code < 500
    assert (await office.root.http.patch(table("cliente", 10**17), json={"nome": "x"})).status_code == 404


async def test_a_plugin_hands_over_its_tables_and_what_may_be_changed_in_them(office):
    listed = (await office.root.get("/admin/api/tables/grouped/")).json()["grouped"]
    assert listed["pedidos"] == ["categoria", "item", "pedido", "produto"]
    assert {"chatbot", "inbox", "outbox", "auditoria"} <= set(listed["wabot"])
    categoria = await DB.fetchval(
        "INSERT INTO pedidos.categoria (chatbot, nome) VALUES ($1, 'Pratos') RETURNING id", office.bot.id
    )
    answer = await office.root.http.patch(table("categoria", categoria), json={"nome": "Lanches"})
    assert answer.status_code == 200
    [entry] = await audit.entries(limit=1)
    assert (entry.objeto, entry.chatbot) == ("pedidos.categoria", office.bot.id)


async def test_every_table_can_be_opened(office):
    for name in (await office.root.get("/admin/api/tables/")).json():
        for path in ("", "schema/", "count/", "ids/?limit=5", "new/"):
            answer = await office.root.get(f"/admin/api/tables/{name}/{path}")
            assert answer.status_code == 200, (name, path, answer.text)


def test_of_two_tables_with_one_name_the_cores_is_shown(caplog):
    from types import SimpleNamespace

    cliente = next(policy.table for policy in CORE if policy.table.__name__ == "Cliente")
    plugin = SimpleNamespace(id="mau", declared=SimpleNamespace(admin=[AdminTable(cliente, ("chatbot",))]))
    assert all_tables([plugin])["cliente"].group == "wabot"
    assert "table cliente of plugin mau is not in /admin/" in caplog.text


# -- the agenda ------------------------------------------------------------------------------------------------


async def test_another_time_for_an_agendamento_is_planned_anew_and_the_rest_of_the_form_stays(office):
    schedule = Schedule(office.process.runtimes, Guard(), cleaning.works)
    await schedule.declare()
    [form] = (await office.root.get(table("agendamento"))).json()["rows"]
    form |= {"cron": "30 4 * * *", "timezone": "UTC"}
    answer = await office.root.http.put(table("agendamento", form["id"]), json=form)
    assert answer.status_code == 200, answer.text
    await schedule.look()
    row = await DB.fetchrow("SELECT * FROM agendamento")
    assert (row["cron"], row["next_run"].hour, row["next_run"].minute) == ("30 4 * * *", 4, 30)
    assert (row["arguments"], row["last_run"]) == ("{}", None)
    refused = await office.root.http.patch(table("agendamento", form["id"]), json={"arguments": '{"a": 1}'})
    assert refused.status_code == 405
