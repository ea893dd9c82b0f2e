"""The page Agenda in a real browser."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.acceptance.browser import WIDTHS, Watch, chromium
from tests.integration.test_agenda_api import declared
from tests.live import platform
from tests.visitor import SENHA, add_person
from wabot.db.engine import DB
from wabot.plugins.guard import Guard
from wabot.schedule import Schedule

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("WABOT_TEST_SCREENSHOTS", "")


async def keep(page: Page, name: str) -> None:
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("width", WIDTHS)
async def test_bia_runs_the_verification_now_and_changes_when_it_runs(database_uri, tmp_path, width):
    async with platform(database_uri, tmp_path, worker=False) as office, chromium() as browser:
        await declared(office)
        await add_person("bia@loja.com.br", dono=office.bot.id)
        across, down = WIDTHS[width]
        page = await browser.new_page(viewport={"width": across, "height": down}, locale="pt-BR")
        watch = Watch(page)
        await page.goto(f"{office.url}/painel/{office.bot.id}/agendamentos/")
        await page.get_by_label("E-mail").fill("bia@loja.com.br")
        await page.get_by_label("Senha").fill(SENHA)
        await page.get_by_role("button", name="Entrar").click()

        card = page.get_by_role("article", name="Verificação de pedidos")
        await expect(card).to_contain_text("A cada 6 horas")
        await keep(page, f"agenda-{width}")
        await card.get_by_role("button", name="Rodar agora").click()
        await expect(page.get_by_role("status")).to_contain_text("Vai rodar em alguns segundos")
        await Schedule(office.process.runtimes, Guard()).look()
        await page.reload()
        await expect(card).to_contain_text("Tudo em dia.")

        await card.get_by_role("link", name="Mudar").click()
        await page.get_by_label("Quando").fill("às dez")
        await page.get_by_role("button", name="Salvar").click()
        await expect(page.get_by_role("alert")).to_contain_text("Nada foi salvo")
        await keep(page, f"agenda-mudar-{width}")
        await page.get_by_label("Quando").fill("0 10 * * *")
        await page.get_by_role("button", name="Salvar").click()
        await expect(card).to_contain_text("Todo dia às 10:00")
        await card.get_by_role("switch").click()
        await expect(card).to_contain_text("Não roda: está desligado")
        wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert await page.evaluate(wide)
        assert not await DB.fetchval("SELECT enabled FROM agendamento WHERE plugin = 'pedidos'")
        assert (watch.strangers, [e for e in watch.errors if "400" not in e]) == ([], [])
