"""Agendamentos: jobs and campaigns at their due times, each time once, however many schedulers and workers there are.

While one runs its number is locked (an advisory lock, which ends with the transaction), and its next time is written in
the same transaction: killed before the commit, it is still due, and nobody else runs it meanwhile. Its row is not
locked: people change it, or ask for another run, without waiting for a job.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from wabot import agenda, campaigns
from wabot.agenda import ROWS
from wabot.attempt import Abandoned, attempt
from wabot.db.engine import DB
from wabot.due import BadCron, next_after
from wabot.errors import FlowFault, PluginFailed, WabotError
from wabot.flow import Chatbot
from wabot.logs import places
from wabot.looper import Looper
from wabot.media.kept import ChatbotFiles
from wabot.parts import BotContext, Bound, Job
from wabot.plugins.configs import made
from wabot.plugins.contain import Overstayed
from wabot.plugins.guard import Guard, PluginDown
from wabot.plugins.runtime import BotRuntime, Runtimes
from wabot.unasked import Unasked

log = logging.getLogger(__name__)

JOB_LIMIT = 300.0
"""Seconds a job may take. It holds a connection all that time."""
SIDE_BY_SIDE = 2
"""Jobs one worker runs at once."""
LOOK_EVERY = 2.0
LATE = 3600.0
"""Seconds after which a due time counts as missed, for agendamentos that skip those."""

DECLARE = """
INSERT INTO agendamento (chatbot, plugin, job, titulo, cron, missed)
SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
ON CONFLICT (chatbot, plugin, job) DO NOTHING
"""

DUE = """
SELECT id, chatbot, plugin, job FROM agendamento
WHERE (enabled AND next_run <= now()) OR asked_at IS NOT NULL ORDER BY coalesce(asked_at, next_run), id
"""

# Alone in a statement: only one that begins when the lock is there sees what its last owner has committed.
ALONE = "SELECT pg_try_advisory_xact_lock('agendamento'::regclass::oid::int, $1)"

# The database's clock decides what is due, so it must also be the one from which the next time is worked out.
TAKE = f"""
SELECT *, now() AS now, next_run < now() - make_interval(secs => $2) AS late FROM (
    SELECT *, enabled AND coalesce(next_run <= now(), false) AS due FROM ({ROWS}) AS every
) AS one WHERE id = $1 AND (due OR asked_at IS NOT NULL)
"""  # noqa: S608 - a constant

# It may have been edited since it was taken: then its next time is another already, and stays; what was asked for
# since is another run.
TAKEN = """
UPDATE agendamento SET next_run = CASE WHEN next_run = $2 THEN $3 ELSE next_run END,
    planned_at = CASE WHEN $4 THEN now() ELSE planned_at END,
    last_due = CASE WHEN $4 THEN $2 ELSE last_due END,
    asked_at = CASE WHEN asked_at IS DISTINCT FROM $5 THEN asked_at END,
    last_run = CASE WHEN $6 THEN now() ELSE last_run END, last_ok = $7, last_result = $8
