"""Agendamentos as people see them: what runs when, how it went, changed by hand or run at once.

`wabot.schedule` runs them. Here nothing waits for a run: its row is free while the work goes on.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from wabot import audit
from wabot.db.engine import DB
from wabot.due import BadCron, check, check_zone, next_after
from wabot.errors import WabotError, WrongFields
from wabot.explain import shown
from wabot.plugins.configs import BadConfig, fitted
from wabot.plugins.registry import Registry

CLOCK_SLACK = 3600.0
"""Seconds by which the database's clock may go back without anything being run a second time. Beyond that it was
wrong before, and what it planned for a day far off is planned anew."""

# `after`: a due time that has been served is not due again, even if the clock goes back a little.
ROWS = f"""
SELECT agendamento.*, coalesce(agendamento.timezone, chatbot.timezone) AS zone, CASE
        WHEN plugin = '' THEN ''
        WHEN NOT chatbot.ativo THEN 'chatbot'
        WHEN NOT EXISTS (SELECT FROM plugin_binding AS binding WHERE binding.chatbot = agendamento.chatbot
            AND binding.plugin = agendamento.plugin AND binding.enabled) THEN 'plugin'
        ELSE '' END AS hindrance,
    greatest(clock_timestamp(), CASE WHEN last_due <= clock_timestamp() + interval '{CLOCK_SLACK} seconds'
        THEN last_due END) AS after
FROM agendamento LEFT JOIN chatbot ON chatbot.id = agendamento.chatbot
"""  # noqa: S608 - a constant
ORDER = " ORDER BY agendamento.chatbot, titulo, agendamento.id"
ALL = ROWS + " WHERE $1::int IS NULL OR agendamento.chatbot = $1" + ORDER
THESE = ROWS + " WHERE agendamento.id = ANY ($1::int[])"
CHANGING = ROWS + " WHERE agendamento.id = $1 FOR NO KEY UPDATE OF agendamento"
NAMED = ROWS + " WHERE job = $1 AND ($2::int IS NULL OR agendamento.chatbot = $2)" + ORDER

UNPLANNED = f"""{ROWS} WHERE enabled
    AND (next_run IS NULL OR planned_at > clock_timestamp() + interval '{CLOCK_SLACK} seconds')"""

# Somebody may have edited it since it was read: then whoever reads it next plans it.
PLAN = f"""
UPDATE agendamento SET next_run = $2, planned_at = clock_timestamp(),
    last_due = CASE WHEN last_due <= clock_timestamp() + interval '{CLOCK_SLACK} seconds' THEN last_due END
WHERE id = $1 AND enabled AND cron = $3 AND timezone IS NOT DISTINCT FROM $4
    AND (next_run IS NULL OR planned_at > clock_timestamp() + interval '{CLOCK_SLACK} seconds')
"""  # noqa: S608 - a constant

NEVER_DUE = """
UPDATE agendamento SET last_ok = false, last_result = $2 WHERE id = $1 AND last_result IS DISTINCT FROM $2
"""

# The trigger `agendamento_edited` takes the next time away where that is called for.
CHANGE = """
UPDATE agendamento SET cron = $2, timezone = $3, enabled = $4, missed = $5, arguments = $6 WHERE id = $1
"""
ASK = "UPDATE agendamento SET asked_at = coalesce(asked_at, clock_timestamp()) WHERE id = $1"

Missed = Literal["run", "skip"]
Hindrance = Literal["", "chatbot", "plugin"]

Cron = Annotated[
    str, Meta(max_length=100, description="Minuto, hora, dia, mês e dia da semana.", examples=["0 10 * * *"])
]
Zone = Annotated[
    str,
    Meta(max_length=60, description="Um fuso; nulo: o do chatbot.", examples=["America/Sao_Paulo"]),
]
Enabled = Annotated[bool, Meta(description="Se roda nos seus horários.")]
WhenMissed = Annotated[
    Missed, Meta(description="Horário perdido há mais de uma hora: rodar uma vez, ou pular.")
]
Arguments = Annotated[dict[str, Any], Meta(description="O que a tarefa recebe.", examples=[{}])]

WHY_NOT: Mapping[Hindrance, str] = {
    "chatbot": "Não roda agora: o chatbot está desligado.",
    "plugin": "Não roda agora: o plugin está desligado neste chatbot.",
}


class NoSuchAgendamento(WabotError):
    """No agendamento has that id or name."""


class Hindered(WabotError):
    """It cannot run now. Its text says what is in the way."""


class Agendamento(msgspec.Struct, frozen=True):
    """Work at fixed times of one chatbot, and how its last run went."""

    id: int
    chatbot: int | None
    plugin: str
    job: str
    titulo: str
    cron: str
    timezone: str | None
    zone: str
    """The one that counts: its own, or else the chatbot's."""
    enabled: bool
    missed: Missed
    arguments: dict[str, Any]
    next_run: datetime | None
    last_run: datetime | None
    last_ok: bool | None
    last_result: str | None
    asked_at: datetime | None
    hindrance: Hindrance
    """What keeps it from running besides its own switch."""


class AgendamentoChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only what is given changes, of the arguments too."""

    cron: Cron | UnsetType = UNSET
    timezone: Zone | UnsetType | None = UNSET
    enabled: Enabled | UnsetType = UNSET
    missed: WhenMissed | UnsetType = UNSET
    arguments: Arguments | UnsetType = UNSET


async def of_chatbot(chatbot: int | None = None) -> list[Agendamento]:
    """Of one chatbot, or of all of them."""
    return [_shown(row) for row in await DB.fetch(ALL, chatbot)]


async def these(ids: list[int]) -> dict[int, Agendamento]:
    return {row["id"]: _shown(row) for row in await DB.fetch(THESE, ids)}


async def get(id: int) -> Agendamento:
    """Raises NoSuchAgendamento."""
    found = await these([id]) if 0 < id < 2**31 else {}
    if id not in found:
        raise NoSuchAgendamento(f"Não há agendamento {id}.")
    return found[id]


async def find(reference: str, chatbot: int | None = None) -> Agendamento:
    """By id, or by the job's name where only one has it. Raises NoSuchAgendamento."""
    if reference.isascii() and reference.isdecimal():
        return await get(int(reference[:10]))
    found = [_shown(row) for row in await DB.fetch(NAMED, reference, chatbot)]
    if len(found) == 1:
        return found[0]
    if found:
        raise NoSuchAgendamento(f"Há mais de um {reference}: diga --bot, ou o id.")
    raise NoSuchAgendamento(f"Não há agendamento {reference!r}. Veja quais há: wabot agenda list")


async def change(
    registry: Registry, id: int, change: AgendamentoChange, *, whole: bool = False
) -> Agendamento:
    """Write what is given; its next time is worked out anew at once, also while it runs. `whole`: arguments that are
    not given get their defaults.

    Raises NoSuchAgendamento, and WrongFields with every field that does not fit.
    """
    given = {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}
    async with DB.transaction():
        row = await DB.fetchrow(CHANGING, id)
        if row is None:
            raise NoSuchAgendamento(f"Não há agendamento {id}.")
        new = _checked(registry, row, given, whole)
        columns = (new["cron"], new["timezone"], new["enabled"], new["missed"], new["arguments"])
        await DB.execute(CHANGE, id, *columns)
        told = {name: None if name == "arguments" else value for name, value in given.items()}
        await audit.record("mudar", "agendamento", id, chatbot=row["chatbot"], campos=told)
        for changed in await DB.fetch(f"{UNPLANNED} AND agendamento.id = $1", id):
            await plan(changed)
        return await get(id)


async def ask(id: int) -> Agendamento:
    """Have it run now, whatever its times say: a worker takes it within seconds. Asked twice before that: one run.

    Raises NoSuchAgendamento and Hindered.
    """
    async with DB.transaction():
        asked = await get(id)
        if asked.hindrance:
            raise Hindered(WHY_NOT[asked.hindrance])
        await DB.execute(ASK, id)
        await audit.record("rodar", "agendamento", id, chatbot=asked.chatbot)
        return await get(id)


async def plan(row: Any) -> None:
    """Work out the next time of a row of UNPLANNED; if there is none, its result says why."""
    try:
        due = next_after(row["after"], row["cron"], row["zone"])
    except BadCron as error:
        await DB.execute(NEVER_DUE, row["id"], str(error))
    else:
        await DB.execute(PLAN, row["id"], due, row["cron"], row["timezone"])


def shape_of(registry: Registry, plugin: str, job: str) -> type[msgspec.Struct] | None:
    """The arguments that a job takes; None: it takes none, or its plugin is not installed."""
    jobs = registry.plugins[plugin].declared.jobs if plugin in registry.plugins else ()
    return next((one.arguments for one in jobs if one.name == job), None)


def _checked(registry: Registry, row: Any, given: Mapping[str, Any], whole: bool) -> dict[str, Any]:
    """The columns as they shall be. Raises WrongFields."""
    new = {name: row[name] for name in AgendamentoChange.__struct_fields__} | dict(given)
    wrong: dict[str, str] = {}
    for name, check_one in (("cron", check), ("timezone", check_zone)):
        try:
            if given.get(name) is not None:
                check_one(given[name])
        except BadCron as error:
            wrong[name] = str(error)
    if "arguments" in given:
        kept = {} if whole else msgspec.json.decode(row["arguments"])
        try:
            shape = shape_of(registry, row["plugin"], row["job"])
            new["arguments"] = _arguments(shape, kept, given["arguments"])
        except BadConfig as error:
            wrong |= {f"arguments.{shown(name)}": why for name, why in error.fields.items()}
    if wrong:
        raise WrongFields(wrong)
    return new


def _arguments(shape: type[msgspec.Struct] | None, kept: dict[str, Any], given: Mapping[str, Any]) -> str:
    """As the column holds them. What is kept and does not fit any more goes. Raises BadConfig."""
    if shape is None:
        if given:
            raise BadConfig(dict.fromkeys(given, "esta tarefa não tem argumentos"))
        return "{}"
    known = {name: value for name, value in kept.items() if name in shape.__struct_fields__}
    return msgspec.json.encode(fitted(shape, known | dict(given))).decode()


def _shown(row: Any) -> Agendamento:
    fields = {name: row[name] for name in Agendamento.__struct_fields__}
    return Agendamento(**fields | {"arguments": msgspec.json.decode(row["arguments"])})
