"""`wabot plugins …`: what is installed, which bot uses it, and what an upgrade would do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from wabot import chatbots
from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.plugins import bindings, catalogue
from wabot.plugins.catalogue import Entry, Status
from wabot.plugins.descriptor import Descriptor
from wabot.upgrade import Fate
from wabot.vault import Vault
from wabot_cli.check import check
from wabot_cli.new import new
from wabot_cli.support import database, json_option, pairs, run, show_json, show_table

STATUS = {"ok": "ok", "broken": "quebrado", "incompatible": "incompatível", "orphaned": "falta instalar"}
FATE: dict[Fate, str] = {
    "continues": "continuam como estão",
    "migrates": "migram",
    "waits": "esperam um processo com a versão nova",
    "restart": "recomeçam do início",
    "hand_over": "vão para uma pessoa",
}
USE = """
SELECT binding.plugin, binding.chatbot, nome, enabled, priority, health.error
FROM plugin_binding AS binding JOIN chatbot ON chatbot.id = binding.chatbot
LEFT JOIN LATERAL (
    SELECT string_agg(concat_ws(': ', nullif(part, ''), error), '; ' ORDER BY part) AS error FROM plugin_health
    WHERE chatbot = binding.chatbot AND plugin = binding.plugin AND NOT ok) AS health ON true
ORDER BY binding.plugin, binding.chatbot
"""


class NoSuchPlugin(WabotError):
    """No plugin of that id is installed, or it cannot be used."""


class Use(msgspec.Struct, frozen=True):
    """One bot that has the plugin: what a person wants (`enabled`) and how it does (`ok`) are two things."""

    chatbot: int
    nome: str
    enabled: bool
    priority: int
    ok: bool
    error: str


class Listed(msgspec.Struct, frozen=True):
    """One line of `wabot plugins list`."""

    id: str
    distribution: str
    version: str
    title: str
    kinds: tuple[str, ...]
    status: Status
    error: str
    bots: list[int]


class Shown(Listed, frozen=True):
    """Everything `wabot plugins show` knows."""

    module: str
    requires: tuple[str, ...]
    descriptor: Descriptor
    uses: list[Use]


@click.group()
def plugins() -> None:
    """Plugins instalados, e os chatbots que os usam."""


plugins.add_command(new)
plugins.add_command(check)


@plugins.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Lista os plugins, sem importar nenhum. Um plugin quebrado aparece com o motivo e não atrapalha os outros."""

    async def work() -> list[Listed]:
        async with database():
            uses = await _uses()
            return [_listed(entry, uses) for entry in (await catalogue.catalogue()).values()]

    _show_list(run(work()), as_json)


@plugins.command()
@click.option("--again", is_flag=True, help="Examina também o que já foi examinado.")
@json_option
def sync(again: bool, as_json: bool) -> None:
    """Examina os plugins novos ou atualizados, cada um em um processo à parte, e mostra a lista."""

    async def work() -> list[Listed]:
        async with database():
            uses = await _uses()
            return [_listed(entry, uses) for entry in (await catalogue.sync(again=again)).values()]

    _show_list(run(work()), as_json)


@plugins.command()
@click.argument("plugin")
@click.option("--graph", is_flag=True, help="Desenha os fluxos em Mermaid.")
@click.option(
    "--svg", type=click.Path(path_type=Path, dir_okay=False), help="Grava o desenho em um arquivo SVG."
)
@json_option
def show(plugin: str, graph: bool, svg: Path | None, as_json: bool) -> None:
    """Mostra um plugin, sem importá-lo: o que declara, quem o usa e como vai."""

    async def work() -> Shown:
        async with database():
            return _shown(_found(await catalogue.catalogue(), plugin), await _uses())

    found = run(work())
    if graph or svg:
        _draw(found, svg)
    elif as_json:
        show_json(found)
    else:
        _show(found)


@plugins.command()
@click.argument("plugin")
@click.option("--bot", required=True, help="Id, número ou nome do chatbot.")
@click.option("--set", "values", multiple=True, metavar="CHAVE=VALOR", help="Configuração; pode repetir.")
@click.option("--priority", type=int, default=None, help="O maior é o que um “oi” começa.")
def enable(plugin: str, bot: str, values: tuple[str, ...], priority: int | None) -> None:
    """Liga um plugin para um chatbot, ou muda a configuração dele."""
    from wabot.db.pending import pending
    from wabot.plugins.registry import load

    given = pairs("--set", values)

    async def work() -> tuple[str, Entry, bool]:
        async with database() as settings:
            chatbot = await chatbots.find(bot)
            known = await catalogue.sync()
            entry = _found(known, plugin)
            loaded = load(entry)
            if loaded is None:
                raise NoSuchPlugin(f"O plugin {plugin} não pode ser ligado: {entry.error or 'não carrega'}.")
            vault = Vault(settings.secret_keys)
            await bindings.enable(chatbot.id, loaded, given, vault, known, priority)
            return chatbot.nome, entry, bool(await pending(entry.descriptor.migrations))

    nome, entry, unmigrated = run(work())
    click.echo(f"Plugin {plugin} ligado para {nome}.")
    if unmigrated:
        click.echo("Atenção: faltam as tabelas deste plugin; rode: wabot migrate", err=True)
    if not entry.descriptor.hooks:
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


