"""Campanhas through the API and in the panel: from draft to results, and every mistake told at its field."""

import contextlib

import pytest
import pytest_asyncio
from tests.live import platform
from tests.visitor import Visitor, add_person

from wabot.db.engine import DB

CAMPANHAS = "/api/reativacao/campanhas/"
TEMPLATE = """
INSERT INTO template (chatbot, name, language, category, status, components)
VALUES ($1, $2, 'pt_BR', $3, $4, '[{"type": "BODY", "text": "Oi, {{1}}! Volte."}]')
"""
SILENT = """
INSERT INTO cliente (chatbot, nome, wa_id, aceita_marketing, criado_em)
VALUES ($1, 'Ana <b>Souza</b>', '5511977770001', true, now() - interval '90 days')
"""


class Shop:
    def __init__(self, running, api):
        self.running, self.api, self.bot = running, api, running.bot.id

    async def made(self, **changes):
        answer = await self.api.post(CAMPANHAS, json=self.body(**changes))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def body(self, **changes):
        return {
            "chatbot": self.bot,
            "nome": "Saudade",
            "modelo": "saudade",
            "parametros": ["{nome}"],
            **changes,
        }

    async def does(self, campanha, action, status=200):
        answer = await self.api.post(f"{CAMPANHAS}{campanha['id']}/{action}/")
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest_asyncio.fixture
async def shop(database_uri, tmp_path):
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(
            platform(database_uri, tmp_path, worker=False, plugin="reativacao")
        )
        for name, category, status in [
            ("saudade", "MARKETING", "APPROVED"),
            ("aviso", "UTILITY", "APPROVED"),
            ("novo", "MARKETING", "PENDING"),
        ]:
            await DB.execute(TEMPLATE, running.bot.id, name, category, status)
        yield Shop(running, await running.api())


async def test_a_campanha_goes_from_draft_to_its_end(shop):
    campanha = await shop.made()
    assert (campanha["estado"], campanha["controle"], campanha["silencio_das"]) == ("rascunho", 10, "20:00")
    for action, estado in [
        ("iniciar", "ativa"),
        ("pausar", "pausada"),
        ("retomar", "ativa"),
        ("parar", "encerrada"),
    ]:
        assert (await shop.does(campanha, action))["estado"] == estado
    assert (await shop.api.get(CAMPANHAS, params={"estado": "encerrada"})).json()["total"] == 1
    assert (await shop.api.get(CAMPANHAS, params={"busca": "saud"})).json()["total"] == 1
    assert (await shop.api.get(CAMPANHAS, params={"estado": "ativa"})).json()["total"] == 0


@pytest.mark.parametrize(
    ("done", "action"),
    [
        ([], "pausar"),
        ([], "retomar"),
        ([], "parar"),
        (["iniciar"], "iniciar"),
        (["iniciar", "parar"], "retomar"),
    ],
)
async def test_what_does_not_fit_its_state_is_refused_in_words(shop, done, action):
    campanha = await shop.made()
    for before in done:
        await shop.does(campanha, before)
    told = await shop.does(campanha, action, status=409)
    assert "não pode ser" in told["detail"]


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"modelo": "nenhum"}, "modelo", "wabot templates sync"),
        ({"modelo": "novo"}, "modelo", "PENDING"),
        ({"modelo": "aviso"}, "modelo", "UTILITY"),
        ({"idioma": "en_US"}, "modelo", "en_US"),
        ({"parametros": []}, "parametros", "1 parâmetros"),
        ({"parametros": ["{saldo}"]}, "parametros", "{saldo} não existe"),
        ({"parametros": ["{pedidos}"]}, "parametros", "minimo_pedidos"),
        ({"nome": " \x00 "}, "nome", "Informe um nome"),
        ({"controle": 51}, "controle", "50"),
        ({"silencio_das": "24:00"}, "silencio_das", ""),
        ({"chatbot": 999}, "chatbot", "não existe"),
        ({"surpresa": 1}, "surpresa", ""),
    ],
)
async def test_a_mistake_is_told_at_its_field(shop, changes, field, why):
    answer = await shop.api.post(CAMPANHAS, json=shop.body(**changes))
    assert answer.status_code == 400, answer.text
    told = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert list(told) == [field]
    assert why in told[field]


