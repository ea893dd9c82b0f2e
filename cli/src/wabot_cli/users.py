"""`wabot users …`: the people who may enter the panel."""

from collections.abc import Awaitable, Callable

import click

from wabot import chatbots, people
from wabot.parts import Papel
from wabot.people import PAPEIS, PersonOut
from wabot_cli.support import database, json_option, run, secret, show_json, show_table

senha_option = click.option(
    "--senha", required=True, help="A senha, de 10 caracteres ou mais; - lê da entrada."
)
papel_option = click.option(
    "--papel", type=click.Choice(PAPEIS), help="leitor vê; operador atende; dono decide tudo do chatbot."
)
person_argument = click.argument("person", metavar="PESSOA")


@click.group()
def users() -> None:
    """Pessoas que entram no painel. PESSOA é o e-mail ou o id."""


@users.command()
@click.option("--email", required=True, help="O e-mail com que a pessoa entra.")
@senha_option
@click.option("--superuser", is_flag=True, help="Pode tudo, em todos os chatbots, e entra em /admin/.")
@click.option("--bot", default=None, help="O chatbot (id, número ou nome) em que terá o papel.")
@papel_option
@json_option
def add(email: str, senha: str, superuser: bool, bot: str | None, papel: Papel | None, as_json: bool) -> None:
    """Cadastra uma pessoa."""
    if (bot is None) != (papel is None):
        raise click.UsageError("--bot e --papel vão juntos: o papel vale no chatbot.")

    async def work() -> PersonOut:
        async with database():
            papeis = {(await chatbots.find(bot)).id: papel} if bot and papel else {}
            return await people.add(email, secret(senha), superuser=superuser, papeis=papeis)

    _tell(run(work()), as_json, "{email} pode entrar no painel.")


@users.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Lista as pessoas e os seus papéis."""

    async def work() -> list[PersonOut]:
        async with database():
            return await people.everyone()

    found = run(work())
    if as_json:
        show_json(found)
    elif found:
        rows = [(str(p.id), p.email, _roles(p), "sim" if p.ativo else "não") for p in found]
        show_table(rows, "id", "e-mail", "papéis", "ativo")
    else:
        click.echo("Ainda não há pessoas. Cadastre uma: wabot users add --help")


@users.command()
@person_argument
@json_option
def show(person: str, as_json: bool) -> None:
    """Mostra uma pessoa."""
    found = _with(person, _same)
    if as_json:
        show_json(found)
    else:
        for name in found.__struct_fields__:
            click.echo(f"{name:10} {_roles(found) if name == 'papeis' else getattr(found, name)}")


@users.command()
@person_argument
@senha_option
def password(person: str, senha: str) -> None:
    """Dá uma senha nova a quem esqueceu a sua, e encerra as suas sessões."""

    async def change(found: PersonOut) -> PersonOut:
        await people.set_password(found.id, secret(senha))
        return found

    _tell(_with(person, change), False, "{email} tem uma senha nova.")


@users.command()
@person_argument
@click.option("--bot", required=True, help="O chatbot: id, número ou nome.")
@papel_option
@click.option("--retirar", is_flag=True, help="Tira o papel que a pessoa tem neste chatbot.")
@json_option
def role(person: str, bot: str, papel: Papel | None, retirar: bool, as_json: bool) -> None:
    """Dá, muda ou tira o papel de uma pessoa em um chatbot."""
    if (papel is None) != retirar:
        raise click.UsageError("Use --papel, para dar, ou --retirar, para tirar.")

    async def change(found: PersonOut) -> PersonOut:
        chatbot = (await chatbots.find(bot)).id
        return await (people.grant(found.id, chatbot, papel) if papel else people.withdraw(found.id, chatbot))

    _tell(_with(person, change), as_json, "{email}: {papeis}.")


@users.command()
@person_argument
@json_option
def disable(person: str, as_json: bool) -> None:
    """Não deixa mais a pessoa entrar, e encerra as suas sessões na hora."""
    _tell(_with(person, lambda found: people.set_active(found.id, False)), as_json, "{email} não entra mais.")


@users.command()
@person_argument
@json_option
def enable(person: str, as_json: bool) -> None:
    """Deixa a pessoa entrar de novo, com os papéis que tinha."""
    _tell(_with(person, lambda found: people.set_active(found.id, True)), as_json, "{email} entra de novo.")


async def _same(found: PersonOut) -> PersonOut:
    return found


def _with(reference: str, change: Callable[[PersonOut], Awaitable[PersonOut]]) -> PersonOut:
    """Find the person, and do something to them."""

    async def work() -> PersonOut:
        async with database():
            return await change(await people.find(reference))

    return run(work())


def _tell(person: PersonOut, as_json: bool, words: str) -> None:
    if as_json:
        show_json(person)
    else:
        click.echo(words.format(email=person.email, papeis=_roles(person)))


def _roles(person: PersonOut) -> str:
    roles = [f"{papel} no chatbot {chatbot}" for chatbot, papel in person.papeis.items()]
    return ", ".join((["superuser"] if person.superuser else []) + roles) or "nenhum papel"
