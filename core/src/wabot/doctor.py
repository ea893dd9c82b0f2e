"""What is reachable, configured, out of date or stuck, and the command that mends it."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from wabot import holds, troubles
from wabot.db import migrate
from wabot.db.directory import Bot, Directory
from wabot.db.engine import DB
from wabot.db.piccolo_app import APP_CONFIG as CORE
from wabot.errors import Away
from wabot.holds import Hold
from wabot.plugins.bindings import all_bindings
from wabot.plugins.catalogue import Entry, catalogue
from wabot.settings import Settings
from wabot.vault import Vault
from wabot.whatsapp.failures import MENDED_BY_TOKEN

Severity = Literal["error", "warning"]

COUNTS = """
SELECT (SELECT count(*) FROM inbox) AS received,
       (SELECT count(*) FROM inbox WHERE state = 'atendida') AS processed,
       (SELECT count(*) FROM inbox WHERE state = 'pendente') AS waiting,
       (SELECT count(*) FROM inbox WHERE state = 'morta') AS dead,
       (SELECT count(*) FROM outbox WHERE state IN ('pendente', 'enviando')) AS to_send,
       (SELECT count(*) FROM outbox WHERE state = 'enviada') AS sent,
       (SELECT count(*) FROM outbox WHERE state = 'falhou') AS failed
"""
# Of people who were erased, and what was old enough to go.
REMOVED = """
SELECT sum(many) FILTER (WHERE source = 'inbox') AS received,
       sum(many) FILTER (WHERE source = 'inbox' AND state = 'atendida') AS processed,
       sum(many) FILTER (WHERE source = 'outbox' AND state = 'enviada') AS sent,
       sum(many) FILTER (WHERE source = 'outbox' AND state = 'falhou') AS failed
FROM message_removed
"""
# What waits for a number on hold is not stuck: that is a finding of its own.
STUCK = """
WITH free AS (
    SELECT * FROM outbox WHERE state IN ('pendente', 'enviando') AND NOT bulk
        AND NOT EXISTS (SELECT FROM number_hold WHERE number_hold.chatbot = outbox.chatbot)
)
SELECT (SELECT extract(epoch FROM now() - min(received_at))::int FROM inbox WHERE state = 'pendente') AS waiting,
       (SELECT extract(epoch FROM now() - min(created_at))::int FROM free
        WHERE state = 'pendente' AND retry_at IS NULL) AS unsent,
       (SELECT count(*) FROM free WHERE state = 'pendente' AND error_code IS NOT NULL) AS refused_for_now,
       (SELECT mode() WITHIN GROUP (ORDER BY error_code) FROM free WHERE state = 'pendente') AS code,
       (SELECT count(*) FROM free
        WHERE state = 'enviando' AND sending_at < now() - make_interval(secs => $1)) AS doubtful,
       (SELECT count(*) FROM outbox WHERE state = 'falhou' AND NOT bulk) AS refused
