"""`wabot clientes …`: clientes that are one person, merged and parted again; and what a person may ask for."""

import click

from wabot import chatbots
from wabot import merges as merging
from wabot.merges import Merge
from wabot.unmerge import unmerge as part
from wabot_cli import privacy
from wabot_cli.support import database, json_option, run, show_json, show_table

bot_option = click.option("--bot", required=True, help="O chatbot: id, número ou nome.")
BY_HAND = "pedido na linha de comando"
OPERATOR = "operador"


@click.group()
def clientes() -> None:
    """As pessoas que escrevem a um chatbot. Os números são os ids da API."""


for command in (privacy.export, privacy.erase, privacy.consents):
    clientes.add_command(command)


@clientes.command()
@bot_option
@json_option
def merges(bot: str, as_json: bool) -> None:
    """Lista as mesclas de um chatbot, também as desfeitas."""

    async def work() -> list[Merge]:
        async with database():
            return await merging.everything((await chatbots.find(bot)).id)

    found = run(work())
    if as_json:
        show_json(found)
    elif found:
        show_table(
            [_row(merge) for merge in found], "id", "fica", "mesclado", "quando", "por", "motivo", "desfeita"
        )
    else:
        click.echo("Nenhum cliente deste chatbot foi mesclado.")


@clientes.command()
@click.argument("fica", type=int)
@click.argument("mesclado", type=int)
@bot_option
@click.option("--motivo", default=BY_HAND, help="Por que se sabe que são a mesma pessoa.")
@json_option
def merge(fica: int, mesclado: int, bot: str, motivo: str, as_json: bool) -> None:
    """Junta dois clientes que são a mesma pessoa: FICA continua, MESCLADO aponta para ele. Pode ser desfeito."""

    async def work() -> Merge:
        async with database():
            return await merging.join((await chatbots.find(bot)).id, fica, mesclado, motivo, OPERATOR)

    made = run(work())
    if as_json:
        show_json(made)
    else:
        click.echo(
            f"O cliente {mesclado} agora é o cliente {fica}. "
            f"Para desfazer: wabot clientes unmerge {made.id} --bot {bot}"
        )


@clientes.command()
@click.argument("number", metavar="ID", type=int)
@bot_option
def unmerge(number: int, bot: str) -> None:
    """Desfaz uma mescla: os dois clientes voltam a ser como eram, menos o que mudou desde então."""

    async def work() -> None:
        async with database():
            await part((await chatbots.find(bot)).id, number)

    run(work())
    click.echo(f"Mescla {number} desfeita.")


def _row(merge: Merge) -> tuple[str, ...]:
    undone = f"{merge.undone_at:%d/%m/%Y %H:%M}" if merge.undone_at else "não"
    made = f"{merge.made_at:%d/%m/%Y %H:%M}"
    return str(merge.id), str(merge.survivor), str(merge.absorbed), made, merge.made_by, merge.why, undone