async def test_of_one_that_has_begun_only_some_fields_change(shop):
    campanha = await shop.made()
    address = f"{CAMPANHAS}{campanha['id']}/"
    assert (await shop.api.patch(address, json={"inativo_dias": 60})).json()["inativo_dias"] == 60
    await shop.does(campanha, "iniciar")
    assert (await shop.api.patch(address, json={"limite_diario": 7})).json()["limite_diario"] == 7
    refused = await shop.api.put(address, json=shop.body(controle=20, inativo_dias=60, limite_diario=7))
    assert [error["field"] for error in refused.json()["errors"]] == ["controle"]
    assert (await shop.api.put(address, json=shop.body(inativo_dias=60, limite_diario=8))).status_code == 200


async def test_quiet_hours_that_change_hold_for_what_waits(shop):
    campanha = await shop.made()
    await shop.does(campanha, "iniciar")
    await shop.api.patch(f"{CAMPANHAS}{campanha['id']}/", json={"silencio_das": "18:30"})
    assert str(await DB.fetchval("SELECT quiet_from FROM mailing")) == "18:30:00"


async def test_only_a_draft_is_deleted(shop):
    draft, begun = await shop.made(), await shop.made()
    await shop.does(begun, "iniciar")
    assert (await shop.api.delete(f"{CAMPANHAS}{draft['id']}/")).status_code == 204
    assert (await shop.api.delete(f"{CAMPANHAS}{begun['id']}/")).status_code == 409


async def test_a_template_that_was_paused_meanwhile_keeps_a_campanha_from_beginning(shop):
    campanha = await shop.made()
    await DB.execute("UPDATE template SET status = 'PAUSED'")
    assert "pausou o modelo" in (await shop.does(campanha, "iniciar", status=409))["detail"]


async def test_the_preview_tells_whom_how_and_for_how_much(shop):
    await DB.execute(SILENT, shop.bot)
    campanha = await shop.made()
    seen = (await shop.api.get(f"{CAMPANHAS}{campanha['id']}/previa/")).json()
    assert (seen["publico"], seen["custo"], seen["preco_unitario"]) == (1, 33, 3217)
    assert seen["amostra"][0]["texto"] == "Oi, Ana <b>Souza</b>! Volte."
    assert seen["preco_desde"] == "2026-10-01"
    assert seen["impedimento"] == ""


async def test_the_results_of_one_that_has_not_begun_are_all_zero(shop):
    campanha = await shop.made()
    told = (await shop.api.get(f"{CAMPANHAS}{campanha['id']}/resultados/")).json()
    assert (told["avisados"]["pessoas"], told["custo"], told["receita_a_mais"]) == (0, 0, None)


async def test_the_panel_shows_how_campanhas_stand(shop):
    await DB.execute(SILENT, shop.bot)
    campanha = await shop.made(nome="Volta & meia")
    await shop.does(campanha, "iniciar")
    await shop.does(campanha, "pausar")
    await add_person("leo@loja.com.br", leitor=shop.bot)
    leo = Visitor(shop.running.url)
    await leo.signs_in("leo@loja.com.br")
    page = f"/painel/{shop.bot}/reativacao/"
    shown = (await leo.get(page)).text
    assert "Volta &amp; meia" in shown
    assert "Pausada por quem cuida do chatbot." in shown
    preview = (await leo.get(f"{page}?previa={campanha['id']}")).text
    assert "Oi, Ana &lt;b&gt;Souza&lt;/b&gt;! Volte." in preview
    assert "R$ 0,33" in preview
    assert "Campanhas" in (await leo.get(f"{page}?previa=x")).text
    await leo.close()
