"""The simulator's chat page in a real browser: a whole conversation, on a phone and on a computer."""

import contextlib
import json
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.acceptance.browser import WIDTHS, chat, chromium
from wabot.asgi import bind, serving
from wabot.testing.simulator import Simulator

pytestmark = pytest.mark.browser

ATTACK = "<img src=x onerror=\"document.title='roubado'\"><script>document.title='roubado'</script>"

BUTTONS = {
    "type": "button",
    "header": {"type": "text", "text": "Cantina da Praça"},
    "body": {"text": "O que você quer ver?"},
    "footer": {"text": "Aberto até as 23h"},
    "action": {
        "buttons": [
            {"type": "reply", "reply": {"id": "pizzas", "title": "Pizzas"}},
            {"type": "reply", "reply": {"id": "bebidas", "title": "Bebidas"}},
            {"type": "reply", "reply": {"id": "pessoa", "title": "Falar com alguém"}},
        ]
    },
}
LIST = {
    "type": "list",
    "body": {"text": "Nossas *pizzas* de hoje:"},
    "action": {
        "button": "Ver produtos",
        "sections": [
            {
                "title": "Tradicionais",
                "rows": [
                    {"id": "p1", "title": "Margherita", "description": "Tomate e manjericão · R$ 42,00"},
                    {"id": "p2", "title": "Calabresa", "description": "Calabresa e cebola · R$ 45,00"},
                ],
            },
            {"title": "Especiais", "rows": [{"id": "p3", "title": "Quatro queijos"}]},
        ],
    },
}


