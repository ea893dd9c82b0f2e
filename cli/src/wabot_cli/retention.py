"""`wabot bots retention`: for how many days a chatbot keeps what."""

from collections.abc import Callable

import click
import msgspec

from wabot import chatbots
from wabot import retention as kept
from wabot.retention import LONGEST, REPEATED, Retention, RetentionChange
from wabot_cli.support import database, json_option, run, show_json, show_table

FOREVER = "sempre"


def _days(least: int) -> Callable[[str], int]:
    """What an option takes: a number of days, or the word for no end, which reads as 0."""

    def read(value: str) -> int:
        if value == FOREVER:
            return 0
        if not (value.isdecimal() and least <= int(value) <= LONGEST):
            raise click.BadParameter(f"escreva {FOREVER} ou dias, de {least} a {LONGEST}")
        return int(value)

    return read


def _option(kind: str, least: int, what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(f"--{kind}", type=_days(least), metavar=f"DIAS|{FOREVER}", help=what)


@click.command()
@click.argument("bot")
@_option("mensagens", REPEATED, "Mensagens recebidas e enviadas.")
@_option("arquivos", 1, "Arquivos que os clientes mandaram.")
@_option("eventos", 1, "Acontecimentos que os plugins já leram.")
@_option("avisos", REPEATED, "Recibos, avisos e quarentena da Meta.")
@json_option
def retention(bot: str, as_json: bool, **days: int | None) -> None:
    """Mostra ou muda por quantos dias um chatbot guarda cada tipo de dado: BOT é o id, o número ou o nome."""
    given = RetentionChange(**{kind: many or None for kind, many in days.items() if many is not None})

    async def work() -> Retention:
        async with database():
            chatbot = (await chatbots.find(bot)).id
            return await (kept.of(chatbot) if given == RetentionChange() else kept.change(chatbot, given))

    found = run(work())
    if as_json:
        show_json(found)
    else:
        shown = msgspec.structs.asdict(found)
        show_table([(kind, str(many or FOREVER)) for kind, many in shown.items()], "o quê", "dias")
