"""Is a chatbot set up right at Meta? Each thing that must hold, and what to do where it does not, for a person.

The commonest faults give no error anywhere: an account whose events nobody subscribed to simply stays silent.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from wabot.db.directory import Bot
from wabot.phone import canonical
from wabot.verification import Item, Verification
from wabot.whatsapp.client import Graph, NotSent, Unclear

FIELDS = (
    "display_phone_number,verified_name,quality_rating,code_verification_status,name_status,status,"
    "throughput,health_status,webhook_configuration"
)
SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
WEBHOOK = "/api/chatbots/webhook"
SOON = timedelta(days=14)
NOT_GOOD = {"YELLOW": "média", "RED": "baixa"}
SILENT = "A Meta não respondeu."
PAYMENT = 141006
"""Meta's code, in `health_status`, for an account without a payment method, or with one that fails."""
INVALID_TOKEN = 190
"""Meta's code for a token that is wrong, revoked or expired."""


async def verify(bot: Bot | None, graph: Graph) -> Verification:
    """Ask Meta about a chatbot; None is one whose credentials do not open. Raises nothing: silence is an item too."""
    if bot is None:
        return _told([_key()])
    items = list(_at_home(bot))
    if bot.access_token:
        token, number, account, apps = await asyncio.gather(
            _ask(graph, bot.access_token, "debug_token", input_token=bot.access_token),
            _ask(graph, bot.access_token, bot.phone_number_id, fields=FIELDS),
            _ask(
                graph, bot.access_token, f"{bot.business_account_id}/phone_numbers", fields="id", limit="100"
            ),
            _ask(graph, bot.access_token, f"{bot.business_account_id}/subscribed_apps"),
        )
        items += [
            _token(token),
            *_number(bot, number),
            _account(bot, account),
            _subscription(bot, apps, _of(token, "data", "app_id")),
        ]
    return _told(items)


def _told(items: list[Item]) -> Verification:
    return Verification(all(item.ok for item in items), items)


Told = dict[str, Any] | NotSent | Unclear
"""What Meta said, or why it said nothing."""


async def _ask(graph: Graph, token: str, path: str, **params: str) -> Told:
    try:
        return await graph.read(token, path, **params)
    except (NotSent, Unclear) as error:
        return error


def _key() -> Item:
    return Item(
        "credenciais",
        ok=False,
        mensagem="As credenciais guardadas não abrem com a SECRET_KEY atual.",
        conserto="Acrescente a chave antiga a SECRET_KEY, depois de uma vírgula, ou grave as credenciais de novo.",
    )


def _at_home(bot: Bot) -> Iterator[Item]:
    """What can be told without asking Meta."""
    if not bot.access_token:
        yield Item(
            "token", False, "Não há access token.", "Grave um token permanente de um usuário do sistema."
        )
    for codigo, value, where in (
        (
            "app_secret",
            bot.app_secret,
            "Grave o app secret do painel de aplicativos, em Configurações → Básico.",
        ),
        ("verify_token", bot.verify_token, "Invente um verify token, grave-o aqui e informe-o à Meta."),
    ):
        missing = f"Não há {codigo.replace('_', ' ')}: a Meta não consegue entregar mensagens."
        yield Item(codigo, bool(value), "Cadastrado." if value else missing, "" if value else where)


def _token(told: Told) -> Item:
    if not isinstance(told, dict):
        return _unanswered(
            "token", told, "Gere outro token permanente para o usuário do sistema e grave-o aqui."
        )
    data = told.get("data") or {}
    if not data.get("is_valid"):
        return Item(
            "token",
            False,
            "A Meta não aceita mais este token.",
            "Gere outro token permanente e grave-o aqui.",
        )
    if missing := [scope for scope in SCOPES if scope not in data.get("scopes", SCOPES)]:
        told_so = f"O token não tem a permissão {' nem '.join(missing)}."
        return Item("token", False, told_so, "Gere o token de novo marcando essas permissões.")
    if (expires := data.get("expires_at")) and datetime.fromtimestamp(expires, UTC) < datetime.now(
        UTC
    ) + SOON:
        when = datetime.fromtimestamp(expires, UTC)
        return Item(
            "token",
            False,
            f"O token vence em {when:%d/%m/%Y}.",
            "Gere um token que não vença e grave-o aqui.",
        )
    return Item("token", True, "O token vale e tem as permissões.")


def _number(bot: Bot, told: Told) -> Iterator[Item]:
    if not isinstance(told, dict):
        yield _unanswered("numero", told, "Confira o phone_number_id e se o token alcança esta conta.")
        return
    yield _registered(bot, told)
    yield _health(told)
    quality = told.get("quality_rating", "UNKNOWN")
    level = _of(told, "throughput", "level") or "STANDARD"
    if quality in NOT_GOOD:
        message = (
            f"A qualidade do número está {NOT_GOOD[quality]}: as pessoas bloqueiam ou denunciam as mensagens."
        )
        yield Item("qualidade", False, message, "Diminua as campanhas e escreva só a quem aceitou.")
    else:
        yield Item("qualidade", True, f"Qualidade {quality}, vazão {level}.")
    yield _webhook(told)


