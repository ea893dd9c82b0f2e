"""`/api/chatbots/` and what lies under it: chatbots, their plugins and etapas, and what Meta says of them."""

import pytest
import pytest_asyncio
from tests.live import PHONE, WABA, add_bot, platform, until

from wabot import audit
from wabot.db.engine import DB
from wabot.testing.simulator.updates import Bot

BOTS = "/api/chatbots/"
NEW = {
    "nome": "Padaria",
    "numero": "+55 11 97777-0001",
    "phone_number_id": "20001",
    "business_account_id": "30001",
}


@pytest_asyncio.fixture
async def office(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as running:
        running.all = await running.api()
        running.mine = await running.api(bot=running.bot.id)
        running.here = f"{BOTS}{running.bot.id}/"
        running.other = await add_bot(running.process.settings, "Outra", phone_number_id="2")
        yield running


def fields_of(answer, status=400):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return {error["field"] for error in answer.json()["errors"]}


# -- chatbots ------------------------------------------------------------------------------------------------


async def test_a_chatbot_is_added_read_replaced_and_changed(office):
    made = await office.all.post(BOTS, json=NEW)
    assert made.status_code == 201
    bot = made.json()
    assert bot["numero"] == "5511977770001"
    assert bot["timezone"] == "America/Sao_Paulo"
    assert bot["credenciais"] == []
    where = made.headers["location"]
    assert (await office.all.get(where)).json() == bot
    replaced = await office.all.put(where, json=NEW | {"nome": "Padoca", "timezone": "America/Manaus"})
    assert (replaced.json()["nome"], replaced.json()["timezone"]) == ("Padoca", "America/Manaus")
    changed = await office.all.patch(where, json={"ativo": False})
    assert changed.json() == replaced.json() | {
        "ativo": False,
        "atualizado_em": changed.json()["atualizado_em"],
    }
    names = [
        item["nome"] for item in (await office.all.get(BOTS, params={"busca": "padoca"})).json()["items"]
    ]
    assert names == ["Padoca"]


async def test_credentials_go_in_encrypted_and_never_come_out(office):
    secrets = {"access_token": "segredo-um", "app_secret": "segredo-dois", "verify_token": "segredo-tres"}
    made = await office.all.post(BOTS, json=NEW | secrets)
    where = made.headers["location"]
    answers = [
        made,
        await office.all.get(where),
        await office.all.get(BOTS),
        await office.all.put(where, json=NEW),
    ]
    assert not any("segredo" in answer.text for answer in answers)
    assert made.json()["credenciais"] == list(secrets)
    assert answers[-1].json()["credenciais"] == list(secrets), "a PUT without credentials keeps them"
    row = await DB.fetchrow("SELECT * FROM chatbot WHERE id = $1", made.json()["id"])
    assert "segredo" not in str(dict(row))
    assert office.process.vault.decrypt(row["app_secret"]) == "segredo-dois"
    emptied = await office.all.patch(where, json={"app_secret": ""})
    assert emptied.json()["credenciais"] == ["access_token", "verify_token"]


async def test_a_new_chatbot_is_known_to_the_running_process(office):
    made = await office.all.post(BOTS, json=NEW | {"verify_token": "verifique-me"})
    params = {"hub.mode": "subscribe", "hub.verify_token": "verifique-me", "hub.challenge": "42"}

    async def verified():
        return (await office.http.get("/api/chatbots/webhook/", params=params)).text == "42"

    await until(verified)
    await office.all.patch(made.headers["location"], json={"ativo": False})
    await until(lambda: _not(verified()))


async def _not(condition):
    return not await condition


async def test_every_change_is_in_the_trail_without_values(office):
    await office.mine.patch(office.here, json={"nome": "Nova", "app_secret": "segredo"})
    await office.mine.patch(f"{office.here}plugins/pedidos/", json={"config": {"saudacao": "Oi"}})
    await office.mine.patch(f"{office.here}plugins/pedidos/", json={"enabled": False})
    told = [(e.quem, e.acao, e.objeto, e.campos) for e in await audit.entries([office.bot.id], limit=3)]
    assert told[::-1] == [
        ("teste", "mudar", "chatbot", {"nome": None, "app_secret": None}),
        ("teste", "mudar", "plugin", {"saudacao": None}),
        ("teste", "desligar", "plugin", {}),
    ]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"nome": " "}, {"nome"}),
        ({"numero": "123", "timezone": "Marte"}, {"numero", "timezone"}),
        (
            {"phone_number_id": "abc", "business_account_id": "", "nome": 3},
            {"phone_number_id", "business_account_id", "nome"},
        ),
        ({"access_token": "com espaço"}, {"access_token"}),
        ({"id": 7, "credenciais": []}, {"id", "credenciais"}),
        ({"ativo": "true"}, {"ativo"}),
    ],
)
async def test_every_wrong_field_of_a_chatbot_is_named(office, changes, wrong):
    assert fields_of(await office.all.post(BOTS, json=NEW | changes)) == wrong
    assert fields_of(await office.all.patch(office.here, json=changes)) == wrong


