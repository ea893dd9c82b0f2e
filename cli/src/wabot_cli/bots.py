"""`wabot bots …`: the chatbots of this installation."""

import click

from wabot import chatbots
from wabot.chatbots import ChatbotIn, ChatbotOut
from wabot.db.directory import Directory
from wabot.errors import WabotError
from wabot.vault import Vault
from wabot.verification import Verification
from wabot.verify import verify as ask_meta
from wabot.whatsapp.client import Graph
from wabot_cli.retention import retention
from wabot_cli.support import database, json_option, run, secret, show_json, show_table


class NotRight(WabotError):
    """Something about a chatbot has to be mended at Meta or here; what, is printed item by item."""


@click.group()
def bots() -> None:
    """Chatbots: cada um é um número de uma empresa no WhatsApp."""


bots.add_command(retention)


@bots.command()
@click.option("--nome", required=True, help="Como o chatbot é chamado aqui.")
@click.option("--numero", required=True, help="O número, com código do país: 5511999999999.")
@click.option("--phone-number-id", required=True, help="O id do número na Meta.")
@click.option("--business-account-id", required=True, help="O id da conta do WhatsApp Business (WABA).")
@click.option("--access-token", default="", help="Token de acesso; - lê da entrada.")
@click.option("--app-secret", default="", help="App secret, que assina os webhooks; - lê da entrada.")
@click.option("--verify-token", default="", help="Token de verificação do webhook; - lê da entrada.")
@click.option("--timezone", default=None, help="Fuso do chatbot (padrão: TIMEZONE).")
@json_option
def add(
    nome: str,
    numero: str,
    phone_number_id: str,
    business_account_id: str,
    access_token: str,
    app_secret: str,
    verify_token: str,
    timezone: str | None,
    as_json: bool,
) -> None:
    """Cadastra um chatbot. As credenciais são guardadas cifradas e não são mostradas de novo."""

    async def work() -> ChatbotOut:
        async with database() as settings:
            new = ChatbotIn(
                nome=nome,
                numero=numero,
                phone_number_id=phone_number_id,
                business_account_id=business_account_id,
                timezone=timezone or settings.timezone,
                access_token=secret(access_token),
                app_secret=secret(app_secret),
                verify_token=secret(verify_token),
            )
            return await chatbots.add(new, Vault(settings.secret_keys))

    bot = run(work())
    if as_json:
        show_json(bot)
    else:
        click.echo(
            f"Chatbot {bot.id} ({bot.nome}) cadastrado. Ligue um fluxo: wabot plugins enable pedidos --bot {bot.id}"
        )


@bots.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Lista os chatbots."""

    async def work() -> list[ChatbotOut]:
        async with database():
            return await chatbots.everyone()

    found = run(work())
    if as_json:
        show_json(found)
    elif found:
        rows = [(str(b.id), b.nome, b.numero, b.phone_number_id, "sim" if b.ativo else "não") for b in found]
        show_table(rows, "id", "nome", "número", "phone_number_id", "ativo")
    else:
        click.echo("Ainda não há chatbots. Cadastre um: wabot bots add --help")


@bots.command()
@click.argument("bot")
@json_option
def show(bot: str, as_json: bool) -> None:
    """Mostra um chatbot: BOT é o id, o número ou o nome."""

    async def work() -> ChatbotOut:
        async with database():
            return await chatbots.find(bot)

    _show(run(work()), as_json)


@bots.command()
@click.argument("bot")
@click.option("--access-token", default="", help="Novo token de acesso; - lê da entrada.")
@click.option("--app-secret", default="", help="Novo app secret; - lê da entrada.")
@click.option("--verify-token", default="", help="Novo token de verificação; - lê da entrada.")
@click.option(
    "--throughput",
    type=click.IntRange(5, 1000),
    default=None,
    help="Mensagens por segundo que a Meta aceita do número: 80, 1000 ou, com o aplicativo no celular, 20.",
)
@json_option
def update(
    bot: str,
    access_token: str,
    app_secret: str,
    verify_token: str,
    throughput: int | None,
    as_json: bool,
) -> None:
    """Troca credenciais ou a vazão de um chatbot. O que esperava por um token novo é enviado."""

    async def work() -> ChatbotOut:
        async with database() as settings:
            found = await chatbots.find(bot)
            given = {
                "access_token": secret(access_token),
                "app_secret": secret(app_secret),
                "verify_token": secret(verify_token),
                "throughput": throughput,
            }
            changes = {name: value for name, value in given.items() if value}
            return await chatbots.change(found.id, changes, Vault(settings.secret_keys))

    _show(run(work()), as_json)


@bots.command()
@click.argument("bot")
@json_option
def verify(bot: str, as_json: bool) -> None:
    """Pergunta à Meta se o token, o número, a assinatura e o webhook estão certos, e diz o que consertar."""

    async def work() -> Verification:
        async with database() as settings:
            found = await chatbots.find(bot)
            directory = Directory(settings, Vault(settings.secret_keys))
            await directory.load()
            graph = Graph(settings.graph_api_url, settings.graph_api_version)
            try:
                return await ask_meta(directory.by_id.get(found.id), graph)
            finally:
                await graph.close()

    told = run(work())
    if as_json:
        show_json(told)
    else:
        for item in told.itens:
            click.secho(
                f"{'✓' if item.ok else '✗'} {item.codigo}: {item.mensagem}", fg=None if item.ok else "red"
            )
            if item.conserto:
                click.echo(f"    {item.conserto}")
    if not told.ok:
        raise NotRight(
            f"Precisa de conserto: {', '.join(item.codigo for item in told.itens if not item.ok)}."
        )


@bots.command()
@click.argument("bot")
@json_option
def disable(bot: str, as_json: bool) -> None:
    """Desliga um chatbot. Nada é apagado."""

    async def work() -> ChatbotOut:
        async with database():
            return await chatbots.disable((await chatbots.find(bot)).id)

    _show(run(work()), as_json)


def _show(bot: ChatbotOut, as_json: bool) -> None:
    if as_json:
        show_json(bot)
    else:
        for name in bot.__struct_fields__:
            value = getattr(bot, name)
            click.echo(f"{name:20} {', '.join(value) if isinstance(value, list) else value}")
