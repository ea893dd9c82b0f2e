"""The chatbots and their plugins: what keeps one from answering."""

from collections.abc import Mapping

from wabot.db.directory import Bot, Directory
from wabot.db.engine import DB
from wabot.doctor.findings import Finding, error, warning
from wabot.plugins.bindings import all_bindings
from wabot.plugins.catalogue import Entry, catalogue
from wabot.settings import KEY_FILE, Settings
from wabot.vault import Vault

FAILING = """
SELECT plugin, nome, error, since FROM plugin_health JOIN chatbot ON chatbot.id = chatbot
WHERE NOT ok ORDER BY since
"""


async def all_of_them(settings: Settings) -> list[Finding]:
    directory = Directory(settings, Vault(settings.secret_keys))
    await directory.load()
    total = await DB.fetchval("SELECT count(*) FROM chatbot")
    findings = []
    if not total:
        findings.append(warning("no-bots", "Ainda não há chatbots.", "wabot bots add --help"))
    if total > len(directory.bots):
        message = "Há credenciais que não abrem com a SECRET_KEY atual."
        findings.append(
            error("secret-key", message, "acrescente a chave antiga a SECRET_KEY, depois de uma vírgula")
        )
    elif total and settings.key_generated:
        path = settings.home / KEY_FILE
        message = (
            f"As credenciais só abrem com a chave gerada em {path}; perdida, teriam de ser gravadas de novo."
        )
        fix = f'guarde uma cópia dela e ponha-a no ambiente: SECRET_KEY="$(cat {path})"'
        findings.append(warning("key-generated", message, fix))
    plugins = await catalogue()
    bindings = [binding for binding in await all_bindings() if binding.enabled]
    for bot in directory.bots:
        if bot.ativo:
            findings += _of_bot(bot, plugins, {b.plugin for b in bindings if b.chatbot == bot.id})
    return findings


def _of_bot(bot: Bot, plugins: Mapping[str, Entry], on: set[str]) -> list[Finding]:
    """What is wrong with one active chatbot, whose enabled plugins are these."""
    findings = []
    if not bot.app_secret:
        message = f"O chatbot {bot.nome} não tem app secret: os webhooks dele são recusados."
        findings.append(error("app-secret", message, f"wabot bots update {bot.id} --app-secret -"))
    for plugin in sorted(on):
        if plugin in plugins and plugins[plugin].status == "orphaned":
            message = f"O chatbot {bot.nome} usa o plugin {plugin}, que não está instalado."
            findings.append(error("orphaned", message, plugins[plugin].error.rpartition(": ")[2]))
    if not any(plugins[plugin].descriptor.flows for plugin in on if plugin in plugins):
        message = f"O chatbot {bot.nome} não tem nenhum fluxo ligado: ninguém é respondido."
        findings.append(warning("no-flow", message, f"wabot plugins enable pedidos --bot {bot.id}"))
    return findings


async def plugins() -> list[Finding]:
    """Those that cannot be used, whoever uses them."""
    return [
        error("plugin", f"O plugin {p.id} não pode ser usado: {p.error}", f"wabot plugins show {p.id}")
        for p in (await catalogue()).values()
        if p.status in ("broken", "incompatible")
    ]


async def failing() -> list[Finding]:
    """Plugins that keep failing on a bot, as their breakers wrote it down."""
    return [
        error(
            "plugin-failing",
            f"O plugin {row['plugin']} falha no chatbot {row['nome']} desde {row['since']:%d/%m %H:%M} UTC: "
            f"{row['error']}",
            f"wabot plugins show {row['plugin']}",
        )
        for row in await DB.fetch(FAILING)
    ]
