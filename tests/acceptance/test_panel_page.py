"""The panel in a real browser: on a phone and on a computer, with the keyboard, and with nothing from elsewhere."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.browser import WIDTHS, Watch, chromium
from tests.live import add_bot, platform
from tests.visitor import SENHA, add_person
from wabot import people

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("WABOT_TEST_SCREENSHOTS", "")


async def keep(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png")


async def fits(page: Page) -> bool:
    """Nothing sticks out at the side."""
    return await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("width", WIDTHS)
async def test_bia_signs_in_with_the_keyboard_finds_her_shop_and_leaves(database_uri, tmp_path, width):
    async with platform(database_uri, tmp_path, worker=False) as office, chromium() as browser:
        padaria = await add_bot(
            office.process.settings, "Padaria do Seu Joaquim & Filhos", phone_number_id="2"
        )
        bia = await add_person("bia.maria.de.souza@padaria-e-confeitaria.com.br", dono=padaria.id)
        await people.grant(bia.id, office.bot.id, "leitor")
        across, down = WIDTHS[width]
        page = await browser.new_page(viewport={"width": across, "height": down}, locale="pt-BR")
        watch = Watch(page)

        await page.goto(f"{office.url}/painel/")
        await page.keyboard.type(bia.email)  # the first field has the focus
        await page.keyboard.press("Tab")
        await page.keyboard.type("não é esta")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("E-mail ou senha não conferem.")
        await expect(page.get_by_label("E-mail")).to_have_value(bia.email)
        await expect(page.get_by_label("Senha")).to_be_focused()
        assert await fits(page)
        await keep(page, f"painel-entrar-{width}")
        watch.errors.clear()  # the browser itself notes that an answer was 400

        await page.keyboard.type(SENHA)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Meus chatbots")).to_be_visible()
        await keep(page, f"painel-chatbots-{width}")
        await page.get_by_label("Procurar por nome ou número").press_sequentially("padaria")
        await expect(page.get_by_role("link", name="Loja")).to_have_count(0)
        await page.get_by_role("link", name="Padaria").click()
        await expect(page.get_by_role("heading", name=padaria.nome)).to_be_visible()
        assert await fits(page)
        await keep(page, f"painel-visao-geral-{width}")

        await page.get_by_role("link", name="Plugins").click()
        await expect(page.get_by_role("link", name="Plugins")).to_have_attribute("aria-current", "page")
        await page.locator("summary").click()
        await keep(page, f"painel-conta-{width}")
        assert await fits(page)
        await page.get_by_role("button", name="Sair").click()
        await expect(page.get_by_role("heading", name="Entrar no painel")).to_be_visible()
        assert watch.errors == []
        assert watch.strangers == []


async def test_whoever_uses_the_keyboard_can_skip_to_the_content(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as office, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{office.url}/painel/nada/")
        await page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Ir para o conteúdo")
        await expect(skip).to_be_focused()
        await expect(skip).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await expect(page.locator("#conteudo")).to_be_focused()
