"""`wabot logs show ID`: what became of one message."""

import click

from wabot import story as stories
from wabot.story import Story
from wabot_cli.support import database, json_option, printable, run, show_json


@click.group()
def logs() -> None:
    """O que aconteceu com uma mensagem, contado pelo banco de dados."""


@logs.command()
@click.argument("id", metavar="ID")
@click.option("--text", "texts", is_flag=True, help="Mostra também o que foi escrito.")
@json_option
def show(id: str, texts: bool, as_json: bool) -> None:
    """Conta a história de uma mensagem, do webhook ao status, com as respostas a ela.

    ID é inbox-812, outbox-97, wabot:97 ou um wamid.
    """

    async def work() -> Story:
        async with database():
            return await stories.tell(id, texts=texts)

    story = run(work())
    if as_json:
        show_json(story)
        return
    click.secho(f"{story.id}, chatbot {story.chatbot}, conversa {story.conversa}", bold=True)
    for step in story.steps:
        click.echo(f"{step.at:%d/%m %H:%M:%S.%f}"[:-3] + f" UTC  {step.id:14} {printable(step.message)}")
        if step.text:
            click.echo(f"    «{printable(step.text)}»")
