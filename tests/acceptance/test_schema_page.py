"""The page about the API in a real browser: it asks nobody else, and a request can be tried from it."""

import pytest
from playwright.async_api import expect

from tests.acceptance.browser import Watch, chromium
from tests.live import platform

pytestmark = pytest.mark.browser


async def test_the_page_shows_the_api_and_tries_it_without_the_internet(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False) as running, chromium() as browser:
        token = (await running.api()).headers["Authorization"].removeprefix("Bearer ")
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        watch = Watch(page)
        await page.goto(f"{running.url}/schema/")
        await expect(page.get_by_text("Importa clientes de um CSV")).to_be_visible()
        await expect(page.get_by_text("Cria um pedido", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Authorize").first.click()
        await page.locator(".auth-container input").fill(token)
        await page.get_by_label("Apply credentials").click()
        await page.get_by_role("button", name="Close").click()
        await page.get_by_text("Lista chatbots; busca em nome e número").click()
        await page.get_by_role("button", name="Try it out").click()
        await page.get_by_role("button", name="Execute").click()
        await expect(
            page.locator(".live-responses-table").get_by_text("phone_number_id").first
        ).to_be_visible()
        assert (watch.strangers, watch.errors) == ([], [])