@plugins.command("upgrade-plan")
@click.argument("plugin", default="")
@json_option
def upgrade_plan(plugin: str, as_json: bool) -> None:
    """Conta as conversas em andamento e diz o que a versão instalada agora faz com cada uma. Não muda nada."""
    from wabot.plugins import plan
    from wabot.plugins.registry import load_registry

    async def work() -> list[plan.Planned]:
        async with database():
            registry = await load_registry()
            if plugin and plugin not in registry.plugins:
                raise NoSuchPlugin(
                    f"Não há plugin {plugin!r} em uso. Há: {', '.join(registry.plugins) or 'nenhum'}."
                )
            return await plan.upgrade_plan(registry, plugin)

    planned = run(work())
    if as_json:
        show_json(planned)
    elif planned:
        rows = [
            (
                p.flow,
                str(p.version),
                p.etapa,
                str(p.conversas),
                " ".join([FATE[p.fate], *filter(None, [_detail(p)])]),
            )
            for p in planned
        ]
        show_table(rows, "fluxo", "versão", "etapa", "conversas", "o que acontece")
    else:
        click.echo("Nenhuma conversa em andamento.")


def _detail(planned: Any) -> str:
    if planned.why:
        return f"({planned.why})"
    return f"para {planned.goes_on_at}" if planned.goes_on_at not in ("", planned.etapa) else ""


async def _uses() -> dict[str, list[Use]]:
    uses: dict[str, list[Use]] = {}
    for row in await DB.fetch(USE):
        use = Use(
            row["chatbot"],
            row["nome"],
            row["enabled"],
            row["priority"],
            row["error"] is None,
            row["error"] or "",
        )
        uses.setdefault(row["plugin"], []).append(use)
    return uses


def _found(known: Mapping[str, Entry], plugin: str) -> Entry:
    if plugin not in known:
        raise NoSuchPlugin(f"Não há plugin {plugin!r} instalado. Instalados: {', '.join(known) or 'nenhum'}.")
    return known[plugin]


def _listed(entry: Entry, uses: Mapping[str, list[Use]]) -> Listed:
    about = entry.about
    return Listed(
        entry.id,
        about.distribution,
        about.version,
        entry.title,
        entry.descriptor.kinds,
        entry.status,
        entry.error,
        [use.chatbot for use in uses.get(entry.id, []) if use.enabled],
    )


def _shown(entry: Entry, uses: Mapping[str, list[Use]]) -> Shown:
    return Shown(
        **msgspec.structs.asdict(_listed(entry, uses)),
        module=entry.about.module,
        requires=entry.about.requires,
        descriptor=entry.descriptor,
        uses=uses.get(entry.id, []),
    )


def _show_list(found: list[Listed], as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    rows = [
        (p.id, p.version, ", ".join(p.kinds), STATUS[p.status], ", ".join(map(str, p.bots)), p.title)
        for p in found
    ]
    show_table(rows, "id", "versão", "tipo", "estado", "chatbots", "título")
    for plugin in found:
        if plugin.error:
            click.echo(f"\n{plugin.id}: {plugin.error}")


def _show(plugin: Shown) -> None:
    about = plugin.descriptor
    click.secho(f"{plugin.title} ({plugin.id})", bold=True)
    lines = {
        "pacote": f"{plugin.distribution} {plugin.version}",
        "estado": STATUS[plugin.status] + (f": {plugin.error}" if plugin.error else ""),
        "tipo": ", ".join(plugin.kinds),
        "precisa": ", ".join(plugin.requires),
        "fluxos": ", ".join(f"{flow.id} (versão {flow.version})" for flow in about.flows),
        "altera": ", ".join(about.overrides),
        "filtros": ", ".join(about.filters),
        "tarefas": ", ".join(f"{job.name} ({job.cron})" for job in about.jobs),
        "coletores": ", ".join(about.sinks),
        "campanhas": ", ".join(f"{part.name} ({part.cron})" for part in about.campaigns),
        "tabelas": ", ".join(about.tables),
        "API": ", ".join(f"/api/{plugin.id}{path}" for path in about.routes),
    }
    for name, text in lines.items():
        if text:
            click.echo(f"  {name:10} {text}")
    for flow in about.flows:
        click.echo(f"\n  Etapas de {flow.id}: " + " → ".join(step.codigo for step in flow.graph.steps))
    if about.config:
        click.echo("\n  Configuração (--set CHAVE=VALOR):")
        for name, text in _fields(about.config.schema):
            click.echo(f"    {name:20} {text}")
    for use in plugin.uses:
        intent = "ligado" if use.enabled else "desligado"
        health = "" if use.ok else f", falhando: {use.error}"
        click.echo(f"\n  Chatbot {use.chatbot} ({use.nome}): {intent}{health}")


def _fields(schema: dict[str, Any]) -> list[tuple[str, str]]:
    """Each field's name with its label, help and default, from the JSON Schema."""
    named = schema.get("$ref", "").rpartition("/")[2]
    properties = schema.get("$defs", {}).get(named, schema).get("properties", {})
    return [(name, _field(about)) for name, about in properties.items()]


def _field(about: dict[str, Any]) -> str:
    default = f"padrão: {about['default']!r}" if "default" in about else ""
    return " · ".join(filter(None, [about.get("title", ""), about.get("description", ""), default]))


def _draw(plugin: Shown, svg: Path | None) -> None:
    from wabot.plugins import drawing

    graphs = [flow.graph for flow in plugin.descriptor.flows]
    if not graphs:
        raise NoSuchPlugin(f"O plugin {plugin.id} não tem fluxos para desenhar.")
    if svg is None:
        click.echo("\n".join(drawing.mermaid(graph) for graph in graphs))
        return
    svg.write_text("\n".join(drawing.svg(graph) for graph in graphs[:1]), encoding="utf-8")
    click.echo(f"Desenho gravado em {svg}.", err=True)
