"""`wabot audit …`: who changed what."""

import click

from wabot import audit as trail
from wabot import chatbots
from wabot.audit import MOST, Entry
from wabot_cli.support import database, json_option, run, show_json, show_table


@click.group()
def audit() -> None:
    """Quem mudou o quê, de onde e quando."""


@audit.command("list")
@click.option("--bot", default=None, help="Só deste chatbot: id, número ou nome.")
@click.option(
    "--limit", type=click.IntRange(1, MOST), default=50, show_default=True, help="Quantos registros."
)
@click.option(
    "--before", type=click.IntRange(1), default=None, help="Só os anteriores a este id: a próxima página."
)
@json_option
def list_(bot: str | None, limit: int, before: int | None, as_json: bool) -> None:
    """Os registros mais novos primeiro."""

    async def work() -> list[Entry]:
        async with database():
            only = None if bot is None else [(await chatbots.find(bot)).id]
            return await trail.entries(only, before=before, limit=limit)

    found = run(work())
    if as_json:
        show_json(found)
    elif found:
        show_table([_row(entry) for entry in found], "id", "quando", "quem", "o quê", "chatbot", "campos")
    else:
        click.echo("Nada foi registrado ainda.")


def _row(entry: Entry) -> tuple[str, ...]:
    campos = [name if value is None else f"{name}={value}" for name, value in entry.campos.items()]
    return (
        str(entry.id),
        f"{entry.em.astimezone():%d/%m/%Y %H:%M}",
        " ".join(filter(None, (entry.quem or entry.quem_tipo, entry.endereco))),
        f"{entry.acao} {entry.objeto} {entry.objeto_id}",
        "" if entry.chatbot is None else str(entry.chatbot),
        ", ".join(campos),
    )
