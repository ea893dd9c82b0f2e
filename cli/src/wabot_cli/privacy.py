"""`wabot clientes export|erase|consent`: what a person may ask for (LGPD)."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import click

from wabot import chatbots, consent
from wabot.consent import Entry
from wabot.digests import DIGESTS
from wabot.plugins.registry import Registry, load_registry
from wabot.privacy.erase import Erasure, preview
from wabot.privacy.erase import erase as erase_person
from wabot.privacy.export import export as export_person
from wabot.storage import STORAGE
from wabot.vault import Vault
from wabot_cli.support import database, json_option, run, show_json, show_table

cliente_argument = click.argument("cliente", metavar="ID", type=int)
bot_option = click.option("--bot", required=True, help="O chatbot: id, número ou nome.")


@click.command()
@cliente_argument
@bot_option
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
def export(cliente: int, bot: str, file: Path) -> None:
    """Escreve em FILE, um zip, tudo o que se guarda sobre um cliente."""

    async def work() -> None:
        async with _everything() as registry:
            await export_person(registry, (await chatbots.find(bot)).id, cliente, file)

    run(work())
    click.echo(f"Dados do cliente {cliente} em {file}. Entregue só à própria pessoa.")


@click.command()
@cliente_argument
@bot_option
@click.option("--yes", is_flag=True, help="Apaga de verdade; sem isto, só conta.")
@json_option
def erase(cliente: int, bot: str, yes: bool, as_json: bool) -> None:
    """Apaga uma pessoa de tudo, para sempre. Sem --yes, só diz o que seria apagado."""

    async def work() -> Erasure | dict[str, int]:
        async with _everything() as registry:
            chatbot = (await chatbots.find(bot)).id
            return await (erase_person if yes else preview)(registry, chatbot, cliente)

    done = run(work())
    if as_json:
        show_json(done)
        return
    counts = done.contagens if isinstance(done, Erasure) else done
    show_table([(kind.replace("_", " "), str(many)) for kind, many in counts.items()], "o quê", "quantos")
    if isinstance(done, Erasure):
        click.echo(f"Apagado. Recibo {done.id}, {done.em:%d/%m/%Y %H:%M} UTC.")
    else:
        click.echo(f"Nada foi apagado. Para apagar: wabot clientes erase {cliente} --bot {bot} --yes")


@click.command("consent")
@cliente_argument
@bot_option
@json_option
def consents(cliente: int, bot: str, as_json: bool) -> None:
    """Mostra quando um cliente aceitou ou recusou divulgação, como e com que palavras."""

    async def work() -> list[Entry]:
        async with database():
            return await consent.ledger((await chatbots.find(bot)).id, cliente)

    found = run(work())
    if as_json:
        show_json(found)
    elif found:
        show_table([_row(entry) for entry in found], "quando", "", "quem", "como", "palavras")
    else:
        click.echo("Este cliente nunca aceitou nem recusou.")


def _row(entry: Entry) -> tuple[str, ...]:
    said = "aceitou" if entry.accepts else "recusou"
    return f"{entry.at:%d/%m/%Y %H:%M}", said, entry.who, entry.how, entry.wording


@contextlib.asynccontextmanager
async def _everything() -> AsyncIterator[Registry]:
    """Database, files, keys and plugins: where something of a person may be."""
    async with database() as settings:
        STORAGE.open(settings.home, settings.media_url)
        DIGESTS.open(Vault(settings.secret_keys))
        yield await load_registry()