async def test_a_number_registered_twice_is_a_conflict(office):
    answer = await office.all.post(BOTS, json=NEW | {"phone_number_id": PHONE})
    assert answer.status_code == 409
    assert PHONE in answer.json()["detail"]
    assert (await office.all.patch(office.here, json={"phone_number_id": "2"})).status_code == 409


async def test_a_business_names_its_chatbot_but_does_not_take_anothers_number(office):
    assert (await office.mine.post(BOTS, json=NEW)).status_code == 403
    assert (await office.mine.patch(office.here, json={"nome": "Nova"})).json()["nome"] == "Nova"
    moved = await office.mine.patch(office.here, json={"phone_number_id": "9", "business_account_id": "9"})
    assert fields_of(moved) == {"phone_number_id", "business_account_id"}
    assert (await office.mine.get(BOTS)).json()["total"] == 1
    for request in (office.mine.get, office.mine.delete):
        assert (await request(f"{BOTS}{office.other.id}/")).status_code in (404, 405)


async def test_chatbots_are_switched_off_not_deleted(office):
    answer = await office.all.delete(office.here)
    assert answer.status_code == 405
    assert "PATCH" in answer.headers["allow"]


# -- plugins -------------------------------------------------------------------------------------------------


async def test_a_plugin_is_configured_switched_off_and_on(office):
    where = f"{office.here}plugins/pedidos/"
    before = (await office.mine.get(where)).json()
    assert (before["enabled"], before["status"]) == (True, "ok")
    assert before["config"].items() >= {"saudacao": "", "despedida": "", "maximo_por_item": 99}.items()
    assert before["schema"]["$defs"] or before["schema"]["properties"]
    changed = await office.mine.patch(where, json={"config": {"maximo_por_item": 5}, "priority": 3})
    assert changed.json() == before | {"config": before["config"] | {"maximo_por_item": 5}, "priority": 3}
    off = await office.mine.patch(where, json={"enabled": False})
    assert off.json() == changed.json() | {"enabled": False}
    again = await office.mine.put(where, json={"enabled": True, "config": {"saudacao": "Oi!"}})
    assert again.json() == before | {"config": before["config"] | {"saudacao": "Oi!"}}
    listed = (await office.mine.get(f"{office.here}plugins/")).json()["items"]
    assert again.json() in listed


async def test_a_wrong_configuration_is_named_at_its_fields_and_nothing_changes(office):
    where = f"{office.here}plugins/pedidos/"
    before = (await office.mine.get(where)).json()
    wrong = {"config": {"maximo_por_item": 0, "saudacao": "x" * 301, "cor": "azul"}}
    assert fields_of(await office.mine.patch(where, json=wrong)) == {
        "config.maximo_por_item",
        "config.saudacao",
        "config.cor",
    }
    assert fields_of(await office.mine.put(where, json={"enabled": "sim", "cor": 1})) == {"enabled", "cor"}
    assert (await office.mine.get(where)).json() == before


async def test_a_change_of_a_plugin_reaches_the_running_process(office):
    await office.mine.patch(f"{office.here}plugins/pedidos/", json={"enabled": False})

    async def off():
        return not office.process.runtimes.get(office.bot.id).flows

    await until(off)
    assert (await office.mine.get(f"{office.here}etapas/")).json()["items"] == []


async def test_a_plugin_that_is_not_installed_is_not_found(office):
    for request in (office.mine.get, office.mine.patch):
        kwargs = {} if request == office.mine.get else {"json": {}}
        assert (await request(f"{office.here}plugins/nenhum/", **kwargs)).status_code == 404
    assert (await office.mine.get(f"{BOTS}{office.other.id}/plugins/pedidos/")).status_code == 404


async def test_two_plugins_that_want_the_same_word_are_a_conflict_explained(database_uri, tmp_path, kit):
    kit.install("rival", RIVAL)
    async with platform(database_uri, tmp_path, worker=False) as running:
        api = await running.api(bot=running.bot.id)
        answer = await api.patch(f"{BOTS}{running.bot.id}/plugins/rival/", json={"enabled": True})
        assert answer.status_code == 409
        assert "“pedido” já começa um fluxo do plugin pedidos" in answer.json()["detail"]
        assert not (await api.get(f"{BOTS}{running.bot.id}/plugins/rival/")).json()["enabled"]


async def test_a_secret_of_a_plugin_goes_in_and_never_comes_out(database_uri, tmp_path, kit):
    kit.install("cofre", VAULTED)
    async with platform(database_uri, tmp_path, worker=False) as running:
        api = await running.api(bot=running.bot.id)
        where = f"{BOTS}{running.bot.id}/plugins/cofre/"
        set_ = await api.patch(where, json={"enabled": True, "config": {"chave": "abre-te", "cor": "azul"}})
        assert set_.status_code == 200, set_.text
        assert "abre-te" not in set_.text
        assert (set_.json()["secrets"], set_.json()["config"]) == (["chave"], {"cor": "azul"})
        kept = await api.put(where, json={"enabled": True})
        assert (kept.json()["secrets"], kept.json()["config"]) == (["chave"], {"cor": ""})
        assert "abre-te" not in str(
            dict(await DB.fetchrow("SELECT * FROM plugin_binding WHERE plugin = 'cofre'"))
        )