def picture() -> bytes:
    """A small orange PNG."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    rows = b"".join(b"\0" + bytes((224, 120 + row // 2, 48)) * 330 for row in range(200))
    head = struct.pack(">IIBBBBB", 330, 200, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


class Platform:
    """Takes webhooks and answers them as a bot would: text with buttons, then a list, then a picture."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.taps: list[dict[str, Any]] = []
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application: the picture for whoever asks, 200 for every webhook."""
        if scope["type"] != "http":
            return
        asked = scope["method"] == "GET"
        kind = b"image/png" if asked else b"text/plain"
        body = b"" if asked else await _body(receive)
        headers = [(b"content-type", kind)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": picture() if asked else b"ok"})
        if body:
            await self._hear(json.loads(body))

    async def _hear(self, update: dict[str, Any]) -> None:
        for entry in update["entry"]:
            for change in entry["changes"]:
                value = change["value"]
                for message in value.get("messages", []):
                    await self._answer(value["metadata"]["phone_number_id"], message)

    async def _answer(self, phone: str, message: dict[str, Any]) -> None:
        seen = {"status": "read", "message_id": message["id"], "typing_indicator": {"type": "text"}}
        for body in [seen, *self._replies(message)]:
            await self.send(phone, message["from"], body)

    async def send(self, phone: str, to: str, body: dict[str, Any]) -> None:
        whole = {"messaging_product": "whatsapp", "to": to, **body}
        headers = {"Authorization": "Bearer teste"}
        async with httpx.AsyncClient(base_url=self.simulator.url, trust_env=False) as client:
            answer = await client.post(f"/v26.0/{phone}/messages", json=whole, headers=headers)
        answer.raise_for_status()

    def _replies(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        if message["type"] == "text" and message["text"]["body"] == "silêncio":
            return []
        if message["type"] == "text":
            hello = "Olá! 👋 Eu sou o robô da *Cantina*.\nVeja https://cantina.example/cardapio."
            texts = [{"type": "text", "text": {"body": words}} for words in (hello, ATTACK)]
            return [*texts, {"type": "interactive", "interactive": BUTTONS}]
        if message["type"] != "interactive":
            return [{"type": "text", "text": {"body": "Recebido!"}}]
        self.taps.append(message["interactive"] | {"context": message["context"]["id"]})
        if "button_reply" in message["interactive"]:
            return [{"type": "interactive", "interactive": LIST}]
        image = {"link": f"{self.url}/pizza.png", "caption": "Sua *Calabresa*, R$ 45,00"}
        return [{"type": "image", "image": image}]


async def _body(receive: Any) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


@contextlib.asynccontextmanager
async def platform() -> AsyncIterator[Platform]:
    """A simulator and a platform that know each other."""
    async with Simulator(app_secret="segredo").serve(port=0) as simulator:
        bot = Platform(simulator)
        async with serving(bot, bind("127.0.0.1", 0), patience=1) as bot.url:
            simulator.webhook_url = f"{bot.url}/webhook"
            yield bot


async def state_of(bot: Platform) -> dict[str, Any]:
    """What the simulator tells every page that opens."""
    async with httpx.AsyncClient(base_url=bot.simulator.url, trust_env=False) as client:
        state: dict[str, Any] = (await client.get("/simulator/chats")).json()
    return state


async def behind(bot: Platform, name: str, message: dict[str, Any]) -> dict[str, Any]:
    """A customer writes in another window; returns that customer."""
    customers: list[dict[str, Any]] = (await state_of(bot))["chats"]
    customer = next(customer for customer in customers if customer["name"] == name)
    async with httpx.AsyncClient(base_url=bot.simulator.url, trust_env=False) as client:
        answer = await client.post(f"/simulator/chats/{customer['id']}/messages", json=message)
    answer.raise_for_status()
    return customer


async def say(page: Page, words: str) -> None:
    await page.get_by_test_id("composer").fill(words)
    await page.get_by_test_id("composer").press("Enter")


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_customer_orders_by_tapping(width: str) -> None:
    async with platform() as bot, chromium() as browser, chat(browser, bot.simulator.url, width) as page:
        bubbles = page.get_by_test_id("bubble")
        mine = page.locator('[data-testid="bubble"][data-from="customer"]')
        await expect(page.locator("#hint")).to_have_text("Mande um oi para começar")
        await expect(page.get_by_test_id("send")).to_be_disabled()

        await say(page, "oi")
        await expect(page.locator("#hint")).to_be_hidden()
        await expect(bubbles).to_have_count(4)
        await expect(bubbles.nth(1).locator("strong")).to_have_text("Cantina")
        await expect(bubbles.nth(1).locator("a")).to_have_attribute(
            "href", "https://cantina.example/cardapio"
        )
        await expect(mine.first.locator("[data-tick]")).to_have_attribute("data-tick", "read")

        await page.get_by_test_id("reply-button").first.click()
        await expect(mine.nth(1).locator(".text")).to_contain_text("Pizzas")
        await expect(mine.nth(1).locator(".quote")).to_contain_text("O que você quer ver?")

        await page.get_by_test_id("list-open").click()
        await expect(page.get_by_test_id("list-sheet")).to_be_visible()
        await expect(page.get_by_test_id("list-send")).to_be_disabled()
        await page.get_by_test_id("list-row").filter(has_text="Calabresa").click()
        await page.get_by_test_id("list-send").click()
        await expect(page.get_by_test_id("list-sheet")).to_be_hidden()
        await expect(mine.nth(2).locator(".text")).to_contain_text("Calabresa")
        await expect(mine.nth(2).locator("[data-tick]")).to_have_attribute("data-tick", "read")

        photo = bubbles.last.locator("img")
        await expect(photo).to_be_in_viewport()
        assert await photo.evaluate("image => image.decode().then(() => image.naturalWidth)") == 330
        await expect(page.get_by_test_id("typing")).to_be_hidden()
        replies = [
            tap["button_reply"]["id"] if "button_reply" in tap else tap["list_reply"]["id"]
            for tap in bot.taps
        ]
        assert replies == ["pizzas", "p2"]


async def test_a_text_is_never_markup() -> None:
    async with platform() as bot, chromium() as browser, chat(browser, bot.simulator.url) as page:
        await say(page, "oi")
        await expect(page.get_by_test_id("bubble").nth(2).locator(".text")).to_have_text(ATTACK)
        assert await page.locator("#days script, #days img").count() == 0
        assert await page.title() == "Simulador de WhatsApp"


async def test_the_sheet_closes_with_escape_and_gives_the_focus_back() -> None:
    async with platform() as bot, chromium() as browser, chat(browser, bot.simulator.url) as page:
        await say(page, "oi")
        await page.get_by_test_id("reply-button").first.click()
        await page.get_by_test_id("list-open").click()
        for _ in range(5):
            await page.keyboard.press("Tab")
            assert await page.evaluate("document.activeElement.closest('dialog') !== null")
        await page.keyboard.press("Escape")
        await expect(page.get_by_test_id("list-sheet")).to_be_hidden()
        await expect(page.get_by_test_id("list-open")).to_be_focused()


async def test_the_bot_is_seen_typing() -> None:
    async with platform() as bot, chromium() as browser, chat(browser, bot.simulator.url) as page:
        await say(page, "silêncio")
        await expect(page.get_by_test_id("typing")).to_be_visible()
        await expect(page.locator("#presence")).to_have_text("digitando…")


async def test_each_customer_has_a_chat_and_unread_messages_are_counted() -> None:
    async with platform() as bot, chromium() as browser, chat(browser, bot.simulator.url, "computer") as page:
        await page.get_by_test_id("new-chat").click()
        await page.get_by_label("Nome").fill("Bia")
        await page.get_by_role("button", name="Criar").click()
        await expect(page.get_by_test_id("chat-item")).to_have_count(2)
        await expect(page.locator("#you")).to_have_text("você é Bia")

        await behind(bot, "Ana", {"type": "text", "text": "oi"})
        item = page.get_by_test_id("chat-item").filter(has_text="Ana")
        await expect(item.locator(".badge")).to_have_text("3")
        await item.click()
        await expect(page.get_by_test_id("bubble")).to_have_count(4)
        await expect(item.locator(".badge")).to_have_count(0)
        await page.reload()
        await expect(page.get_by_test_id("bubble")).to_have_count(4)


async def test_a_reader_who_scrolled_up_stays_there() -> None:
    async with platform() as bot, chromium() as browser, chat(browser, bot.simulator.url) as page:
        bubbles = page.get_by_test_id("bubble")
        for number in range(3):
            await say(page, "oi")
            await expect(bubbles).to_have_count(4 * (number + 1))
        await expect(bubbles.last).to_be_in_viewport()
        await page.locator("#log").evaluate("log => log.scrollTo(0, 0)")
        await expect(page.locator("#to-end")).to_be_visible()

        ana = await behind(bot, "Ana", {"type": "text", "text": "silêncio"})
        await expect(bubbles.last).to_be_in_viewport()  # what one writes oneself is always shown
        await page.locator("#log").evaluate("log => log.scrollTo(0, 0)")
        await expect(page.locator("#to-end")).to_be_visible()
        text = {"type": "text", "text": {"body": "Ainda aí?"}}
        await bot.send(ana["bot"], ana["number"], text)
        await expect(page.locator("#missed")).to_have_text("1")
        assert await page.locator("#log").evaluate("log => log.scrollTop") == 0
        await page.locator("#to-end").click()
        await expect(bubbles.last).to_be_in_viewport()


async def test_the_page_comes_back_after_the_simulator_was_restarted() -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        async with Simulator(app_secret="segredo").serve(port=0) as first:
            await page.goto(first.url)
            await expect(page.locator("#presence")).to_have_text("online")
            await say(page, "oi")
            await expect(page.get_by_test_id("bubble")).to_have_count(1)
        await expect(page.locator("#presence")).to_have_text("conectando…")
        async with Simulator(app_secret="segredo").serve(port=urlsplit(first.url).port or 0):
            await expect(page.locator("#presence")).to_have_text("online", timeout=15_000)
            await expect(page.locator("#hint")).to_be_visible()
            await page.close()


async def test_samples_of_other_kinds_can_be_sent() -> None:
    async with platform() as bot, chromium() as browser, chat(browser, bot.simulator.url) as page:
        mine = page.locator('[data-testid="bubble"][data-from="customer"]')
        for number, kind in enumerate(("Foto", "Localização", "Áudio", "Figurinha")):
            await page.get_by_role("button", name="Anexar").click()
            await page.get_by_role("button", name=kind, exact=True).click()
            await expect(mine).to_have_count(number + 1)


async def test_faults_are_set_in_the_panel() -> None:
    async with platform() as bot, chromium() as browser, chat(browser, bot.simulator.url, "computer") as page:
        panel = page.get_by_test_id("faults")
        await panel.locator("summary").click()
        await panel.get_by_label("Erro do servidor (%)").fill("25")
        await expect(panel.locator("#faults-on")).to_be_hidden()
        async with page.expect_response("**/simulator/faults"):
            await panel.get_by_label("Erro do servidor (%)").press("Enter")
        async with page.expect_response("**/simulator/faults"):
            await panel.get_by_label("Fora de ordem").click()
        await expect(panel.locator("#faults-on")).to_be_visible()
        faults = (await state_of(bot))["faults"]
        assert (faults["fail_rate"], faults["shuffle"]) == (0.25, True)
        await panel.get_by_role("button", name="Voltar ao normal").click()
        await expect(panel.locator("#faults-on")).to_be_hidden()
        faults = (await state_of(bot))["faults"]
        assert (faults["fail_rate"], faults["shuffle"]) == (0, False)
