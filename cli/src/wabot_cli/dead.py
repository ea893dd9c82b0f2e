"""`wabot dead …`: messages that could not be answered or sent, and trying them again."""

from typing import Any

import click
import msgspec

from wabot import chatbots
from wabot import dead as letters
from wabot.dead import Letter
from wabot_cli.support import database, json_option, printable, run, show_json, show_table

HINDRANCES = {
    "bulk": "é de uma campanha, que não é enviada duas vezes",
    "window": "passaram 24 horas desde a última mensagem do cliente: a Meta não aceita mais a resposta",
}

bot_option = click.option(
    "--bot", default=None, help="Só este chatbot (id, número ou nome); sem isso, todos."
)


@click.group()
def dead() -> None:
    """Mensagens paradas: as que não puderam ser respondidas (inbox) e as que a Meta não aceitou (outbox)."""


@dead.command("list")
@bot_option
@click.option("--limit", type=click.IntRange(1, letters.MOST), default=50, show_default=True)
@click.option("--offset", type=click.IntRange(0), default=0, help="Quantas pular, das mais novas.")
@json_option
def list_(bot: str | None, limit: int, offset: int, as_json: bool) -> None:
    """Lista as mensagens paradas, as mais novas primeiro. O texto delas não é mostrado."""

    async def work() -> tuple[list[Letter], int]:
        async with database():
            scope = await _scope(bot)
            return await letters.page(scope, limit=limit, offset=offset), await letters.count(scope)

    found, total = run(work())
    if as_json:
        show_json([_fields(letter) for letter in found])
    elif found:
        show_table([_row(letter) for letter in found], "id", "bot", "quando", "plugin", "erro", "repetível")
        click.echo(f"{len(found)} de {total}. Tentar de novo: wabot dead retry ID… ou --all")
    else:
        click.echo("Nenhuma mensagem parada.")


@dead.command()
@click.argument("id", metavar="ID")
@json_option
def show(id: str, as_json: bool) -> None:
    """Mostra o que se sabe de uma mensagem parada, menos o texto."""

    async def work() -> Letter:
        async with database():
            return await letters.find(id)

    fields = _fields(run(work()))
    if as_json:
        show_json(fields)
    else:
        for name, value in fields.items():
            click.echo(f"{name:10} {printable(str(value))}")


@dead.command()
@click.argument("ids", metavar="ID…", nargs=-1)
@click.option(
    "--all", "everything", is_flag=True, help="Todas as que ainda podem ser respondidas ou enviadas."
)
@click.option(
    "--restored",
    is_flag=True,
    help="Todas as que um restore separou; a instalação antiga pode tê-las enviado.",
)
@bot_option
def retry(ids: tuple[str, ...], everything: bool, restored: bool, bot: str | None) -> None:
    """Tenta de novo: a mensagem recebida é respondida, a resposta recusada é enviada, na ordem da conversa."""
    if bool(ids) + everything + restored != 1:
        raise click.UsageError("Diga os ids, ou --all, ou --restored.")

    async def work() -> int:
        async with database():
            scope = await _scope(bot)
            if not ids:
                return await letters.retry_all(scope, restored=restored)
            return sum([await _retried(one, scope) for one in ids])

    click.echo(f"Na fila de novo: {run(work())}.")


@dead.command()
@click.option("--restored", is_flag=True, required=True, help="As que um restore separou.")
@bot_option
def drop(restored: bool, bot: str | None) -> None:
    """Decide que as mensagens separadas por um restore não serão respondidas nem enviadas."""

    async def work() -> int:
        async with database():
            return await letters.drop_restored(await _scope(bot))

    click.echo(f"Descartadas: {run(work())}.")


async def _retried(id: str, scope: list[int] | None) -> bool:
    """Say why not, and go on with the next."""
    try:
        letter = await letters.find(id, scope)
        if await letters.retry(id, scope):
            return True
        click.echo(f"{id}: {HINDRANCES.get(letter.hindrance, 'já voltou para a fila')}.", err=True)
    except letters.NoSuchLetter as error:
        click.echo(str(error), err=True)
    return False


async def _scope(bot: str | None) -> list[int] | None:
    return [(await chatbots.find(bot)).id] if bot else None


def _fields(letter: Letter) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(letter)
    del fields["box"], fields["number"]
    return {"id": letter.id} | fields


def _row(letter: Letter) -> tuple[str, ...]:
    error = f"{letter.code}: {letter.error}" if letter.code else letter.error
    retriable = "não" if letter.hindrance else "sim"
    return (
        letter.id,
        str(letter.chatbot),
        f"{letter.at:%d/%m %H:%M} UTC",
        letter.plugin or "-",
        printable(error)[:60],
        retriable,
    )
