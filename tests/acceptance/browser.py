"""A real browser on the chat page: Debian's Chromium, and a watch for what must not happen in it."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.conftest import missing

CHROMIUM = shutil.which("chromium", path="/usr/bin")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDTHS = {"phone": (390, 844), "computer": (1280, 800)}


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        missing("browser", "there is no /usr/bin/chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield browser
        finally:
            await browser.close()


class Watch:
    """Notes what should not happen: errors, and requests that leave this machine."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.strangers: list[str] = []
        page.on("console", lambda line: self.errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "data" and parts.hostname != "127.0.0.1":
            self.strangers.append(url)


@contextlib.asynccontextmanager
async def chat(browser: Browser, url: str, width: str = "phone") -> AsyncIterator[Page]:
    """The page, open; afterwards, nothing must have gone wrong in it."""
    across, down = WIDTHS[width]
    context = await browser.new_context(viewport={"width": across, "height": down}, locale="pt-BR")
    page = await context.new_page()
    watch = Watch(page)
    await page.goto(url)
    await expect(page.locator("#presence")).to_have_text("online")
    yield page
    await context.close()
    assert watch.errors == []
    assert watch.strangers == []
