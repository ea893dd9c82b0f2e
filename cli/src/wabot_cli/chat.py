"""`wabot chat`: talk to a bot in the terminal, without WhatsApp and without leaving a trace."""

from datetime import UTC, datetime
from pathlib import Path

import click

from wabot import chatbots
from wabot.db.directory import Directory
from wabot.db.engine import DB
from wabot.flow import Cliente
from wabot.message import Button, ButtonsMessage, Inbound, ListMessage, Outbound, Row, words_of
from wabot.plugins.registry import load_registry
from wabot.plugins.runtime import BotRuntime, Runtimes
from wabot.turn import Scene, State, Turn, take_turn
from wabot.vault import Vault
from wabot_cli.keep import Kept, is_found_by_pytest, source_of
from wabot_cli.support import database, run

STRANGER = "INSERT INTO cliente (chatbot, nome) VALUES ($1, $2) RETURNING id"


@click.command()
@click.option("--bot", required=True, help="Id, número ou nome do chatbot.")
@click.option("--nome", default="Você", show_default=True, help="Como o chatbot chama você.")
@click.option(
    "--keep",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Grava a conversa como um teste; se o arquivo já existe, no fim dele.",
)
def chat(bot: str, nome: str, keep: Path | None) -> None:
    """Conversa com um chatbot aqui mesmo. Nada é enviado nem guardado; linha vazia ou Ctrl-D termina."""
    kept = Kept(nome)
    if keep:
        source_of(keep)  # what is wrong with the file is said before the conversation, not after it
    try:
        run(_chat(bot, nome, kept))
    finally:  # also if the flow failed: then the test fails as the flow did
        if keep:
            _keep(kept, keep)


def _keep(kept: Kept, file: Path) -> None:
    if not kept.lines:
        click.echo("Nada foi dito; nenhum teste foi gravado.", err=True)
        return
    name = kept.write(file)
    click.echo(f"Conversa gravada em {file} ({name}). Rode: python -m pytest {file}", err=True)
    if not is_found_by_pytest(file):
        click.echo(f"O pytest só acha sozinho arquivos test_*.py: chame {file.name} de outro modo.", err=True)


async def _chat(reference: str, nome: str, kept: Kept) -> None:
    async with database() as settings:
        found = await chatbots.find(reference)
        vault = Vault(settings.secret_keys)
        runtimes = Runtimes(Directory(settings, vault), await load_registry(), vault)
        await runtimes.load()
        runtime = runtimes.get(found.id)
        assert runtime is not None
        kept.meets(runtime)
        await _talk(runtime, nome, kept)


async def _talk(runtime: BotRuntime, nome: str, kept: Kept) -> None:
    state, offered = State(), list[Button | Row]()
    while words := _heard(nome):
        message = _message(words, offered)
        kept.said(message)
        turn = await _tried(runtime, nome, state, message)
        state = turn.state
        kept.heard(turn)
        for reply in turn.replies:
            offered = _show(runtime.bot.nome, reply)
        for event in turn.events:
            click.secho(f"    · {event.name}", dim=True, err=True)


async def _tried(runtime: BotRuntime, nome: str, state: State, message: Inbound) -> Turn:
    """One turn, undone afterwards: at once, so that nobody's real order waits for this chat."""
    transaction = DB.transaction()
    async with transaction:
        cliente = await DB.fetchval(STRANGER, runtime.bot.id, nome)
        scene = Scene(runtime.chatbot, Cliente(cliente, nome), datetime.now(UTC))
        turn = await take_turn(runtime.flows, state, scene, message)
        await transaction.rollback()  # type: ignore[no-untyped-call]
    return turn


def _heard(nome: str) -> str:
    try:
        return str(click.prompt(click.style(nome, bold=True), default="", show_default=False)).strip()
    except click.Abort:
        return ""


def _message(words: str, offered: list[Button | Row]) -> Inbound:
    """A title typed exactly is a tap; anything else is text."""
    tapped = next((offer for offer in offered if offer.title.casefold() == words.casefold()), None)
    now = datetime.now(UTC)
    return Inbound(
        wamid=f"chat.{now.timestamp()}",
        at=now,
        kind="tap" if tapped else "text",
        text=tapped.title if tapped else words,
        option=tapped.id if tapped else "",
    )


def _show(bot: str, reply: Outbound) -> list[Button | Row]:
    click.echo(f"{click.style(bot, fg='green', bold=True)}: {words_of(reply)}")
    offered: list[Button | Row] = []
    if isinstance(reply, ButtonsMessage):
        offered = list(reply.buttons)
    elif isinstance(reply, ListMessage):
        offered = list(reply.rows)
    for number, offer in enumerate(offered, 1):
        description = f" – {offer.description}" if isinstance(offer, Row) and offer.description else ""
        click.echo(f"    {number}. {offer.title}{description}")
    return offered
