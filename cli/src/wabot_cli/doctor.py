"""`wabot doctor`: what is wrong, and the command that mends it."""

import sys

import click

from wabot import doctor as examination
from wabot.errors import Away, BadSetting
from wabot.settings import Settings, load
from wabot.whatsapp.client import Graph
from wabot_cli.support import database, json_option, run, show_json

COLOURS = {"error": "red", "warning": "yellow"}


@click.command()
@json_option
def doctor(as_json: bool) -> None:
    """Examina a instalação: o que responde, o que falta, o que está parado. Termina com 1 se houver erro."""
    try:
        report = run(_examine(load()))
    except BadSetting as wrong:
        report = examination.misconfigured(wrong)
    if as_json:
        show_json(report)
    else:
        _show(report)
    sys.exit(0 if report.ok else 1)


async def _examine(settings: Settings) -> examination.Report:
    graph = Graph(settings.graph_api_url, settings.graph_api_version)
    try:
        async with database():
            return await examination.examine(settings, graph)
    except Away as away:
        return await examination.without_database(settings, graph, away)
    finally:
        await graph.close()


def _show(report: examination.Report) -> None:
    for finding in report.findings:
        click.secho(
            f"{'✗' if finding.severity == 'error' else '!'} {finding.message}", fg=COLOURS[finding.severity]
        )
        if finding.fix:
            click.echo(f"    → {finding.fix}")
    if not report.findings:
        click.secho("✓ Tudo certo.", fg="green")
    if report.counts:
        click.echo("  ".join(f"{name}: {number}" for name, number in report.counts.items()))
