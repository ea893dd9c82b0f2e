"""`/api/clientes/`: changing, removing, filtering; spreadsheets in and out."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from tests.live import add_bot, platform

from wabot import audit, importing
from wabot.db.engine import DB

CLIENTES = "/api/clientes/"
IMPORT, EXPORT = f"{CLIENTES}importar/", f"{CLIENTES}exportar/"


class Office:
    """One business and its neighbour."""

    def __init__(self, running, other, api, stranger):
        self.running, self.bot, self.other = running, running.bot.id, other.id
        self.api, self.stranger = api, stranger

    async def add(self, **fields):
        body = {"chatbot": self.bot, "nome": "Ana", "telefone": "+55 31 98000-0001"} | fields
        answer = await self.api.post(CLIENTES, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def wrote(self, cliente, at):
        await DB.execute("UPDATE conversa SET last_inbound_at = $2 WHERE cliente = $1", cliente, at)

    async def bring(self, text, **params):
        raw = text if isinstance(text, bytes) else text.encode()
        headers = {"Content-Type": "text/csv"}
        return await self.api.post(
            IMPORT, content=raw, headers=headers, params={"chatbot": self.bot} | params
        )

    async def everyone(self):
        return (await self.api.get(CLIENTES, params={"ordem": "id", "limit": 200})).json()["items"]


@pytest_asyncio.fixture
async def office(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as running:
        other = await add_bot(running.process.settings, "Outra", phone_number_id="2")
        api, stranger = await running.api(bot=running.bot.id), await running.api(bot=other.id)
        yield Office(running, other, api, stranger)


def fields_of(answer):
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]


# -- changing and removing -----------------------------------------------------------------------------------


async def test_a_cliente_is_replaced_and_changed(office):
    ana = await office.add(email="ana@x.org", observacoes="Portão azul", aceita_marketing=True)
    where = f"{CLIENTES}{ana['id']}/"
    body = {"chatbot": office.bot, "nome": "Ana Souza", "telefone": ana["telefone"]}
    replaced = (await office.api.put(where, json=body)).json()
    wanted = ana | body | {"email": "", "observacoes": "", "aceita_marketing": False}
    assert replaced == wanted | {"atualizado_em": replaced["atualizado_em"]}
    assert replaced["atualizado_em"] > ana["atualizado_em"]
    changed = (await office.api.patch(where, json={"ativo": False, "aceita_marketing": True})).json()
    assert (changed["ativo"], changed["aceita_marketing"], changed["nome"]) == (False, True, "Ana Souza")
    assert (await office.api.get(where)).json() == changed


async def test_every_change_is_in_the_trail_and_consent_in_its_ledger(office):
    ana = await office.add(aceita_marketing=True)
    await office.api.patch(f"{CLIENTES}{ana['id']}/", json={"aceita_marketing": False, "nome": "Ana S."})
    await office.bring("telefone;aceita_marketing\n+55 31 98000-0001;sim\n")
    ledger = await DB.fetch("SELECT accepts, who, how FROM consent ORDER BY id")
    assert [tuple(row) for row in ledger] == [
        (True, "token teste", "cadastro pela API"),
        (False, "token teste", "mudança pela API"),
        (True, "token teste", "importação de planilha"),
    ]
    trail = [entry for entry in await audit.entries([office.bot]) if entry.objeto.startswith("cliente")]
    told = [(entry.acao, entry.quem, entry.campos) for entry in reversed(trail)]
    assert told == [
        ("criar", "teste", {}),
        ("mudar", "teste", {"aceita_marketing": None, "nome": None}),
        ("importar", "teste", {"criados": 0, "atualizados": 1}),
    ]


async def test_another_spelling_of_the_phone_keeps_whatsapps_own(office):
    ana = await office.add()
    await DB.execute("UPDATE cliente SET wa_id = '553180000001'")
    await office.api.patch(
        f"{CLIENTES}{ana['id']}/", json={"telefone": "31 98000 0001".replace("31", "+55 31", 1)}
    )
    assert await DB.fetchval("SELECT wa_id FROM cliente") == "553180000001"
    await office.api.patch(f"{CLIENTES}{ana['id']}/", json={"telefone": "+55 31 98000-0002"})
    assert await DB.fetchval("SELECT wa_id FROM cliente") == "5531980000002"


async def test_a_wrong_change_names_its_fields_and_changes_nothing(office):
    ana, bia = await office.add(), await office.add(nome="Bia", telefone="", bsuid="BR.1")
    where = f"{CLIENTES}{ana['id']}/"
    assert fields_of(await office.api.patch(where, json={"nome": 3, "ativo": "sim", "cor": 1})) == [
        "nome",
        "ativo",
        "cor",
    ]
    assert fields_of(await office.api.patch(where, json={"telefone": ""})) == ["telefone"]
    assert fields_of(await office.api.patch(where, json={"telefone": "123"})) == ["telefone"]
    assert fields_of(await office.api.patch(where, json={"bsuid": "BR.1"})) == ["bsuid"]
    assert fields_of(await office.api.put(where, json={"chatbot": office.other, "bsuid": "BR.9"})) == [
        "chatbot"
    ]
    both = {"telefone": "55 31 8000-0001"}
    assert fields_of(await office.api.patch(f"{CLIENTES}{bia['id']}/", json=both)) == ["telefone"]
    assert await office.everyone() == [ana, bia]


async def test_a_cliente_without_history_is_deleted(office):
    ana = await office.add()
    assert (await office.api.delete(f"{CLIENTES}{ana['id']}/")).status_code == 204
    assert (await office.api.get(f"{CLIENTES}{ana['id']}/")).status_code == 404
    assert await DB.fetchval("SELECT count(*) FROM conversa") == 0


async def test_a_cliente_who_wrote_or_ordered_is_not_deleted(office):
    wrote, ordered = await office.add(), await office.add(telefone="+55 31 98000-0002")
    await office.wrote(wrote["id"], datetime.now(UTC))
    insert = "INSERT INTO pedidos.pedido (chatbot, cliente, numero, status, total) VALUES ($1, $2, 1, 'confirmado', 1)"
    await DB.execute(insert, office.bot, ordered["id"])
    for cliente in (wrote, ordered):
        answer = await office.api.delete(f"{CLIENTES}{cliente['id']}/")
        assert answer.status_code == 409
        assert "Desative-o" in answer.json()["detail"]
    assert await DB.fetchval("SELECT count(*) FROM pedidos.pedido") == 1


async def test_who_was_merged_is_not_listed_and_not_changed(office):
    ana, twin = await office.add(), await office.add(telefone="+55 31 98000-0002")
    await DB.execute("UPDATE cliente SET mesclado_em = $1 WHERE id = $2", ana["id"], twin["id"])
    merged = """INSERT INTO cliente_merge (chatbot, survivor, absorbed, why, made_by, consent, before)
        VALUES ($1, $2, $3, 'teste', 'teste', 0, '{}')"""
    await DB.execute(merged, office.bot, ana["id"], twin["id"])
    assert await office.everyone() == [ana]
    assert (await office.api.get(EXPORT)).text.count("\r\n") == 2
    for cliente in (ana, twin):
        assert (await office.api.delete(f"{CLIENTES}{cliente['id']}/")).status_code == 409
    answer = await office.api.patch(f"{CLIENTES}{twin['id']}/", json={"nome": "Outra"})
    assert answer.status_code == 409
    assert f"cliente {ana['id']}" in answer.json()["detail"]
    assert (await office.bring("telefone,nome\n+55 31 98000-0002,Nova\n")).json()["criados"] == 1


async def test_a_neighbours_cliente_does_not_exist(office):
    ana = await office.add()
    where = f"{CLIENTES}{ana['id']}/"
    for answer in (
        await office.stranger.get(where),
        await office.stranger.put(where, json={"chatbot": office.other, "telefone": "5531980000009"}),
        await office.stranger.patch(where, json={"nome": "Minha"}),
        await office.stranger.delete(where),
    ):
        assert answer.status_code == 404
    assert await office.everyone() == [ana]


# -- filters -------------------------------------------------------------------------------------------------


async def test_clientes_are_filtered(office):
    now = datetime.now(UTC)
    people = {}
    for number, nome in enumerate(["fala", "calou", "nunca", "novo"]):
        people[nome] = (await office.add(nome=nome, telefone=f"+55 31 98000-000{number}"))["id"]
    await DB.execute("UPDATE cliente SET criado_em = $1 WHERE nome <> 'novo'", now - timedelta(days=90))
    await office.wrote(people["fala"], now)
    await office.wrote(people["calou"], now - timedelta(days=40))
    await DB.execute("UPDATE cliente SET ativo = false, aceita_marketing = true WHERE nome = 'nunca'")

    async def names(**params):
        answer = await office.api.get(CLIENTES, params={"ordem": "id", **params})
        assert answer.status_code == 200, answer.text
        assert answer.json()["total"] == len(answer.json()["items"])
        return [item["nome"] for item in answer.json()["items"]]

    a_month_ago = (now - timedelta(days=30)).date().isoformat()
    assert await names(inativo_desde=a_month_ago) == ["calou", "nunca"]
    assert await names(inativo_desde=a_month_ago, ativo=True) == ["calou"]
    assert await names(aceita_marketing=True) == ["nunca"]
    assert await names(ativo=False) == ["nunca"]
    assert fields_of(await office.api.get(CLIENTES, params={"inativo_desde": "ontem"})) == ["inativo_desde"]
    assert fields_of(await office.api.get(CLIENTES, params={"inativos": "1"})) == ["inativos"]


async def test_pages_of_equal_names_miss_nobody(office):
    for number in range(7):
        await office.add(telefone=f"+55 31 98000-000{number}")
    seen = []
    for offset in range(0, 7, 2):
        page = (await office.api.get(CLIENTES, params={"ordem": "nome", "limit": 2, "offset": offset})).json()
        seen += [item["id"] for item in page["items"]]
    assert len(set(seen)) == 7


# -- spreadsheets out ----------------------------------------------------------------------------------------

FORMULAS = ["=1+1", "+1", "-1", "@x", "\tx", "'x", "''x", "'=1", 'a"b', "a\nb", "a;b,c"]


async def test_what_is_exported_comes_back_as_it_was(office):
    for number, odd in enumerate(FORMULAS):
        insert = "INSERT INTO cliente (chatbot, nome, telefone, phone_key, bsuid) VALUES ($1, $2, '', $3, $3)"
        await DB.execute(insert, office.bot, odd, f"55319800000{number:02}")
    exported = await office.api.get(EXPORT)
    assert exported.headers["content-type"] == "text/csv; charset=utf-8"
    cells = [cell for row in csv.reader(io.StringIO(exported.text)) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    headers = {"Content-Type": "text/csv"}
    params = {"chatbot": office.other}
    taken = await office.stranger.post(IMPORT, content=exported.content, headers=headers, params=params)
    assert taken.json()["criados"] == len(FORMULAS), taken.text
    copied = (await office.stranger.get(CLIENTES, params={"ordem": "id"})).json()["items"]
    assert [item["nome"] for item in copied] == [odd.strip() for odd in FORMULAS]


async def test_an_export_is_filtered_and_a_neighbours_people_are_not_in_it(office):
    await office.add(nome="Ana", aceita_marketing=True)
    await office.add(nome="Bia", telefone="+55 31 98000-0002")
    assert "Bia" not in (await office.api.get(EXPORT, params={"aceita_marketing": True})).text
    theirs = (await office.stranger.get(EXPORT, params={"chatbot": office.bot})).text
    assert theirs.count("\r\n") == 1


# -- spreadsheets in -----------------------------------------------------------------------------------------

SHEET = """Nome;Telefone;Ativo;aceita_marketing
Ana;+55 31 98000-0001;sim;não
Bia;5531980000002;;sim
"""


async def test_a_sheet_adds_and_updates_people(office):
    ana = await office.add(nome="Aninha", observacoes="Portão azul")
    answer = await office.bring("\ufeff" + SHEET)
    assert answer.json() == {"criados": 1, "atualizados": 1, "recusados": 0, "erros": []}
    now_ana, bia = await office.everyone()
    assert now_ana == ana | {"nome": "Ana", "atualizado_em": now_ana["atualizado_em"]}
    assert (bia["nome"], bia["telefone"], bia["aceita_marketing"]) == ("Bia", "5531980000002", True)
    again = (await office.bring(SHEET)).json()
    assert (again["criados"], again["atualizados"]) == (0, 2)


WRONG = """nome,telefone,bsuid,ativo
Ana,+55 31 98000-0001,,sim
Bia,123,,sim
Caio,12,,talvez
Davi,,,sim
Ana de novo,55 31 8000-0001,,sim
"""
FAULTS = [(3, "telefone"), (4, "telefone"), (4, "ativo"), (5, "telefone"), (6, "telefone")]


async def test_one_wrong_line_keeps_all_from_being_written(office):
    answer = await office.bring(WRONG)
    assert answer.status_code == 400
    assert answer.json()["detail"] == "Nada foi importado: 4 linhas têm erros."
    assert [(error["line"], error["field"]) for error in answer.json()["errors"]] == FAULTS
    assert await office.everyone() == []


async def test_only_the_right_lines_are_written_when_asked(office):
    report = (await office.bring(WRONG, modo="validas")).json()
    assert (report["criados"], report["recusados"]) == (1, 4)
    assert [(error["line"], error["field"]) for error in report["erros"]] == FAULTS
    assert [item["nome"] for item in await office.everyone()] == ["Ana"]


async def test_a_rehearsal_writes_nothing(office):
    report = (await office.bring(SHEET, modo="simular")).json()
    assert report["criados"] == 2
    assert await office.everyone() == []


async def test_a_line_that_names_two_people_is_refused(office):
    await office.add()
    await office.add(telefone="", bsuid="BR.1")
    sheet = "telefone,bsuid\n+55 31 98000-0001,BR.1\n"
    assert fields_of(await office.bring(sheet)) == ["bsuid"]
    apart = "telefone,bsuid\n+55 31 98000-0001,\n,BR.1\n"
    assert (await office.bring(apart)).json()["atualizados"] == 2


async def test_two_lines_that_name_one_person_are_refused(office):
    await office.add(bsuid="BR.1")
    assert fields_of(await office.bring("telefone,bsuid\n+55 31 98000-0001,\n,BR.1\n")) == ["bsuid"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "Falta a coluna telefone"),
        (b"nome\nAna\n", "Falta a coluna telefone"),
        (b"telefone,cpf\n1,2\n", "'cpf'"),
        (b"telefone,telefone\n1,2\n", "mesmo nome"),
        ("telefone,nome\n5531980000001,João\n".encode("cp1252"), "UTF-8"),
        (b"telefone\n\x00\n", ""),
        (b'telefone\n"5531980000001\n', "CSV"),
        (b"telefone\n" + b"x" * 200_000 + b"\n", "CSV"),
    ],
)
async def test_a_file_that_is_no_sheet_is_refused_in_words(office, raw, said):
    answer = await office.bring(raw)
    assert fields_of(answer), answer.text
    assert said in answer.text
    assert await office.everyone() == []


async def test_a_file_that_is_too_long_is_refused(office, monkeypatch):
    monkeypatch.setattr(importing, "MOST_LINES", 1)
    assert fields_of(await office.bring(SHEET)) == ["corpo"]
    huge = await office.bring(b"telefone\n" + b"\n" * (21 * 1024 * 1024))
    assert huge.status_code == 413
    assert (await office.api.post(IMPORT, json={}, params={"chatbot": office.bot})).status_code == 415
    assert await office.everyone() == []


async def test_nobody_imports_into_a_neighbours_list(office):
    answer = await office.bring(SHEET, chatbot=office.other)
    assert fields_of(answer) == ["chatbot"]
    assert await DB.fetchval("SELECT count(*) FROM cliente") == 0
