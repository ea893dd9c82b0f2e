"""`wabot backup FILE` and `wabot restore FILE`: everything in one file, and back."""

from pathlib import Path

import click

from wabot.backup.manifest import Manifest
from wabot.backup.restore import Restored
from wabot.backup.restore import restore as bring_back
from wabot.backup.save import save
from wabot.storage import STORAGE
from wabot_cli.support import database, json_option, run, show_json

file_argument = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@file_argument
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Guarda em FILE todas as tabelas, de um mesmo instante, e os arquivos. O wabot continua trabalhando.

    As chaves de SECRET_KEY não vão junto: o que se mostra é a impressão das que serão precisas.
    """

    async def work() -> Manifest:
        async with database() as settings:
            STORAGE.open(settings.home, settings.media_url)
            return await save(file, settings, _progress)

    made = run(work())
    if as_json:
        show_json(made)
    else:
        _show_made(file, made)


@click.command()
@file_argument
@click.option("--replace", is_flag=True, help="Apaga antes tudo o que houver no banco.")
@json_option
def restore(file: Path, replace: bool, as_json: bool) -> None:
    """Traz de volta o que FILE guardou, a um banco vazio, com todos os processos parados. Tudo ou nada.

    O que esperava resposta ou envio na hora do backup fica separado: wabot dead list.
    """

    async def work() -> Restored:
        async with database() as settings:
            STORAGE.open(settings.home, settings.media_url)
            return await bring_back(file, settings, replace=replace, tell=_progress)

    done = run(work())
    if as_json:
        show_json(done)
    else:
        _show_restored(done)


def _progress(what: str) -> None:
    click.echo(f"  {what}", err=True)


def _show_made(file: Path, made: Manifest) -> None:
    click.echo(
        f"{file}: {len(made.tables)} tabelas, {made.rows} linhas, {len(made.media)} arquivos, "
        f"como estavam em {made.made_at:%d/%m/%Y %H:%M:%S} UTC."
    )
    for key in made.keys:
        click.echo(
            f"Guarde à parte a chave {key.fingerprint} de SECRET_KEY: {key.secrets} credenciais dependem dela."
        )
    if made.unreadable:
        click.echo(f"{made.unreadable} credenciais não abrem com a SECRET_KEY atual.", err=True)
    if made.bucket:
        click.echo(f"{len(made.bucket)} arquivos ficam onde estão, em MEDIA_URL; cuide da cópia desse balde.")


def _show_restored(done: Restored) -> None:
    click.echo(
        f"{done.tables} tabelas, {done.rows} linhas e {done.files} arquivos, conferidos, "
        f"como estavam em {done.made_at:%d/%m/%Y %H:%M:%S} UTC."
    )
    if done.aside.inbox or done.aside.outbox:
        click.echo(
            f"Separadas, sem enviar nada: {done.aside.inbox} mensagens sem resposta e {done.aside.outbox} a enviar. "
            "Veja-as com wabot dead list; depois, wabot dead retry --restored ou wabot dead drop --restored."
        )
    for key in done.keys_missing:
        click.echo(f"Falta em SECRET_KEY a chave {key}: há credenciais que não abrem sem ela.", err=True)
    if done.files_missing:
        click.echo(f"{done.files_missing} arquivos não estão onde deviam.", err=True)
    for table in done.left_out:
        click.echo(f"Ficou de fora a tabela {table}, que não é do wabot.", err=True)
    click.echo(
        "Pessoas apagadas depois do backup voltaram com ele: apague-as de novo (wabot clientes erase)."
    )
