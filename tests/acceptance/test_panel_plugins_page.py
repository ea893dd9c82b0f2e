"""The plugins' page in a real browser: a business switches on what its chatbot can do, and a customer is answered."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.browser import WIDTHS, Watch, chromium
from tests.good_config import CONFIGURAVEL
from tests.live import add_bot, platform
from tests.visitor import SENHA, add_person
from wabot.db.engine import DB

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("WABOT_TEST_SCREENSHOTS", "")
MENU = """
WITH c AS (INSERT INTO pedidos.categoria (chatbot, nome) VALUES ($1, 'Pratos') RETURNING id)
INSERT INTO pedidos.produto (chatbot, categoria, nome, preco) SELECT $1, id, 'Feijoada', 2990 FROM c
"""


async def keep(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
    root = "document.documentElement"
    assert await page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), f"{name} is too wide"


async def opened(browser, url: str, width: str = "computer") -> tuple[Page, Watch]:
    across, down = WIDTHS[width]
    context = await browser.new_context(viewport={"width": across, "height": down}, locale="pt-BR")
    page = await context.new_page()
    return page, Watch(page)


async def sign_in(page: Page, url: str, email: str, next: str = "/painel/") -> None:
    await page.goto(f"{url}/painel/entrar/?next={next}")
    await page.get_by_label("E-mail").fill(email)
    await page.get_by_label("Senha").fill(SENHA)
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda address: "/entrar/" not in address)


@pytest.mark.parametrize("width", WIDTHS)
async def test_bia_switches_orders_on_gets_a_field_wrong_mends_it_and_her_customer_is_answered(
    database_uri, tmp_path, width
):
    async with platform(database_uri, tmp_path, plugin=None) as office, chromium() as browser:
        padaria = await add_bot(office.process.settings, "Padaria", phone_number_id="2")
        await DB.execute(MENU, office.bot.id)
        bia = await add_person("bia@loja.com.br", dono=office.bot.id)
        eva = await add_person("eva@padaria.com.br", dono=padaria.id)
        page, watch = await opened(browser, office.url, width)

        await sign_in(page, office.url, bia.email)
        await page.get_by_role("link", name="Plugins").click()
        await keep(page, f"plugins-desligados-{width}")
        await page.get_by_role("link", name="Configurar Pedidos pelo WhatsApp").click()
        await page.get_by_label("Saudação").fill("Bem-vinda à Loja!")
        await page.get_by_label("Máximo por item").fill("muitos")
        await page.get_by_role("button", name="Salvar e ligar").click()

        await expect(page.get_by_role("alert")).to_contain_text("Nada foi salvo.")
        wrong = page.get_by_label("Máximo por item")
        await expect(wrong).to_be_focused()
        await expect(wrong).to_have_value("muitos")
        await expect(wrong).to_have_attribute("aria-invalid", "true")
        await expect(page.get_by_label("Saudação")).to_have_value("Bem-vinda à Loja!")
        await keep(page, f"plugin-errado-{width}")
        assert all("400" in line for line in watch.errors)  # the browser's own note about the answer
        watch.errors.clear()

        await wrong.fill("5")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_have_text("Ligado.")
        await expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
        await keep(page, f"plugin-ligado-{width}")

        ana = office.simulator.customer("Ana")
        await ana.says("oi")
        await ana.sees("Bem-vinda à Loja!")
        await ana.taps("Feijoada")
        await ana.sees("Quantas unidades")
        await ana.says("2")
        await ana.sees("no carrinho")
        await ana.taps("Finalizar pedido")
        await ana.sees("Confira")
        await ana.taps("Confirmar")
        await ana.sees("confirmado")

        await page.get_by_role("link", name="Pedidos de hoje").click()
        await expect(page.get_by_text("2× Feijoada")).to_be_visible()
        await keep(page, f"pedidos-de-hoje-{width}")
        assert (watch.errors, watch.strangers) == ([], [])

        other, watch = await opened(browser, office.url, width)
        await sign_in(other, office.url, eva.email)
        await expect(other.get_by_role("link", name="Pedidos de hoje")).to_have_count(0)
        await other.get_by_role("link", name="Plugins").click()
        shown = other.get_by_role("switch", name="Pedidos pelo WhatsApp")
        await expect(shown).to_have_attribute("aria-checked", "false")
        assert (watch.errors, watch.strangers) == ([], [])
        for path in ("plugins/pedidos/", "pedidos/"):
            answer = await other.goto(f"{office.url}/painel/{office.bot.id}/{path}")
            assert answer.status == 404


@pytest.mark.parametrize("width", WIDTHS)
async def test_rows_are_added_in_place_and_every_kind_of_field_is_kept(kit, database_uri, tmp_path, width):
    kit.install("vitrine", CONFIGURAVEL)
    async with platform(database_uri, tmp_path, worker=False) as office, chromium() as browser:
        bia = await add_person("bia@loja.com.br", dono=office.bot.id)
        page, watch = await opened(browser, office.url, width)
        address = f"/painel/{office.bot.id}/plugins/vitrine/"
        await sign_in(page, office.url, bia.email, address)

        await page.get_by_label("Chave do mapa").fill("abracadabra")
        await page.get_by_label("Frete").fill("7,50")
        await page.get_by_label("Último pedido").fill("23:15")
        await page.get_by_label("Até").fill("02:00")
        await page.get_by_label("ter", exact=True).check()
        for nome in ("Centro", "Lapa"):
            await page.get_by_role("button", name="Adicionar a Bairros").click()
            row = page.locator(".lista > .linha").last
            await expect(row.get_by_label("Bairro", exact=True)).to_be_empty()
            await row.get_by_label("Bairro", exact=True).fill(nome)
            await row.get_by_label("Taxa").fill("3")
        await expect(page.locator(".lista > .linha")).to_have_count(2)
        await page.get_by_role("button", name="Tirar 1 de Bairros").click()
        await expect(page.locator(".lista > .linha")).to_have_count(1)
        await expect(page.get_by_label("Bairro", exact=True)).to_have_value("Lapa")
        await expect(page.get_by_label("Chave do mapa")).to_have_value("abracadabra")  # kept by the browser
        await keep(page, f"vitrine-{width}")
        await page.get_by_role("button", name="Salvar e ligar").click()

        await expect(page.get_by_role("status")).to_have_text("Ligado.")
        await expect(page.get_by_label("Frete")).to_have_value("R$ 7,50")
        await expect(page.get_by_label("Último pedido")).to_have_value("23:15")
        await expect(page.get_by_label("Até")).to_have_value("02:00")
        await expect(page.get_by_label("ter", exact=True)).to_be_checked()
        await expect(page.get_by_label("Taxa")).to_have_value("R$ 3,00")
        await expect(page.get_by_label("Chave do mapa")).to_have_value("")
        await expect(page.get_by_text("definido", exact=True)).to_be_visible()
        assert "abracadabra" not in await page.content()
        assert (watch.errors, watch.strangers) == ([], [])


async def test_a_switch_works_with_the_keyboard(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as office, chromium() as browser:
        bia = await add_person("bia@loja.com.br", dono=office.bot.id)
        page, watch = await opened(browser, office.url)
        await sign_in(page, office.url, bia.email, f"/painel/{office.bot.id}/plugins/")
        switch = page.get_by_role("switch", name="Pedidos pelo WhatsApp")
        await expect(switch).to_have_attribute("aria-checked", "true")
        await switch.focus()
        await page.keyboard.press("Space")
        await expect(page.get_by_role("status")).to_contain_text("Desligado.")
        await expect(switch).to_have_attribute("aria-checked", "false")
        assert (watch.errors, watch.strangers) == ([], [])


async def test_a_superuser_edits_a_row_in_the_admin_and_leaves_by_the_panels_door(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as office, chromium() as browser:
        root = await add_person("raiz@wabot.com.br", superuser=True)
        cliente = await DB.fetchval(
            "INSERT INTO cliente (chatbot, nome) VALUES ($1, 'Ana') RETURNING id", office.bot.id
        )
        page, watch = await opened(browser, office.url)
        page.on("dialog", lambda dialog: dialog.accept())
        await sign_in(page, office.url, root.email, "/admin/")

        await page.goto(f"{office.url}/admin/#/chatbot")
        await expect(page.get_by_text("Loja").first).to_be_visible()
        await keep(page, "admin-lista")
        await page.goto(f"{office.url}/admin/#/cliente/{cliente}")
        await page.locator("[name=nome]").first.fill("Ana Maria")
        await page.locator("[data-uitest=save_button]").click()
        await expect(page.get_by_text("Successfully saved row")).to_be_visible()
        await keep(page, "admin-linha")
        assert await DB.fetchval("SELECT nome FROM cliente") == "Ana Maria"
        assert (watch.errors, watch.strangers) == ([], [])

        await page.goto(f"{office.url}/admin/#/change-password")
        await page.wait_for_url(f"{office.url}/painel/senha/")
        await page.goto(f"{office.url}/admin/")
        await page.locator("[data-uitest=logout_button]").evaluate("button => button.click()")
        await page.wait_for_url(lambda address: "/painel/entrar/" in address)
        assert watch.strangers == []