async def test_a_broken_plugin_can_be_looked_at_and_switched_off_but_not_on(database_uri, tmp_path, kit):
    kit.install("torto", "raise RuntimeError('torto')")
    async with platform(database_uri, tmp_path, worker=False) as running:
        api = await running.api(bot=running.bot.id)
        where = f"{BOTS}{running.bot.id}/plugins/torto/"
        assert (await api.get(where)).json()["status"] == "broken"
        refused = await api.patch(where, json={"enabled": True})
        assert refused.status_code == 409
        assert "torto" in refused.json()["detail"]
        assert (await api.patch(where, json={"enabled": False})).status_code == 200


RIVAL = """
from wabot import End, Flow, hookimpl
import msgspec

class Nada(msgspec.Struct):
    pass

rival = Flow("rival", data=Nada, keywords=["pedido"])

@rival.etapa
async def inicio(ctx):
    return End("oi")

@hookimpl
def wabot_flows():
    return [rival]
"""

VAULTED = """
from wabot import Secret, hookimpl
import msgspec

class Config(msgspec.Struct, frozen=True):
    chave: Secret = ""
    cor: str = ""

@hookimpl
def wabot_config():
    return Config
"""

# -- etapas --------------------------------------------------------------------------------------------------


async def test_the_etapas_are_told_with_who_serves_them(office):
    page = (await office.mine.get(f"{office.here}etapas/")).json()
    assert page["items"][0] == {
        "codigo": "inicio",
        "handler": "wabot_pedidos.flow:inicio",
        "ordem": 1,
        "plugin": "pedidos",
        "fluxo": "pedidos",
    }
    assert [etapa["codigo"] for etapa in page["items"]][-1] == "confirmar_pedido"
    assert page["total"] == 6
    found = (await office.mine.get(f"{office.here}etapas/", params={"busca": "QUANTIDADE"})).json()
    assert [etapa["codigo"] for etapa in found["items"]] == ["informar_quantidade"]
    assert (await office.mine.get(f"{BOTS}{office.other.id}/etapas/")).status_code == 404


# -- what Meta says ------------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def meta(office):
    office.simulator.bots[PHONE] = Bot(PHONE, waba=WABA, number="5511900000000")
    return office.simulator


async def verified(office):
    answer = await office.mine.post(f"{office.here}verificar/")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["ok"] == all(item["ok"] for item in told["itens"])
    return {item["codigo"]: item for item in told["itens"]}


async def test_a_chatbot_that_is_set_up_right_is_told_so(office, meta):
    items = await verified(office)
    assert [item for item in items.values() if not item["ok"]] == []
    assert set(items) == {
        "token", "app_secret", "verify_token", "numero", "saude", "qualidade", "webhook", "conta", "assinatura",
    }  # fmt: skip


BLOCKED = {
    "health_status": {
        "can_send_message": "BLOCKED",
        "entities": [
            {
                "entity_type": "WABA",
                "can_send_message": "BLOCKED",
                "errors": [{"error_description": "No payment method", "possible_solution": "Add one"}],
            }
        ],
    }
}


@pytest.mark.parametrize(
    ("of", "says", "item", "words"),
    [
        ("debug_token", {"is_valid": False}, "token", "não aceita"),
        ("debug_token", {"scopes": ["whatsapp_business_messaging"]}, "token", "whatsapp_business_management"),
        ("debug_token", {"expires_at": 1_000_000_000}, "token", "09/09/2001"),
        (PHONE, {"status": "PENDING"}, "numero", "PENDING"),
        (PHONE, {"display_phone_number": "+55 11 98888-0000"}, "numero", "98888"),
        (PHONE, {"quality_rating": "RED"}, "qualidade", "baixa"),
        (PHONE, BLOCKED, "saude", "No payment method"),
        (PHONE, {"webhook_configuration": {}}, "webhook", "não tem endereço"),
        (PHONE, {"webhook_configuration": {"phone_number": "https://x.org/h"}}, "webhook", "https://x.org/h"),
        (f"{WABA}/subscribed_apps", {"data": []}, "assinatura", "nada chega"),
    ],
)
async def test_what_is_wrong_at_meta_is_told_with_what_to_do(office, meta, of, says, item, words):
    meta.says[of] = says
    items = await verified(office)
    assert [codigo for codigo, found in items.items() if not found["ok"]] == [item]
    assert words in items[item]["mensagem"]
    assert items[item]["conserto"]


async def test_a_meta_that_does_not_answer_is_told_too(office, meta):
    await office.all.patch(office.here, json={"business_account_id": "4711", "app_secret": ""})
    items = await verified(office)
    assert not items["conta"]["ok"]
    assert not items["app_secret"]["ok"]
    assert items["token"]["ok"]


async def test_another_businesss_chatbot_is_not_verified(office):
    assert (await office.mine.post(f"{BOTS}{office.other.id}/verificar/")).status_code == 404
