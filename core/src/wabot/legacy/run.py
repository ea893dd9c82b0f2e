"""The whole of it: in which order, what plugins say of their own rows, and the trial that changes nothing."""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

import msgspec

from wabot import audit
from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.legacy.kinds import Available, chatbot_kind, cliente_kind, etapa_kind, who_serves
from wabot.legacy.messages import mensagem_kind
from wabot.legacy.source import CannotRead, Source
from wabot.legacy.taking import Left, Legacy, LegacyKind, Taken

GROUP = "wabot.legacy"
"""Entry points of plugins that take over rows of their own: the plugin's id, and a function of a Legacy that returns
LegacyKinds."""

NEEDED = {"chatbots_chatbot", "clientes_cliente"}
BEHIND = {
    "chatbots_conversa": "o ponto em que cada conversa estava: a próxima mensagem começa do início",
    "chatbots_metrica": "os tempos medidos por etapa",
}
ONE_AT_A_TIME = "SELECT pg_try_advisory_lock(hashtext('wabot.legacy'))"


class Busy(WabotError):
    """Another import is at work on this database."""


class Behind(msgspec.Struct, frozen=True):
    """What is not taken over at all."""

    tabela: str
    linhas: int
    motivo: str


class Report(msgspec.Struct, frozen=True):
    """What an import did, or would do."""

    aplicado: bool
    importados: list[Taken]
    recusados: list[Left]
    ficam: list[Behind]


async def take_over(
    source: Source, available: Available, timezone: str, told: Callable[[Taken, int], None], *, apply: bool
) -> Report:
    """Take over what is not here yet. Without `apply` the same is done and undone, in one transaction.

    With it, each batch is committed: killed in between, another run goes on from there. Raises CannotRead for a
    database of another kind, and Busy.
    """
    tables = await source.tables()
    if missing := NEEDED - tables:
        raise CannotRead(f"Não é o banco do sistema antigo: falta a tabela {', '.join(sorted(missing))}.")
    old = Legacy(source)
    async with _alone(), contextlib.AsyncExitStack() as stack:
        if not apply:
            trial = await stack.enter_async_context(DB.transaction())
            stack.push_async_callback(trial.rollback)
        await _take_all(old, available, timezone, told)
        if apply:
            await _note(old)
    return Report(apply, old.taken, old.left, [await _behind(source, t) for t in BEHIND if t in tables])


async def _take_all(
    old: Legacy, available: Available, timezone: str, told: Callable[[Taken, int], None]
) -> None:
    await old.remember([mensagem_kind(old).name])
    await old.take(chatbot_kind(old, available.vault, timezone), told)
    await old.take(etapa_kind(old, available), told)
    await who_serves(old)
    await old.take(await cliente_kind(old), told)
    for kind in _of_plugins(old, available):
        await old.take(kind, told)
    await old.take(mensagem_kind(old), told)


def _of_plugins(old: Legacy, available: Available) -> Sequence[LegacyKind]:
    """Of plugins that work only: the others are named by `wabot doctor`, and another run takes over what is theirs."""
    return [
        kind
        for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
        if entry.name in available.registry.plugins
        for kind in entry.load()(old)
    ]


async def _behind(source: Source, table: str) -> Behind:
    [row] = await source.fetch(f"SELECT count(*) AS many FROM {table}")  # noqa: S608 - our own names
    return Behind(table, row["many"], BEHIND[table])


async def _note(old: Legacy) -> None:
    async with DB.transaction():
        many = {taken.kind: taken.novos for taken in old.taken}
        await audit.record("importar", "sistema antigo", old.source.name, campos=many)


@contextlib.asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """On a connection of its own: the lock ends with it, and with the process."""
    connection: Any = await DB.get_new_connection()
    try:
        if not await connection.fetchval(ONE_AT_A_TIME):
            raise Busy("Outra importação está em andamento neste banco; espere que termine.")
        yield
    finally:
        await connection.close()
