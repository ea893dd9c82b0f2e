"""`wabot import-legacy`: takes over the system before this one."""

import sys

import click

from wabot.legacy.kinds import Available
from wabot.legacy.run import Report, take_over
from wabot.legacy.source import open_source
from wabot.legacy.taking import Left, Taken
from wabot.plugins.catalogue import catalogue
from wabot.plugins.registry import load_registry
from wabot.vault import Vault
from wabot_cli.support import database, json_option, run, show_json, show_table

SHOWN = 20


@click.command("import-legacy")
@click.argument("source", metavar="ORIGEM")
@click.option("--yes", is_flag=True, help="Importa de verdade; sem isto, só diz o que seria importado.")
@click.option("--timezone", help="Fuso das horas que não dizem o seu (padrão: TIMEZONE).")
@json_option
def import_legacy(source: str, yes: bool, timezone: str | None, as_json: bool) -> None:
    """Traz chatbots, clientes, cardápio, pedidos e mensagens do sistema antigo, em Django.

    ORIGEM é o banco antigo, do qual só se lê: postgresql://… ou um arquivo SQLite. Pode ser repetido: o que já veio
    não vem de novo. Nenhuma mensagem é enviada nem respondida.
    """

    async def work() -> Report:
        async with database() as settings, open_source(source, timezone or settings.timezone) as old:
            registry = await load_registry()
            available = Available(registry, await catalogue(), Vault(settings.secret_keys))
            return await take_over(old, available, settings.timezone, _progress, apply=yes)

    report = run(work())
    if as_json:
        show_json(report)
    else:
        _show(report)


def _progress(taken: Taken, total: int) -> None:
    """On a terminal only: how far the kind in hand has come."""
    if sys.stderr.isatty():
        done = taken.novos + taken.ja_importados + taken.recusados
        click.echo(f"\r\033[K{taken.kind}: {done} de {total}", err=True, nl=done >= total)


def _show(report: Report) -> None:
    rows = [(t.kind, str(t.novos), str(t.ja_importados), str(t.recusados)) for t in report.importados]
    show_table(rows, "o quê", "novos", "já importados", "recusados")
    for left in report.recusados[:SHOWN]:
        click.echo(_why(left))
    if (refused := sum(taken.recusados for taken in report.importados)) > SHOWN:
        click.echo(f"… {refused} recusados ao todo; com --json, os primeiros cem de cada tipo.")
    for behind in report.ficam:
        click.echo(f"Fica no sistema antigo: {behind.linhas} × {behind.motivo}.")
    click.echo("Importado." if report.aplicado else "Nada foi importado. Para importar: repita com --yes")


def _why(left: Left) -> str:
    return f"{left.kind} {left.id}: {left.why}"
