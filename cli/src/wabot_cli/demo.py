"""`wabot demo`: a shop, its order flow and a WhatsApp to try it with, from one command."""

import contextlib
import sys
from collections.abc import AsyncIterator

import click
import httpx

from wabot import chatbots, people, tokens
from wabot.asgi import PortTaken
from wabot.chatbots import ChatbotIn, ChatbotOut
from wabot.errors import WabotError
from wabot.logs import set_up
from wabot.plugins import bindings
from wabot.plugins.catalogue import catalogue
from wabot.process import Process, running
from wabot.settings import Settings, load, replace
from wabot.testing.simulator import Bot, Simulator
from wabot.vault import derived
from wabot_cli.loja.cardapio import CARDAPIO, FOTOS, Prato
from wabot_cli.run import served
from wabot_cli.support import for_ever, run_until_stopped

SHOP = "Cantina da Praça"
PHONE, WABA, NUMBER = "200000000000001", "300000000000001", "5511900000000"
EMAIL = "demo@wabot.local"
SECRET = "segredo-do-simulador"  # noqa: S105 - shared with the simulator on this machine, nobody else


class NotADemo(WabotError):
    """The database belongs to real chatbots, whose customers must not be answered into a simulator."""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Porta do wabot (PORT).")
@click.option(
    "--chat-port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="Porta da conversa."
)
def demo(port: int | None, chat_port: int) -> None:
    """Uma loja de demonstração, com o simulador do WhatsApp. Uma segunda vez encontra os mesmos dados."""
    settings = load()
    set_up("warning" if settings.log_level == "info" else settings.log_level, settings.log_format)
    run_until_stopped(_demo(replace(settings, port=settings.port if port is None else port), chat_port))


async def _demo(settings: Settings, chat_port: int) -> None:
    bot = Bot(PHONE, SHOP, NUMBER, WABA, SECRET)
    simulator = Simulator(
        app_secret=SECRET, bots=[bot], store=settings.home / "simulador.json", pictures=FOTOS
    )
    async with _free(simulator, settings.host, chat_port):
        settings = replace(settings, graph_api_url=simulator.url)
        async with running(settings, worker=True, migrating=True) as process:
            shop = await _shop(process)
            login = await _person(settings)
            await process.runtimes.load()
            async with served(process) as url:
                simulator.webhook_url = f"{url}/api/chatbots/webhook/"
                await _stock(url, shop, simulator.url)
                _announce(url, simulator.url, login)
                try:
                    await for_ever()
                finally:
                    click.echo("\nAté logo. Os dados ficam guardados para a próxima vez.", err=True)


@contextlib.asynccontextmanager
async def _free(simulator: Simulator, host: str, port: int) -> AsyncIterator[None]:
    """The simulator on its usual port, or on any free one if that is taken."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(simulator.serve(host, port))
        except PortTaken:
            await stack.enter_async_context(simulator.serve(host, 0))
        yield


async def _shop(process: Process) -> ChatbotOut:
    """The demonstration chatbot, with its order flow on. Raises NotADemo where there are others."""
    known = await chatbots.everyone()
    if others := [bot.nome for bot in known if bot.phone_number_id != PHONE]:
        raise NotADemo(
            f"Este banco tem chatbots de verdade ({', '.join(others)}). "
            "Rode o demo em outra pasta, ou com outro WABOT_HOME."
        )
    if known:
        return known[0]
    new = ChatbotIn(
        nome=SHOP,
        numero=NUMBER,
        phone_number_id=PHONE,
        business_account_id=WABA,
        timezone=process.settings.timezone,
        access_token="token-do-simulador",  # noqa: S106
        app_secret=SECRET,
        verify_token="token-de-verificacao",  # noqa: S106
    )
    shop = await chatbots.add(new, process.vault)
    pedidos = process.registry.plugins["pedidos"]
    config = {"despedida": "Fica pronto em uns 40 minutos. 😋"}
    await bindings.enable(shop.id, pedidos, config, process.vault, await catalogue())
    return shop


async def _person(settings: Settings) -> str:
    """Somebody to enter the panel as, once; returns how. Of this installation's key, the password is nobody else's."""
    senha = derived(settings.secret_keys[0], "demo").hex()[:12]
    if not any(person.email == EMAIL for person in await people.everyone()):
        await people.add(EMAIL, senha, superuser=True)
    return f"{EMAIL}, senha {senha}"


async def _stock(url: str, shop: ChatbotOut, pictures: str) -> None:
    """Put the menu into the shop through the public API: what is missing, so that an interrupted start is mended."""
    token = await tokens.create("demo", [shop.id], writes=True)
    try:
        headers = {"Authorization": f"Bearer {token.token}"}
        async with httpx.AsyncClient(base_url=f"{url}/api/pedidos", headers=headers, timeout=30) as api:
            categorias = await _named(api, "categorias")
            produtos = await _named(api, "produtos")
            for ordem, (nome, pratos) in enumerate(CARDAPIO.items()):
                fields = {"chatbot": shop.id, "nome": nome, "ordem": ordem}
                categoria = categorias.get(nome) or await _created(api, "categorias", fields)
                for prato in pratos:
                    await _keep(api, produtos.get(prato.nome), _fields(prato, shop.id, categoria, pictures))
    finally:
        await tokens.revoke(token.id)


async def _keep(api: httpx.AsyncClient, produto: int | None, fields: dict[str, object]) -> None:
    """Make the product; if it is there, only see to its picture, whose address has the simulator's port in it."""
    if produto is None:
        await _created(api, "produtos", fields)
    else:
        picture = {"imagem_url": fields["imagem_url"]}
        (await api.patch(f"/produtos/{produto}/", json=picture)).raise_for_status()


async def _named(api: httpx.AsyncClient, what: str) -> dict[str, int]:
    answer = await api.get(f"/{what}/", params={"limit": 200})
    answer.raise_for_status()
    return {item["nome"]: item["id"] for item in answer.json()["items"]}


async def _created(api: httpx.AsyncClient, what: str, fields: dict[str, object]) -> int:
    answer = await api.post(f"/{what}/", json=fields)
    answer.raise_for_status()
    return int(answer.json()["id"])


def _fields(prato: Prato, shop: int, categoria: int, pictures: str) -> dict[str, object]:
    return {
        "chatbot": shop,
        "categoria": categoria,
        "nome": prato.nome,
        "descricao": prato.descricao,
        "preco": prato.preco,
        "estoque": prato.estoque,
        "imagem_url": f"{pictures}/pictures/{prato.foto}.jpg",
    }


def _announce(url: str, chat: str, login: str) -> None:
    click.echo(f"\n  {click.style(SHOP, bold=True)} está aberta.\n")
    click.echo(f"  Conversa (abra no navegador):  {click.style(chat, fg='green', underline=True)}")
    click.echo(f"  API da loja:                   {url}/api/pedidos/pedidos/")
    click.echo(f"  Um token para a API:           {sys.argv[0]} tokens create --nome eu")
    click.echo(f"  Painel da loja:                {url}/painel/  ({login})\n")
    click.echo("  Ctrl-C para parar.\n")