WHERE id = $1
"""

FINISHED = "UPDATE agendamento SET last_ok = $2, last_result = $3 WHERE id = $1"

CORE = ""
"""In the place of a plugin's id: the core's own work."""

Key = tuple[int | None, str, str]


class Work(msgspec.Struct, frozen=True):
    """What a plugin, or the core itself, wants done at fixed times for one bot."""

    bot: Chatbot
    plugin: str
    job: str
    title: str
    cron: str
    run: Callable[[BotContext], Awaitable[str]]
    config: Any = None
    missed: str = "run"
    arguments: type[msgspec.Struct] | None = None
    detached: bool = False
    """In transactions of its own: long work, which may stop anywhere and is gone on with at the next due time."""

    @property
    def key(self) -> Key:
        return (self.bot.id, self.plugin, self.job)


class Schedule:
    """Keeps the agendamentos of this process's bots, and runs those that are due."""

    def __init__(
        self, runtimes: Runtimes, guard: Guard, works: "Callable[[BotRuntime], Iterator[Work]] | None" = None
    ) -> None:
        """For the work of plugins, or for other `works`."""
        self._runtimes, self._guard, self._works_of = runtimes, guard, works or works_of_plugins
        self._declared: frozenset[Key] = frozenset()
        self._looper = Looper("schedule", self.look, LOOK_EVERY, SIDE_BY_SIDE)

    async def ring(self) -> None:
        """Something may be due."""
        self._looper.ring()

    def running(self) -> AbstractAsyncContextManager[None]:
        """While inside, what is due is run. What is not finished on leaving is undone, and still due."""
        return self._looper.running()

    async def look(self) -> bool:
        """Bring the agendamentos up to date and run what is due; whether anything ran."""
        await self.declare()
        return any([await self.run(agendamento) for agendamento in await self.due()])

    async def declare(self) -> None:
        """Add the agendamentos that are missing, and work out the next time of those that have none."""
        works = self._works()
        if works.keys() - self._declared:
            new = [works[key] for key in sorted(works.keys() - self._declared)]
            rows = [(*work.key, work.title, work.cron, work.missed) for work in new]
            await DB.execute(DECLARE, *(list(column) for column in zip(*rows, strict=True)))
        self._declared = frozenset(works)
        for row in await DB.fetch(agenda.UNPLANNED):
            if _key(row) in works:
                await agenda.plan(row)

    async def due(self) -> list[int]:
        """What is due, of that which this process can run: another may have newer plugins."""
        works = self._works()
        return [row["id"] for row in await DB.fetch(DUE) if _key(row) in works]

    async def run(self, agendamento: int) -> bool:
        """Run one if it is still due, or asked for, and nobody else runs it.

        Raises what a lost database raises: it is still due.
        """
        try:
            async with DB.transaction():
                row, work = await self._take(agendamento)
                if work is None or not work.detached:
                    return work is not None and await self._run(row, work)
                await _taken(row, ok=None, told="Começou; o que faltar fica para a próxima vez.")
            await self._run_detached(row, work)
            return True
        except Abandoned as error:  # with its connection gone, the failure needs a transaction of its own
            async with DB.transaction():
                row, work = await self._take(agendamento)
                if work:
                    await _taken(row, ok=False, told=_sentence(error))
            return True

    async def _take(self, agendamento: int) -> tuple[Any, Work | None]:
        if not await DB.fetchval(ALONE, agendamento):
            return None, None
        row = await DB.fetchrow(TAKE, agendamento, LATE)
        return row, self._works().get(_key(row)) if row else None

    async def _run(self, row: Any, work: Work) -> bool:
        if row["missed"] == "skip" and row["late"] and not row["asked_at"]:
            await _taken(row, ok=None, told="Não rodou: o wabot estava parado nesse horário.", ran=False)
            return True
        context = _context(row, work)
        try:
            run = partial(work.run, context)
            told = await attempt(self._guard, work.bot.id, work.plugin, work.job, run, JOB_LIMIT)
        except PluginDown:
            return False  # not this job's fault: it stays due
        except Abandoned:
            raise
        except PluginFailed as error:
            await _taken(row, ok=False, told=_sentence(error))
        else:
            await _taken(row, ok=True, told=told)
        return True

    async def _run_detached(self, row: Any, work: Work) -> None:
        """Its due time is over, whatever becomes of it."""
        try:
            told = await work.run(_context(row, work))
        except WabotError as error:  # in words
            await DB.execute(FINISHED, row["id"], False, str(error)[:500])
        except Exception as error:  # noqa: BLE001 - whatever it was, the next due time is another chance
            log.error("%s of chatbot %s: %s", work.job, work.bot.id, places(error))
            await DB.execute(FINISHED, row["id"], False, f"Parou no meio: {type(error).__name__}.")
        else:
            await DB.execute(FINISHED, row["id"], True, told[:500])

    def _works(self) -> Mapping[Key, Work]:
        return {work.key: work for runtime in self._runtimes.all for work in self._works_of(runtime)}


def works_of_plugins(runtime: BotRuntime) -> Iterator[Work]:
    """A bot's jobs and campaigns; of one that is switched off, none."""
    if not runtime.bot.ativo:
        return
    for job in runtime.jobs:
        work = _work(runtime, job, job.value.name, partial(_run_job, job.value))
        yield msgspec.structs.replace(work, missed=job.value.missed, arguments=job.value.arguments)
    for campaign in runtime.campaigns:
        name = f"campanha.{campaign.value.name}"  # a job may have the same name
        work = _work(runtime, campaign, name, partial(campaigns.send, campaign.plugin, campaign.value))
        # people are not written to in the night because the machine was off in the morning
        yield msgspec.structs.replace(work, missed="skip")


def _work(
    runtime: BotRuntime, bound: Bound[Any], name: str, run: Callable[[BotContext], Awaitable[str]]
) -> Work:
    title = bound.value.title or bound.value.name.replace("_", " ").capitalize()
    return Work(runtime.chatbot, bound.plugin, name, title, bound.value.cron, run, bound.config)


async def _run_job(job: Job, context: BotContext) -> str:
    told = await job.run(context)
    if not isinstance(told, str | None):
        raise FlowFault(f"job {job.name} gave {type(told).__name__}; expected a sentence or None")
    return told or ""


def _context(row: Any, work: Work) -> BotContext:
    stored = msgspec.json.decode(row["arguments"])
    arguments = made(work.arguments, stored) if work.arguments else None
    files, reach = ChatbotFiles(work.bot.id), Unasked(work.bot.id)
    return BotContext(work.bot, row["now"], work.config, files=files, arguments=arguments, reach=reach)


async def _taken(row: Any, *, ok: bool | None, told: str, ran: bool = True) -> None:
    """Its due time, if it was due, is over, and whoever asked for it has it."""
    next_run = _next(row) if row["due"] else row["next_run"]
    due = (row["next_run"], next_run, row["due"], row["asked_at"])
    await DB.execute(TAKEN, row["id"], *due, ran, ok, told[:500])


def _next(row: Any) -> datetime | None:
    """None if it cannot be told any more: the next look says why."""
    try:
        return next_after(row["after"], row["cron"], row["zone"])
    except BadCron:
        return None


def _key(row: Any) -> Key:
    return (row["chatbot"], row["plugin"], row["job"])


def _sentence(error: PluginFailed) -> str:
    if isinstance(error.__cause__, Overstayed):
        return f"Passou do limite de {JOB_LIMIT:g} s e foi interrompido; nada do que fez foi gravado."
    return f"Falhou, e nada do que fez foi gravado: {error}"
