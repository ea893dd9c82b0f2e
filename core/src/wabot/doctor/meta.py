"""What Meta holds against the numbers: as it told in notices, as it refuses, and as it says when it is asked."""

from functools import partial

from wabot import holds, troubles
from wabot.db.directory import Bot, Directory
from wabot.db.engine import DB
from wabot.doctor.findings import Check, Finding, error, warning
from wabot.holds import Hold
from wabot.settings import Settings
from wabot.vault import Vault
from wabot.verification import Item
from wabot.verify import SILENT, verify
from wabot.whatsapp.client import Graph
from wabot.whatsapp.failures import MENDED_BY_TOKEN

FAILED_NOTICES = "SELECT count(*) FROM notice WHERE state = 'ignorada' AND error <> ''"


async def notices() -> list[Finding]:
    """What Meta told in its notices, and those that could not be read."""
    findings = [
        error("number-stopped", trouble.what, trouble.fix)
        if trouble.grave
        else warning("number", trouble.what, trouble.fix)
        for trouble in await troubles.of_numbers()
    ]
    findings += [warning("template", trouble.what, trouble.fix) for trouble in await troubles.of_templates()]
    if failed := await DB.fetchval(FAILED_NOTICES):
        message = f"{failed} avisos da Meta não puderam ser tratados."
        findings.append(warning("notice", message, "veja o motivo na coluna error da tabela notice"))
    return findings


async def held() -> list[Finding]:
    """Numbers that Meta refuses until somebody mends something."""
    return [_held(hold) for hold in await holds.standing()]


def _held(hold: Hold) -> Finding:
    since = f"{hold.since:%d/%m %H:%M} UTC (erro {hold.code} da Meta)"
    return error(
        "number-held",
        f"O chatbot {hold.nome} não envia desde {since}: {hold.reason} As mensagens esperam na fila.",
        f"wabot bots update {hold.chatbot} --access-token -"
        if hold.code in MENDED_BY_TOKEN
        else "resolva no Meta Business; o envio recomeça sozinho, em cerca de um minuto",
    )


async def asked(settings: Settings, graph: Graph) -> dict[str, Check]:
    """A check for each active chatbot, to be run side by side."""
    directory = Directory(settings, Vault(settings.secret_keys))
    await directory.load()
    return {f"{bot.nome} na Meta": partial(_asked, bot, graph) for bot in directory.bots if bot.ativo}


async def _asked(bot: Bot, graph: Graph) -> list[Finding]:
    told = await verify(bot, graph)
    return [_found(bot, item) for item in told.itens if not item.ok and item.codigo not in KNOWN_OTHERWISE]


KNOWN_OTHERWISE = {"credenciais", "app_secret", "qualidade"}
"""What other checks find without asking."""


def _found(bot: Bot, item: Item) -> Finding:
    message = f"Chatbot {bot.nome}: {item.mensagem}"
    fix = item.conserto
    if item.mensagem == SILENT:
        return error("meta", message, fix)
    match item.codigo:
        case "token":
            return error("token", message, f"{fix.rstrip('.')}: wabot bots update {bot.id} --access-token -")
        case "verify_token":
            return warning("verify-token", message, f"wabot bots update {bot.id} --verify-token -")
        case "numero":
            return error("registration", message, fix)
        case "pagamento":
            return error("payment", message, fix)
        case "webhook":
            return error("webhook", message, fix)
        case "conta":
            return error("account", message, fix)
        case "assinatura":
            return error("subscription", message, fix)
        case _:
            return error("sending", message, fix)