"""
LATE_AFTER = 60
FAILED_NOTICES = "SELECT count(*) FROM notice WHERE state = 'ignorada' AND error <> ''"
FAILING = """
SELECT plugin, nome, error, since FROM plugin_health JOIN chatbot ON chatbot.id = chatbot
WHERE NOT ok ORDER BY since
"""


class Finding(msgspec.Struct, frozen=True):
    """Something to know, in a sentence, and the command that mends it."""

    severity: Severity
    code: str
    message: str
    fix: str = ""


class Report(msgspec.Struct, frozen=True):
    ok: bool
    findings: list[Finding]
    counts: dict[str, int]


async def examine(settings: Settings) -> Report:
    """Look at everything. The database must be open. No plugin is imported."""
    findings = await _queue_findings(settings)
    counts = dict.fromkeys(("received", "processed", "waiting", "dead", "to_send", "sent", "failed"), 0)
    plugins: dict[str, Entry] = {}
    if not (missing := await migrate.pending(migrate.migrations_of(CORE))):
        plugins = await catalogue()
        missing = await migrate.pending(m for p in plugins.values() for m in p.descriptor.migrations)
    if missing:
        findings.append(_error("migrations", f"Faltam {len(missing)} migrações.", "wabot migrate"))
    findings += _plugin_findings(plugins)
    if await DB.fetchval("SELECT to_regclass('inbox') IS NOT NULL"):
        counts = await count()
        findings += await _bot_findings(settings, plugins)
        findings += await _hold_findings()
        findings += await _health_findings()
        findings += [] if missing else [*await _backlog_findings(counts), *await _meta_findings()]
    return Report(not any(f.severity == "error" for f in findings), findings, counts)


async def count() -> dict[str, int]:
    """Messages by what became of them, since the beginning; what waits or is dead, now."""
    counts = dict(await DB.fetchrow(COUNTS))
    if await DB.fetchval("SELECT to_regclass('message_removed') IS NOT NULL"):
        for what, many in (await DB.fetchrow(REMOVED)).items():
            counts[what] += int(many or 0)
    return counts


def unreachable(error: Away) -> Report:
    """The report when there is no database to look into."""
    what, _, fix = str(error).rstrip(".").partition("; ")
    return Report(False, [_error("database", f"{what}.", fix)], {})


def _plugin_findings(plugins: Mapping[str, Entry]) -> list[Finding]:
    return [
        _error("plugin", f"O plugin {p.id} não pode ser usado: {p.error}", f"wabot plugins show {p.id}")
        for p in plugins.values()
        if p.status in ("broken", "incompatible")
    ]


async def _health_findings() -> list[Finding]:
    """Plugins that keep failing on a bot, as their breakers wrote it down."""
    rows = (
        await DB.fetch(FAILING)
        if await DB.fetchval("SELECT to_regclass('plugin_health') IS NOT NULL")
        else []
    )
    return [
        _error(
            "plugin-failing",
            f"O plugin {row['plugin']} falha no chatbot {row['nome']} desde {row['since']:%d/%m %H:%M} UTC: "
            f"{row['error']}",
            f"wabot plugins show {row['plugin']}",
        )
        for row in rows
    ]


async def _meta_findings() -> list[Finding]:
    """What Meta told in its notices, and those that could not be read."""
    findings = [
        _error("number-stopped", trouble.what, trouble.fix)
        if trouble.grave
        else Finding("warning", "number", trouble.what, trouble.fix)
        for trouble in await troubles.of_numbers()
    ]
    findings += [
        Finding("warning", "template", trouble.what, trouble.fix) for trouble in await troubles.of_templates()
    ]
    if failed := await DB.fetchval(FAILED_NOTICES):
        message = f"{failed} avisos da Meta não puderam ser tratados."
        findings.append(
            Finding("warning", "notice", message, "veja o motivo na coluna error da tabela notice")
        )
    return findings


async def _queue_findings(settings: Settings) -> list[Finding]:
    if not settings.redis_url:
        return []
    redis: Any = Redis.from_url(settings.redis_url)
    try:
        async with asyncio.timeout(5):
            await redis.ping()
    except (RedisError, OSError) as error:
        message = f"O Redis não responde ({type(error).__name__}); as mensagens esperam no banco."
        return [_error("redis", message, "confira REDIS_URL e se o servidor está no ar")]
    finally:
        await redis.aclose()
    return []


async def _bot_findings(settings: Settings, plugins: Mapping[str, Entry]) -> list[Finding]:
    directory = Directory(settings, Vault(settings.secret_keys))
    await directory.load()
    total = await DB.fetchval("SELECT count(*) FROM chatbot")
    findings = []
    if not total:
        findings.append(Finding("warning", "no-bots", "Ainda não há chatbots.", "wabot bots add --help"))
    if total > len(directory.bots):
        message = "Há credenciais que não abrem com a SECRET_KEY atual."
        findings.append(
            _error("secret-key", message, "acrescente a chave antiga a SECRET_KEY, depois de uma vírgula")
        )
    bindings = [binding for binding in await all_bindings() if binding.enabled]
    for bot in directory.bots:
        if bot.ativo:
            findings += _findings_of(bot, plugins, {b.plugin for b in bindings if b.chatbot == bot.id})
    return findings


def _findings_of(bot: Bot, plugins: Mapping[str, Entry], on: set[str]) -> list[Finding]:
    """What is wrong with one active chatbot, whose enabled plugins are these."""
    findings = []
    if not bot.app_secret:
        message = f"O chatbot {bot.nome} não tem app secret: os webhooks dele são recusados."
        findings.append(_error("app-secret", message, "defina WHATSAPP_APP_SECRET"))
    for plugin in sorted(on):
        if plugin in plugins and plugins[plugin].status == "orphaned":
            message = f"O chatbot {bot.nome} usa o plugin {plugin}, que não está instalado."
            fix = plugins[plugin].error.rpartition(": ")[2]
            findings.append(_error("orphaned", message, fix))
    if not any(plugins[plugin].descriptor.flows for plugin in on if plugin in plugins):
        message = f"O chatbot {bot.nome} não tem nenhum fluxo ligado: ninguém é respondido."
        findings.append(
            Finding("warning", "no-flow", message, f"wabot plugins enable pedidos --bot {bot.id}")
        )
    return findings


async def _hold_findings() -> list[Finding]:
    """Numbers that Meta refuses until somebody mends something."""
    if not await DB.fetchval("SELECT to_regclass('number_hold') IS NOT NULL"):
        return []
    return [_held(hold) for hold in await holds.standing()]


def _held(hold: Hold) -> Finding:
    since = f"{hold.since:%d/%m %H:%M} UTC (erro {hold.code} da Meta)"
    return _error(
        "number-held",
        f"O chatbot {hold.nome} não envia desde {since}: {hold.reason} As mensagens esperam na fila.",
        f"wabot bots update {hold.chatbot} --access-token -"
        if hold.code in MENDED_BY_TOKEN
        else "resolva no Meta Business; o envio recomeça sozinho, em cerca de um minuto",
    )


async def _backlog_findings(counts: dict[str, int]) -> list[Finding]:
    stuck = await DB.fetchrow(STUCK, LATE_AFTER)
    findings = []
    running = "confira se wabot worker está rodando"
    if (age := stuck["waiting"] or 0) > LATE_AFTER:
        findings.append(
            _error("backlog", f"A mensagem mais antiga espera resposta há {age} segundos.", running)
        )
    if (age := stuck["unsent"] or 0) > LATE_AFTER:
        findings.append(_error("unsent", f"A resposta mais antiga espera envio há {age} segundos.", running))
    if stuck["doubtful"]:
        message = f"{stuck['doubtful']} envios não têm resposta da Meta há mais de {LATE_AFTER} segundos."
        findings.append(_error("doubtful", message, running))
    if waiting := stuck["refused_for_now"]:
        message = (
            f"{waiting} respostas foram recusadas, em geral com o código {stuck['code']}, e serão repetidas."
        )
        findings.append(Finding("warning", "held", message, "veja as recusas no log do worker"))
    if counts["dead"]:
        message = f"{counts['dead']} mensagens não puderam ser respondidas e foram separadas."
        findings.append(Finding("warning", "dead", message, "wabot dead list"))
    if stuck["refused"]:
        message = f"{stuck['refused']} respostas não puderam ser enviadas."
        findings.append(Finding("warning", "refused", message, "wabot dead list"))
    return findings


def _error(code: str, message: str, fix: str) -> Finding:
    return Finding("error", code, message, fix)
