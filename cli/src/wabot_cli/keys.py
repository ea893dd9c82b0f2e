"""`wabot keys …`: SECRET_KEY."""

import click

from wabot import keys as secret_keys
from wabot.errors import WabotError
from wabot.keys import Rotated
from wabot.vault import Vault
from wabot_cli.support import database, json_option, run, show_json


class StillNeeded(WabotError):
    """Some secrets do not open with any key: they have to be given anew."""


@click.group()
def keys() -> None:
    """A chave que cifra as credenciais."""


@keys.command()
@json_option
def rotate(as_json: bool) -> None:
    """Cifra tudo de novo com a primeira chave de SECRET_KEY. Pode ser interrompido e repetido.

    Antes: SECRET_KEY=nova,antiga em todos os processos, reiniciados. Depois: SECRET_KEY=nova.
    """

    async def work() -> Rotated:
        async with database() as settings:
            return await secret_keys.rotate(Vault(settings.secret_keys))

    done = run(work())
    if as_json:
        show_json(done)
    else:
        click.echo(
            f"{done.rewritten} credenciais cifradas de novo; {done.current} já estavam com a primeira chave."
        )
    if done.lost:
        raise StillNeeded(f"Nenhuma chave abre: {', '.join(done.lost)}. Cadastre essas credenciais de novo.")
    if not as_json:
        click.echo("As outras chaves de SECRET_KEY podem sair.")
