"""`wabot tokens …`: who may use the REST API."""

import click

from wabot import chatbots
from wabot import tokens as api_tokens
from wabot.errors import WabotError
from wabot.tokens import NewToken, TokenOut
from wabot_cli.support import database, json_option, run, show_json, show_table


class NoSuchToken(WabotError):
    """No token has that id, or it was revoked already."""


@click.group()
def tokens() -> None:
    """Tokens da API. São mostrados uma única vez."""


@tokens.command()
@click.option("--nome", required=True, help="Para quem ou para quê é o token.")
@click.option(
    "--bot",
    "bots",
    multiple=True,
    help="Só este chatbot (id, número ou nome); pode repetir. Sem isso, todos.",
)
@click.option("--escrita", is_flag=True, help="Pode criar e mudar; sem isso, só ler.")
@json_option
def create(nome: str, bots: tuple[str, ...], escrita: bool, as_json: bool) -> None:
    """Cria um token."""

    async def work() -> NewToken:
        async with database():
            scope = [(await chatbots.find(bot)).id for bot in bots] if bots else None
            return await api_tokens.create(nome, scope, writes=escrita)

    token = run(work())
    if as_json:
        show_json(token)
    else:
        click.echo(
            f"Token {token.id} ({token.nome}). Guarde agora, não será mostrado de novo:\n{token.token}"
        )


@tokens.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Lista os tokens, sem os mostrar: o que podem, e quando foram usados."""

    async def work() -> list[TokenOut]:
        async with database():
            return await api_tokens.everyone()

    found = run(work())
    if as_json:
        show_json(found)
    elif found:
        show_table(
            [_row(token) for token in found], "id", "nome", "chatbots", "pode", "usado em", "criado por"
        )
    else:
        click.echo("Ainda não há tokens. Crie um: wabot tokens create --help")


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


def _row(token: TokenOut) -> tuple[str, ...]:
    can = "ler e escrever" if token.escrita else "ler"
    return (
        str(token.id),
        token.nome,
        "todos" if token.chatbots is None else ", ".join(map(str, token.chatbots)),
        "nada (revogado)" if token.revogado_em else can,
        f"{token.usado_em.astimezone():%d/%m/%Y %H:%M}" if token.usado_em else "nunca",
        token.criado_por or "linha de comando",
    )
