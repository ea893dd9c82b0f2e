"""The reports in a real browser: drawn, in numbers, without scripts, on a phone and on a computer."""

import pytest
from playwright.async_api import expect

from tests.acceptance.browser import WIDTHS, Watch, chromium
from tests.acceptance.test_panel_plugins_page import keep, opened, sign_in
from tests.contagem import plant_numbers
from tests.live import platform
from tests.visitor import add_person

pytestmark = pytest.mark.browser

INK = """canvas => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.some(value => value > 0);
}"""


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_report_is_drawn_above_its_numbers(database_uri, tmp_path, width):
    async with (
        platform(database_uri, tmp_path, worker=False, plugin="metricas") as office,
        chromium() as browser,
    ):
        await plant_numbers(office.bot.id)
        bia = await add_person("bia@loja.com.br", dono=office.bot.id)
        page, watch = await opened(browser, office.url, width)
        await sign_in(page, office.url, bia.email)
        await page.get_by_role("link", name="Métricas").click()

        await expect(page.locator("canvas")).to_have_count(9)
        for canvas in await page.locator("canvas").all():
            await canvas.scroll_into_view_if_needed()
            assert await canvas.evaluate(INK)
        await keep(page, f"metricas-{width}")

        await page.get_by_role("link", name="7 dias").click()
        funnel = page.locator("section", has_text="Funil: Pedidos")
        await expect(funnel.get_by_role("table")).to_be_hidden()
        await funnel.get_by_text("Números", exact=True).click()
        await expect(funnel.get_by_role("row", name="Confirmar pedido")).to_be_visible()
        await keep(page, f"metricas-numeros-{width}")

        async with page.expect_download() as download:
            await page.get_by_role("link", name="Baixar Clientes em CSV").click()
        assert (await download.value).suggested_filename.startswith("clientes-")
        assert (watch.errors, watch.strangers) == ([], [])


async def test_without_scripts_the_numbers_are_there(database_uri, tmp_path):
    async with (
        platform(database_uri, tmp_path, worker=False, plugin="metricas") as office,
        chromium() as browser,
    ):
        await plant_numbers(office.bot.id)
        bia = await add_person("bia@loja.com.br", dono=office.bot.id)
        context = await browser.new_context(java_script_enabled=False, locale="pt-BR")
        page = await context.new_page()
        watch = Watch(page)
        await sign_in(page, office.url, bia.email, f"/painel/{office.bot.id}/metricas/")
        await expect(page.get_by_role("table")).to_have_count(9)
        await page.get_by_label("De", exact=True).fill("2020-01-01")
        await page.get_by_role("button", name="Mostrar").click()
        await expect(page.get_by_role("alert")).to_contain_text("até 366 dias")
        assert (watch.errors, watch.strangers) == ([], [])
