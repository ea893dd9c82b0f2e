"""`wabot tokens …`: who may use the REST API."""

import click

from wabot import chatbots
from wabot import tokens as api_tokens
from wabot.errors import WabotError
from wabot.tokens import NewToken
from wabot_cli.support import database, json_option, run, show_json


class NoSuchToken(WabotError):
    """No token has that id, or it was revoked already."""


@click.group()
def tokens() -> None:
    """Tokens da API. São mostrados uma única vez."""


@tokens.command()
@click.option("--nome", required=True, help="Para quem ou para quê é o token.")
@click.option("--bot", default=None, help="Só este chatbot (id, número ou nome); sem isso, todos.")
@click.option("--escrita", is_flag=True, help="Pode criar e mudar; sem isso, só ler.")
@json_option
def create(nome: str, bot: str | None, escrita: bool, as_json: bool) -> None:
    """Cria um token."""

    async def work() -> NewToken:
        async with database():
            chatbot = (await chatbots.find(bot)).id if bot else None
            return await api_tokens.create(nome, chatbot, writes=escrita)

    token = run(work())
    if as_json:
        show_json(token)
    else:
        click.echo(
            f"Token {token.id} ({token.nome}). Guarde agora, não será mostrado de novo:\n{token.token}"
        )


@tokens.command()
@click.argument("number", metavar="ID", type=int)
def revoke(number: int) -> None:
    """Revoga um token, de uma vez."""

    async def work() -> None:
        async with database():
            if not await api_tokens.revoke(number):
                raise NoSuchToken(f"Não há token {number}, ou ele já foi revogado.")

    run(work())
    click.echo(f"Token {number} revogado.")
