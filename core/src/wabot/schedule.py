"""Agendamentos: jobs and campaigns at their due times, each time once, however many schedulers and workers there are.

The row of an agendamento is locked while it runs, and its next time is written in the same transaction: killed
before the commit, it is still due, and nobody else runs it meanwhile.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from wabot import campaigns
from wabot.attempt import Abandoned, attempt
from wabot.db.engine import DB
from wabot.due import BadCron, next_after
from wabot.errors import FlowFault, PluginFailed
from wabot.flow import Chatbot
from wabot.logs import places
from wabot.looper import Looper
from wabot.media.kept import ChatbotFiles
from wabot.parts import BotContext, Bound, Job
from wabot.plugins.contain import Overstayed
from wabot.plugins.guard import Guard, PluginDown
from wabot.plugins.runtime import BotRuntime, Runtimes

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

UNPLANNED = "SELECT *, clock_timestamp() AS now FROM agendamento WHERE enabled AND next_run IS NULL"

PLAN = """
UPDATE agendamento SET next_run = $2 WHERE id = $1 AND next_run IS NULL AND enabled
    AND cron = $3 AND timezone IS NOT DISTINCT FROM $4
"""

NEVER_DUE = """
UPDATE agendamento SET last_ok = false, last_result = $2 WHERE id = $1 AND last_result IS DISTINCT FROM $2
"""

# Those that are being run are locked, and left out.
DUE = """
SELECT id, chatbot, plugin, job FROM agendamento WHERE enabled AND next_run <= now()
ORDER BY next_run, id FOR UPDATE SKIP LOCKED
"""

# The database's clock decides what is due, so it must also be the one from which the next time is worked out.
TAKE = """
SELECT *, now() AS now, next_run < now() - make_interval(secs => $2) AS late FROM agendamento
WHERE id = $1 AND enabled AND next_run <= now() FOR UPDATE SKIP LOCKED
"""

RAN = """
UPDATE agendamento SET next_run = $2, last_due = next_run, last_run = now(), last_ok = $3, last_result = $4
WHERE id = $1
"""

SKIPPED = """
UPDATE agendamento SET next_run = $2, last_due = next_run, last_ok = NULL, last_result = $3 WHERE id = $1
"""

STARTED = """
UPDATE agendamento SET next_run = $2, last_due = next_run, last_run = now(), last_ok = NULL, last_result = $3
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
        for row in await DB.fetch(UNPLANNED):
            if work := works.get(_key(row)):
                await self._plan(row, work)

    async def due(self) -> list[int]:
        """What is due, of that which this process can run: another may have newer plugins."""
        works = self._works()
        return [row["id"] for row in await DB.fetch(DUE) if _key(row) in works]

    async def run(self, agendamento: int) -> bool:
        """Run one if it is still due and nobody else runs it. Raises what a lost database raises: it is still due."""
        try:
            async with DB.transaction():
                row, work = await self._take(agendamento)
                if work is None or not work.detached:
                    return work is not None and await self._run(row, work)
                await DB.execute(
                    STARTED, row["id"], _next(row, work), "Começou; o que faltar fica para a próxima vez."
                )
            await self._run_detached(row, work)
            return True
        except Abandoned as error:  # with its connection gone, the failure needs a transaction of its own
            async with DB.transaction():
                row, work = await self._take(agendamento)
                if work:
                    await _ran(row, work, ok=False, told=_sentence(error))
            return True

    async def _take(self, agendamento: int) -> tuple[Any, Work | None]:
        row = await DB.fetchrow(TAKE, agendamento, LATE)
        return row, self._works().get(_key(row)) if row else None

    async def _run(self, row: Any, work: Work) -> bool:
        if row["missed"] == "skip" and row["late"]:
            told = "Não rodou: o wabot estava parado nesse horário."
            await DB.execute(SKIPPED, row["id"], _next(row, work), told)
            return True
        context = BotContext(work.bot, row["now"], work.config, files=ChatbotFiles(work.bot.id))
        try:
            run = partial(work.run, context)
            told = await attempt(self._guard, work.bot.id, work.plugin, work.job, run, JOB_LIMIT)
        except PluginDown:
            return False  # not this job's fault: it stays due
        except Abandoned:
            raise
        except PluginFailed as error:
            await _ran(row, work, ok=False, told=_sentence(error))
        else:
            await _ran(row, work, ok=True, told=told)
        return True

    async def _run_detached(self, row: Any, work: Work) -> None:
        """Its due time is over, whatever becomes of it."""
        try:
            told = await work.run(BotContext(work.bot, row["now"]))
        except Exception as error:  # noqa: BLE001 - whatever it was, the next due time is another chance
            log.error("%s of chatbot %s: %s", work.job, work.bot.id, places(error))
            await DB.execute(FINISHED, row["id"], False, f"Parou no meio: {type(error).__name__}.")
        else:
            await DB.execute(FINISHED, row["id"], True, told[:500])

    async def _plan(self, row: Any, work: Work) -> None:
        try:
            due = next_after(row["now"], row["cron"], _zone(row, work))
        except BadCron as error:
            await DB.execute(NEVER_DUE, row["id"], str(error))
        else:
            await DB.execute(PLAN, row["id"], due, row["cron"], row["timezone"])

    def _works(self) -> Mapping[Key, Work]:
        return {work.key: work for runtime in self._runtimes.all for work in self._works_of(runtime)}


def works_of_plugins(runtime: BotRuntime) -> Iterator[Work]:
    """A bot's jobs and campaigns; of one that is switched off, none."""
    if not runtime.bot.ativo:
        return
    for job in runtime.jobs:
        yield _work(runtime, job, job.value.name, partial(_run_job, job.value))
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


async def _ran(row: Any, work: Work, *, ok: bool, told: str) -> None:
    await DB.execute(RAN, row["id"], _next(row, work), ok, told[:500])


def _next(row: Any, work: Work) -> datetime | None:
    """None if it cannot be told any more: the next look says why."""
    try:
        return next_after(row["now"], row["cron"], _zone(row, work))
    except BadCron:
        return None


def _zone(row: Any, work: Work) -> str:
    return row["timezone"] or work.bot.timezone


def _key(row: Any) -> Key:
    return (row["chatbot"], row["plugin"], row["job"])


def _sentence(error: PluginFailed) -> str:
    if isinstance(error.__cause__, Overstayed):
        return f"Passou do limite de {JOB_LIMIT:g} s e foi interrompido; nada do que fez foi gravado."
    return f"Falhou, e nada do que fez foi gravado: {error}"
