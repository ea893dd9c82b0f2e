"""`wabot agenda …`: what runs when, how it went, changed or run now."""

from datetime import datetime
from zoneinfo import ZoneInfo

import click
from msgspec import UNSET

from wabot import agenda as agendamentos
from wabot import chatbots
from wabot.agenda import WHY_NOT, Agendamento, AgendamentoChange
from wabot.plugins.registry import Registry, load_registry
from wabot_cli.support import database, json_option, pairs, printable, run, show_json, show_table

CHATBOTS_OWN = "chatbot"
"""In the place of a time zone: none of its own."""

bot_option = click.option("--bot", default=None, help="O chatbot: id, número ou nome.")


@click.group()
def agenda() -> None:
    """A agenda: tarefas e campanhas de cada chatbot com hora marcada."""


@agenda.command("list")
@bot_option
@json_option
def list_(bot: str | None, as_json: bool) -> None:
    """O que roda quando, e no que deu da última vez; de um chatbot ou de todos."""

    async def work() -> list[Agendamento]:
        async with database():
            return await agendamentos.of_chatbot(await _bot(bot))

    found = run(work())
    if as_json:
        show_json(found)
    elif found:
        show_table(
            [_row(one) for one in found], "id", "bot", "tarefa", "cron", "próxima", "última", "resultado"
        )
    else:
        click.echo("Nada na agenda ainda: um worker a preenche quando começa.")


@agenda.command()
@click.argument("which", metavar="TAREFA")
@bot_option
@json_option
def show(which: str, bot: str | None, as_json: bool) -> None:
    """Mostra um agendamento: TAREFA é o id, ou o nome com --bot."""

    async def work() -> Agendamento:
        async with database():
            return await agendamentos.find(which, await _bot(bot))

    _tell(run(work()), as_json)


@agenda.command("run")
@click.argument("which", metavar="TAREFA")
@bot_option
@json_option
def run_(which: str, bot: str | None, as_json: bool) -> None:
    """Roda já, também o que está desligado: um worker começa em segundos. O resultado: wabot agenda show."""

    async def work() -> Agendamento:
        async with database():
            found = await agendamentos.find(which, await _bot(bot))
            return await agendamentos.ask(found.id)

    asked = run(work())
    if as_json:
        show_json(asked)
    else:
        click.echo(f"{asked.titulo}: um worker começa em segundos. Veja: wabot agenda show {asked.id}")


@agenda.command("set")
@click.argument("which", metavar="TAREFA")
@bot_option
@click.option("--cron", default=None, help="Minuto, hora, dia, mês e dia da semana: '0 10 * * *'.")
@click.option("--timezone", default=None, help=f"Um fuso, ou {CHATBOTS_OWN}: o do chatbot.")
@click.option("--on/--off", "enabled", default=None, help="Se roda nos seus horários.")
@click.option(
    "--missed",
    type=click.Choice(["run", "skip"]),
    default=None,
    help="Horário perdido: rodar uma vez, ou pular.",
)
@click.option("--arg", "arguments", multiple=True, metavar="CHAVE=VALOR", help="Argumento; pode repetir.")
@json_option
def set_(
    which: str,
    bot: str | None,
    cron: str | None,
    timezone: str | None,
    enabled: bool | None,
    missed: agendamentos.Missed | None,
    arguments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Muda horário, fuso, chave ou argumentos. A próxima vez é recalculada na hora."""
    change = AgendamentoChange(
        cron=UNSET if cron is None else cron,
        timezone=UNSET if timezone is None else None if timezone == CHATBOTS_OWN else timezone,
        enabled=UNSET if enabled is None else enabled,
        missed=UNSET if missed is None else missed,
        arguments=pairs("--arg", arguments) if arguments else UNSET,
    )
    if change == AgendamentoChange():
        raise click.UsageError("Diga o que muda: --cron, --timezone, --on, --off, --missed ou --arg.")

    async def work() -> Agendamento:
        async with database():
            found = await agendamentos.find(which, await _bot(bot))
            registry = await load_registry() if arguments else Registry([])
            return await agendamentos.change(registry, found.id, change)

    _tell(run(work()), as_json)


async def _bot(reference: str | None) -> int | None:
    return None if reference is None else (await chatbots.find(reference)).id


def _tell(one: Agendamento, as_json: bool) -> None:
    if as_json:
        show_json(one)
        return
    arguments = " ".join(f"{name}={value}" for name, value in one.arguments.items())
    for name, value in (
        ("id", str(one.id)),
        ("tarefa", f"{one.titulo} ({one.plugin or 'wabot'}: {one.job})"),
        ("chatbot", str(one.chatbot)),
        ("cron", f"{one.cron}, em {one.zone}{'' if one.timezone else ' (do chatbot)'}"),
        ("argumentos", arguments or "nenhum"),
        ("perdidos", "roda uma vez" if one.missed == "run" else "pula"),
        ("próxima", _next(one)),
        ("última", _when(one.last_run, one.zone) or "ainda não rodou"),
        ("resultado", _result(one)),
        ("atenção", WHY_NOT.get(one.hindrance, "")),
    ):
        if value:
            click.echo(f"{name:11} {value}")


def _row(one: Agendamento) -> tuple[str, ...]:
    last = _when(one.last_run, one.zone)
    return (str(one.id), str(one.chatbot), one.job, one.cron, _next(one), last, _result(one)[:60])


def _next(one: Agendamento) -> str:
    if one.asked_at:
        return "já"
    if not one.enabled or one.hindrance:
        return "desligado"
    return _when(one.next_run, one.zone) or "a calcular"


def _result(one: Agendamento) -> str:
    told = printable(one.last_result or "")
    return f"✗ {told}" if one.last_ok is False else told


def _when(moment: datetime | None, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%d/%m/%Y %H:%M}" if moment else ""
