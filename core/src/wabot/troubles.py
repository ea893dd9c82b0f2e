"""What Meta holds against a number or a template, in sentences: what it means and what to do."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from wabot.db.engine import DB
from wabot.whatsapp.facts import ACCOUNT_OK, RESTRICTION
from wabot.whatsapp.failures import failure_for

STATES = """
SELECT nome, fact, value, detail, number_state.at, until, now() AS now FROM number_state
JOIN chatbot ON chatbot.id = chatbot WHERE ativo AND (until IS NULL OR until > now()) ORDER BY chatbot.id, fact
"""
TEMPLATES = """
SELECT nome, name, language, category, next_category, quality, until,
    CASE WHEN until <= now() THEN '' ELSE status END AS status
FROM template JOIN chatbot ON chatbot.id = chatbot
WHERE ativo AND (status = ANY ($1) OR quality = 'RED' OR next_category <> '')
ORDER BY chatbot.id, name, language LIMIT 100
"""


class Trouble(NamedTuple):
    """`grave`: until it is mended, the number does not send."""

    grave: bool
    what: str
    fix: str


class _Saying(NamedTuple):
    what: str
    fix: str
    grave: bool = False
    for_days: int | None = None
    """How long it is worth telling; None: as long as it lasts."""


_MANAGER = "veja o motivo no WhatsApp Manager e peça revisão"
_PIN = "se não foi ninguém da empresa, troque o PIN no WhatsApp Manager e confira quem tem acesso"

FACTS = {
    ("quality", "RED"): _Saying(
        "a qualidade do número está baixa (RED): a Meta pode limitar os envios.",
        "pare as campanhas por alguns dias e reveja textos e público",
    ),
    ("quality", "YELLOW"): _Saying(
        "a qualidade do número caiu (YELLOW).", "reveja textos e público das campanhas antes que piore"
    ),
    ("account", "DISABLED"): _Saying("a conta do WhatsApp foi desativada pela Meta.", _MANAGER, grave=True),
    ("account", "DISABLE_SCHEDULED"): _Saying("a Meta vai desativar a conta do WhatsApp.", _MANAGER),
    ("account", "DELETED"): _Saying(
        "a conta do WhatsApp foi excluída na Meta.",
        "cadastre o número em outra conta e atualize o chatbot",
        grave=True,
    ),
    ("account", "DISCONNECTED"): _Saying(
        "o número foi desconectado da API.", "conecte-o de novo pelo cadastro da Meta", grave=True
    ),
    ("restriction:RESTRICTED_BIZ_INITIATED_MESSAGING", "ACTIVE"): _Saying(
        "a Meta proibiu iniciar conversas: só respostas são entregues.",
        "pare as campanhas até o fim da restrição",
    ),
    ("restriction:RESTRICTED_CUSTOMER_INITIATED_MESSAGING", "ACTIVE"): _Saying(
        "a Meta proibiu responder aos clientes.", _MANAGER, grave=True
    ),
    ("name", "REJECTED"): _Saying(
        "o nome de exibição foi recusado.", "peça outro nome no WhatsApp Manager", for_days=30
    ),
    ("name", "APPROVED"): _Saying(
        "o novo nome de exibição foi aprovado.",
        "registre o número de novo em até 14 dias, ou a aprovação se perde",
        for_days=14,
    ),
    ("security", "PIN_CHANGED"): _Saying("o PIN de duas etapas foi trocado.", _PIN, for_days=7),
    ("security", "PIN_RESET_REQUEST"): _Saying("pediram para apagar o PIN de duas etapas.", _PIN, for_days=7),
    ("security", "PIN_RESET_SUCCESS"): _Saying("o PIN de duas etapas foi apagado.", _PIN, for_days=7),
}
KINDS = {
    RESTRICTION: _Saying("há uma restrição da Meta.", _MANAGER),
    "violation": _Saying("a Meta registrou uma violação de política.", _MANAGER, for_days=30),
    "alert:": _Saying("há um alerta da Meta.", "veja o alerta no WhatsApp Manager", for_days=14),
    "error:": _Saying(
        "a Meta avisou de uma falha no número.", "veja o número no WhatsApp Manager", for_days=1
    ),
}
"""What has no sentence of its own, by how its name begins."""
FINE = {("account", ACCOUNT_OK), ("quality", "GREEN"), ("quality", "UNKNOWN")}

STATUSES = {
    "PAUSED": ("está pausado pela Meta e não é usado.", "espere a Meta reativá-lo, ou corrija o texto"),
    "DISABLED": (
        "foi desativado para sempre pela Meta.",
        "crie outro modelo, com outro texto, e apague este",
    ),
    "FLAGGED": ("será desativado pela Meta.", "corrija o texto no WhatsApp Manager"),
}


async def of_numbers() -> list[Trouble]:
    """What is wrong with the numbers and accounts of the active chatbots."""
    found = []
    for row in await DB.fetch(STATES):
        saying = _saying(row["fact"], row["value"])
        if saying and _is_recent(saying, row["at"], row["now"]):
            found.append(Trouble(saying.grave, _sentence(row, saying), saying.fix))
    return found


async def of_templates() -> list[Trouble]:
    """Templates that are not used now, or soon cost more, of the active chatbots."""
    rows = await DB.fetch(TEMPLATES, list(STATUSES))
    return [trouble for row in rows for trouble in _of_template(row)]


def _saying(fact: str, value: str) -> _Saying | None:
    if (fact, value) in FINE or (fact.startswith("alert:") and value == "INFORMATIONAL"):
        return None
    if fact.startswith("error:") and value.isdecimal():
        fix = failure_for(int(value), 200).operator
        return KINDS["error:"]._replace(fix=f"{fix[0].lower()}{fix[1:]}")
    return FACTS.get((fact, value)) or next((KINDS[kind] for kind in KINDS if fact.startswith(kind)), None)


def _is_recent(saying: _Saying, at: datetime, now: datetime) -> bool:
    return saying.for_days is None or now - at < timedelta(days=saying.for_days)


def _sentence(row: "dict[str, object]", saying: _Saying) -> str:
    """Meta's own words stand behind ours."""
    told = row["value"] if str(row["fact"]) == "violation" else str(row["fact"]).partition(":")[2]
    more = " · ".join(str(part) for part in (told, row["detail"]) if part)
    return f"Chatbot {row['nome']}: {saying.what}{f' ({more})' if more else ''}{_until(row)}"


def _until(row: "dict[str, object]") -> str:
    return f" Até {row['until']:%d/%m/%Y %H:%M} UTC." if row["until"] else ""


def _of_template(row: "dict[str, object]") -> Iterable[Trouble]:
    name = f"Chatbot {row['nome']}: o modelo {row['name']} ({row['language']})"
    if saying := STATUSES.get(str(row["status"])):
        what, fix = saying
        yield Trouble(False, f"{name} {what}{_until(row)}", fix)
    if row["quality"] == "RED":
        yield Trouble(False, f"{name} tem qualidade baixa (RED).", "pare de usá-lo antes que a Meta o pause")
    if row["next_category"]:
        what = f"{name} é {row['category']} e a Meta o considera {row['next_category']}: o preço muda."
        yield Trouble(False, what, "reescreva o modelo ou conte com o novo preço")
