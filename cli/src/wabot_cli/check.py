"""`wabot plugins check`: what is wrong with a plugin, where, and what to write instead."""

import sys

import click

from wabot.plugins.check.finding import Finding, Report, Severity
from wabot_cli.support import json_option, show_json

HEADINGS: dict[Severity, tuple[str, str, str]] = {
    "error": ("✗", "red", "Erros"),
    "warning": ("!", "yellow", "Avisos"),
    "info": ("·", "cyan", "Para saber"),
}


@click.command()
@click.argument("plugin", metavar="ID|PASTA")
@click.option(
    "--update", is_flag=True, help="Regrava shapes.json, que guarda a forma dos dados de cada versão."
)
@click.option("--tests", is_flag=True, help="Roda também os testes do próprio plugin.")
@json_option
def check(plugin: str, update: bool, tests: bool, as_json: bool) -> None:
    """Confere um plugin antes de publicar: o que está errado, onde, e o que escrever.

    Aceita o id de um plugin instalado ou a pasta de um projeto. Termina com 1 se houver erro; avisos são permitidos.
    """
    from wabot.plugins.check.project import NoPlugin
    from wabot.plugins.check.run import examine

    try:
        report = examine(plugin, update=update, tests=tests)
    except NoPlugin as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        show_json(report)
    else:
        _show(report)
    sys.exit(0 if report.ok else 1)


def _show(report: Report) -> None:
    for severity, (mark, colour, heading) in HEADINGS.items():
        found = [finding for finding in report.findings if finding.severity == severity]
        if found:
            click.secho(f"{heading} ({len(found)})", bold=True)
        for finding in found:
            _line(finding, mark, colour)
    if report.ok:
        click.secho(f"✓ {report.plugin}: nenhum erro.", fg="green")
    else:
        click.secho(f"✗ {report.plugin}: há erros.", fg="red")


def _line(finding: Finding, mark: str, colour: str) -> None:
    place = f"{finding.place}  " if finding.place else ""
    click.echo(f"  {click.style(mark, fg=colour)} {place}{finding.message} [{finding.code}]")
    if finding.fix:
        click.echo(f"      → {finding.fix}")
