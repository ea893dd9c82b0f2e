"""`wabot templates …`: the message templates of a chatbot, as Meta has them."""

import click

from wabot import chatbots
from wabot import templates as message_templates
from wabot.db.directory import Directory
from wabot.templates import Synchronised, Template
from wabot.vault import Vault
from wabot.whatsapp.client import Graph
from wabot_cli.support import database, json_option, run, show_json, show_table

bot_option = click.option("--bot", required=True, help="O chatbot: id, número ou nome.")


@click.group()
def templates() -> None:
    """Modelos de mensagem: os textos que a Meta aprovou."""


@templates.command()
@bot_option
def sync(bot: str) -> None:
    """Busca na Meta a lista de modelos e a qualidade do número."""

    async def work() -> Synchronised:
        async with database() as settings:
            directory = Directory(settings, Vault(settings.secret_keys))
            await directory.load()
            found = await chatbots.find(bot)
            if found.id not in directory.by_id:
                raise chatbots.NoSuchChatbot(
                    "As credenciais deste chatbot não abrem com a SECRET_KEY atual: veja wabot doctor."
                )
            graph = Graph(settings.graph_api_url, settings.graph_api_version)
            try:
                return await message_templates.sync(graph, directory.by_id[found.id])
            finally:
                await graph.close()

    found = run(work())
    click.echo(f"Modelos na Meta: {found.templates}. Qualidade do número: {found.quality}.")
    click.echo(f"Veja: wabot templates list --bot {bot}")


@templates.command("list")
@bot_option
@json_option
def list_(bot: str, as_json: bool) -> None:
    """Lista os modelos conhecidos."""

    async def work() -> list[Template]:
        async with database():
            return await message_templates.known((await chatbots.find(bot)).id)

    found = run(work())
    if as_json:
        show_json(found)
    elif found:
        show_table(
            [_row(one) for one in found], "nome", "idioma", "categoria", "estado", "qualidade", "variáveis"
        )
    else:
        click.echo(f"Nenhum modelo conhecido. Busque os da Meta: wabot templates sync --bot {bot}")


def _row(one: Template) -> tuple[str, ...]:
    places = "?" if one.parameters is None else str(one.parameters)
    return one.name, one.language, one.category or "?", one.status or "?", one.quality or "?", places
