"""The main job, as a person on a fresh machine does it: one command, a browser, an order."""

import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.acceptance.browser import chat, chromium
from tests.acceptance.commands import Shell
from tests.conftest import free_port
from tests.live import until
from tests.visitor import Visitor

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("WABOT_TEST_SCREENSHOTS", "")
"""A folder to keep what the browser showed: the pictures of the documentation are made so."""


class Demo:
    """`wabot demo` in a folder of its own, everything embedded."""

    def __init__(self, folder: Path, chat_port: int = 0) -> None:
        self.shell = Shell(folder)
        self.chat_port = chat_port
        self.log = folder / "demo.log"

    async def __aenter__(self) -> "Demo":
        self.log.unlink(missing_ok=True)
        self.process = self.shell.start("demo", "--port", "0", "--chat-port", str(self.chat_port))

        async def announced() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return "Ctrl-C" in self.log.read_text()

        await until(announced, within=60)
        self.chat, self.api = re.findall(r"http://127\.0\.0\.1:\d+", self.log.read_text())[:2]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shell.stop(self.process)
        assert "Traceback" not in self.log.read_text()

    async def pedidos(self) -> list[dict]:
        token = (await self.shell.json("tokens", "create", "--nome", "teste"))["token"]
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, verify=False) as http:
            return (await http.get(f"{self.api}/api/pedidos/pedidos/")).json()["items"]


class Person:
    """Somebody with the chat page in front of them."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def says(self, words: str) -> None:
        await self.page.get_by_test_id("composer").fill(words)
        await self.page.get_by_test_id("send").click()

    async def sees(self, words: str) -> None:
        await expect(self.page.locator("[data-testid=bubble][data-from=bot]").last).to_contain_text(words)

    async def taps(self, title: str) -> None:
        await self.page.get_by_test_id("reply-button").filter(has_text=title).last.click()

    async def picks(self, title: str) -> None:
        await self.page.get_by_test_id("list-open").last.click()
        await self.page.get_by_test_id("list-row").filter(has_text=title).click()
        await self.page.get_by_test_id("list-send").click()

    async def keeps(self, name: str) -> None:
        if PICTURES:
            await self.page.wait_for_load_state("networkidle")
            await self.page.screenshot(path=Path(PICTURES) / f"{name}.png")


async def order_two_products(page: Page) -> None:
    ana = Person(page)
    await ana.says("oi")
    await ana.sees("O que vai ser hoje?")
    await ana.picks("Marmitas")
    await ana.sees("Qual você prefere?")
    await ana.picks("Feijoada completa")
    await ana.sees("Quantas unidades você quer?")
    await expect(page.locator("[data-testid=bubble] img").last).to_have_js_property("complete", value=True)
    await ana.says("2")
    await ana.sees("2 × Feijoada completa no carrinho")
    await ana.keeps("conversa")
    await ana.taps("Adicionar mais")
    await ana.sees("O que vai ser hoje?")
    await ana.picks("Bebidas")
    await ana.sees("Qual você prefere?")
    await ana.picks("Guaraná")
    await ana.sees("Quantas unidades você quer?")
    await ana.says("duas")
    await ana.sees("Total até agora: R$ 73,60")
    await ana.taps("Finalizar pedido")
    await ana.sees("Confira o seu pedido")
    await ana.taps("Confirmar")
    await ana.sees("Pedido nº 1 confirmado!")


async def test_a_person_orders_two_products_and_the_pedido_is_in_the_database(tmp_path):
    port = free_port()  # the same one twice, as by default: pictures are fetched from it
    async with chromium() as browser, Demo(tmp_path, port) as demo:
        async with chat(browser, demo.chat) as page:
            await order_two_products(page)
        [pedido] = await demo.pedidos()
        assert (pedido["numero"], pedido["status"], pedido["total"]) == (1, "confirmado", 7360)
        assert [(item["nome"], item["quantidade"]) for item in pedido["itens"]] == [
            ("Feijoada completa", 2),
            ("Guaraná", 2),
        ]
    async with chromium() as browser, Demo(tmp_path, port) as again:
        assert [pedido["numero"] for pedido in await again.pedidos()] == [1]
        async with chat(browser, again.chat, "computer") as page:
            await Person(page).sees("Pedido nº 1 confirmado!")
            await Person(page).keeps("conversa-no-computador")


async def test_the_login_it_prints_opens_the_panel_also_the_second_time(tmp_path):
    for _ in range(2):
        async with Demo(tmp_path) as demo:
            [(panel, email, senha)] = re.findall(
                r"(http\S+/painel/)  \((\S+), senha (\S+)\)", demo.log.read_text()
            )
            visitor = Visitor(panel.removesuffix("/painel/"))
            assert (await visitor.signs_in(email, senha)).status_code == 303
            assert "Cantina da Praça" in (await visitor.http.get("/painel/", follow_redirects=True)).text
            await visitor.close()


async def test_ctrl_c_ends_the_demo_cleanly_and_leaves_no_server_behind(tmp_path):
    async with Demo(tmp_path) as demo:
        assert "está aberta" in demo.log.read_text()
    assert demo.process.returncode == 0
    assert not (tmp_path / ".wabot" / "postgres" / "postmaster.pid").exists()


async def test_the_demo_refuses_a_database_with_real_chatbots(tmp_path):
    shell = Shell(tmp_path)
    await shell.run("migrate")
    await shell.run(
        "bots", "add", "--nome", "Padaria", "--numero", "551140000000", "--phone-number-id", "1",
        "--business-account-id", "2",
    )  # fmt: skip
    said = await shell.run("demo", "--port", "0", "--chat-port", "0", status=1)
    assert "Padaria" in said
    assert "WABOT_HOME" in said
