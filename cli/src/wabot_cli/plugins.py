"""`wabot plugins …`: what is installed, and which bot uses it."""

import click
import msgspec

from wabot import chatbots
from wabot.errors import WabotError
from wabot.plugins import bindings
from wabot.plugins.registry import Plugin, Registry, Status
from wabot_cli.support import database, json_option, run, show_json, show_table


class NoSuchPlugin(WabotError):
    """No plugin of that id is installed."""


class Listed(msgspec.Struct, frozen=True):
    """One line of `wabot plugins list`."""

    id: str
    distribution: str
    version: str
    title: str
    kinds: list[str]
    status: Status
    error: str
    bots: list[int]


@click.group()
def plugins() -> None:
    """Plugins instalados, e os chatbots que os usam."""


@plugins.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Lista os plugins. Um plugin quebrado aparece com o motivo e não atrapalha os outros."""

    async def work() -> list[Listed]:
        async with database():
            return _listed(Registry(), await bindings.all_bindings())

    found = run(work())
    if as_json:
        show_json(found)
        return
    rows = [
        (p.id, p.version, ", ".join(p.kinds), p.status, ", ".join(map(str, p.bots)), p.title) for p in found
    ]
    show_table(rows, "id", "versão", "tipo", "estado", "chatbots", "título")
    for plugin in found:
        if plugin.error:
            click.echo(f"\n{plugin.id}: {plugin.error}")


@plugins.command()
@click.argument("plugin")
@click.option("--bot", required=True, help="Id, número ou nome do chatbot.")
@click.option("--set", "values", multiple=True, metavar="CHAVE=VALOR", help="Configuração; pode repetir.")
@click.option("--priority", type=int, default=None, help="O maior é o que um “oi” começa.")
def enable(plugin: str, bot: str, values: tuple[str, ...], priority: int | None) -> None:
    """Liga um plugin para um chatbot."""
    pairs = _pairs(values)

    found = _usable(Registry(), plugin)

    async def work() -> str:
        async with database():
            chatbot = await chatbots.find(bot)
            await bindings.enable(chatbot.id, found, pairs, priority)
            return chatbot.nome

    click.echo(f"Plugin {plugin} ligado para {run(work())}.")
    if not found.declared.kinds:
        click.echo("Atenção: nesta versão o plugin ainda não faz nada.", err=True)


@plugins.command()
@click.argument("plugin")
@click.option("--bot", required=True, help="Id, número ou nome do chatbot.")
def disable(plugin: str, bot: str) -> None:
    """Desliga um plugin para um chatbot. A configuração e os dados ficam."""

    async def work() -> str:
        async with database():
            chatbot = await chatbots.find(bot)
            if not await bindings.disable(chatbot.id, plugin):
                raise NoSuchPlugin(f"O plugin {plugin} nunca foi ligado para {chatbot.nome}.")
            return chatbot.nome

    click.echo(f"Plugin {plugin} desligado para {run(work())}.")


def _listed(registry: Registry, bound: list[bindings.Binding]) -> list[Listed]:
    using: dict[str, list[int]] = {}
    for binding in bound:
        if binding.enabled:
            using.setdefault(binding.plugin, []).append(binding.chatbot)
    missing = [
        Plugin(
            id=plugin,
            title=plugin,
            status="orphaned",
            error=f"ligado, mas não está instalado; instale de novo: pip install wabot-{plugin}",
        )
        for plugin in sorted(using.keys() - registry.plugins.keys())
    ]
    return [
        Listed(
            p.id, p.distribution, p.version, p.title, p.declared.kinds, p.status, p.error, using.get(p.id, [])
        )
        for p in [*registry.plugins.values(), *missing]
    ]


def _usable(registry: Registry, name: str) -> Plugin:
    plugin = registry.plugins.get(name)
    if plugin is None:
        known = ", ".join(registry.plugins) or "nenhum"
        raise NoSuchPlugin(f"Não há plugin {name!r} instalado. Instalados: {known}.")
    if plugin.status != "ok":
        raise NoSuchPlugin(f"O plugin {name} não pode ser ligado: {plugin.error}")
    return plugin


def _pairs(values: tuple[str, ...]) -> dict[str, str]:
    if wrong := [value for value in values if "=" not in value]:
        raise click.UsageError(f"--set {wrong[0]}: use CHAVE=VALOR.")
    return dict(value.partition("=")[::2] for value in values)