def _registered(bot: Bot, told: dict[str, Any]) -> Item:
    shown = str(told.get("display_phone_number", ""))
    if shown and canonical(shown) != canonical(bot.numero):
        message = f"Este phone_number_id é do número {shown}, e o chatbot está cadastrado com {bot.numero}."
        return Item("numero", False, message, "Corrija numero ou phone_number_id.")
    status = told.get("status", "CONNECTED")
    if status != "CONNECTED":
        fix = "Registre o número na Cloud API: POST /PHONE_NUMBER_ID/register com o PIN de 6 dígitos."
        return Item("numero", False, f"O número está {status} na Meta, não CONNECTED.", fix)
    if told.get("name_status") in ("DECLINED", "EXPIRED"):
        fix = "Peça outro nome no Gerenciador do WhatsApp."
        return Item("numero", False, f"O nome de exibição foi recusado ({told['name_status']}).", fix)
    return Item("numero", True, f"Conectado como {told.get('verified_name') or bot.nome}.")


def _health(told: dict[str, Any]) -> Item:
    """`health_status` is Meta's own word on whether messages can be sent, with a reason for each part in the way."""
    health = told.get("health_status") or {}
    can = health.get("can_send_message", "AVAILABLE")
    if can == "AVAILABLE":
        return Item("saude", True, "A Meta deixa enviar mensagens.")
    errors = [error for entity in health.get("entities", []) for error in entity.get("errors", [])]
    if any(error.get("error_code") == PAYMENT for error in errors):
        fix = "Cadastre um cartão no Gerenciador do WhatsApp, em Cobrança e pagamentos."
        return Item("pagamento", False, "A conta não tem forma de pagamento que funcione.", fix)
    reasons = "; ".join(str(error.get("error_description", "")) for error in errors)
    fixes = "; ".join(str(error.get("possible_solution", "")) for error in errors)
    word = "limita" if can == "LIMITED" else "impede"
    return Item(
        "saude",
        False,
        f"A Meta {word} o envio: {reasons or can}",
        fixes or "Veja a conta no Gerenciador do WhatsApp.",
    )


def _webhook(told: dict[str, Any]) -> Item:
    """The number's own address goes before the account's, and that before the app's."""
    known = told.get("webhook_configuration") or {}
    address = next(
        (known[k] for k in ("phone_number", "whatsapp_business_account", "application") if known.get(k)), ""
    )
    fix = (
        f"No painel de aplicativos, WhatsApp → Configuração: https://SEU-ENDEREÇO{WEBHOOK}/ e o verify token."
    )
    if not address:
        return Item("webhook", False, "A Meta não tem endereço para entregar as mensagens deste número.", fix)
    if urlsplit(address).path.rstrip("/") != WEBHOOK:
        return Item(
            "webhook",
            False,
            f"A Meta entrega as mensagens deste número em {address}, que não é do wabot.",
            fix,
        )
    return Item("webhook", True, f"A Meta entrega em {address}.")


def _account(bot: Bot, told: Told) -> Item:
    if not isinstance(told, dict):
        return _unanswered("conta", told, "Confira o business_account_id e se o token alcança esta conta.")
    if bot.phone_number_id not in [number.get("id") for number in told.get("data", [])]:
        return Item(
            "conta",
            False,
            "O número não está nesta conta do WhatsApp Business.",
            "Corrija business_account_id.",
        )
    return Item("conta", True, "O número está nesta conta.")


def _subscription(bot: Bot, told: Told, app: Any) -> Item:
    """Without it Meta sends no event at all, and says nothing."""
    fix = f"Assine a conta: POST /{bot.business_account_id}/subscribed_apps com o token deste chatbot."
    if not isinstance(told, dict):
        return _unanswered("assinatura", told, fix)
    apps = [_of(entry, "whatsapp_business_api_data", "id") for entry in told.get("data", [])]
    if not apps or (app and str(app) not in apps):
        return Item("assinatura", False, "O aplicativo não assina os eventos desta conta: nada chega.", fix)
    return Item("assinatura", True, "O aplicativo assina os eventos desta conta.")


def _unanswered(codigo: str, why: NotSent | Unclear, fix: str) -> Item:
    if isinstance(why, NotSent) and why.http_status:
        if why.code == INVALID_TOKEN:
            return Item(
                codigo, False, "A Meta recusa o token.", "Gere outro token permanente e grave-o aqui."
            )
        return Item(codigo, False, f"A Meta respondeu: {why.detail or why.code}", fix)
    return Item(codigo, False, SILENT, "Tente de novo; confira GRAPH_API_URL e a saída do servidor.")


def _of(told: Any, *path: str) -> Any:
    """A value deep inside, None if anything on the way is not there."""
    for name in path:
        told = told.get(name) if isinstance(told, dict) else None
    return told
