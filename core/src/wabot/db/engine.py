"""The one connection pool of a process: raw SQL for the hot path, Piccolo for the rest, in one transaction.

That the database is away is told here, once for everybody; whoever asks it something gets Away.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Literal, TypeVar

import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction

from wabot.db.away import away, is_away
from wabot.errors import Away
from wabot.outage import Outage

T = TypeVar("T")
log = logging.getLogger(__name__)

CONNECT_WITHIN = 10.0
RETRY_AFTER = 1.0
"""Seconds until a database that is away is asked again."""

_fence: ContextVar[frozenset[int] | None] = ContextVar("fence", default=None)

# Not WITH, which may write, nor what locks rows. What a function does nobody can see.
_ONLY_READS = re.compile(
    r"\s*SELECT\b(?!.*\bFOR\s+(NO\s+KEY\s+)?(UPDATE|SHARE|KEY))", re.IGNORECASE | re.DOTALL
).match


@lru_cache
def _only_reads(sql: str) -> bool:
    return bool(_ONLY_READS(sql))


FENCED = "SELECT set_config('wabot.chatbots', $1, true)"


class Transaction(PostgresTransaction):
    """Piccolo's transaction; it also minds the fence, and gives the connection back whatever fails."""

    engine: "Database"
    wrote = False
    """Whether more has been asked of it than plain SELECTs since this was last set to False."""

    def __init__(self, engine: "Database", allow_nested: bool = True) -> None:
        super().__init__(engine, allow_nested)
        self.read: dict[Any, list[Any]] = {}
        """What was asked by `fetch_once` since anything was written."""

    def has_written(self) -> None:
        self.wrote = True
        self.read.clear()

    async def __aenter__(self) -> "Transaction":
        if self._parent is not None:
            return self._parent  # type: ignore[return-value]
        async with self.engine.minding():
            self.connection = await self.get_connection()  # type: ignore[no-untyped-call]
            try:
                self.transaction = self.connection.transaction()
                await self.begin()
            except BaseException:
                await self._give_back()
                raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def begin(self) -> None:
        await super().begin()  # type: ignore[no-untyped-call]
        if (chatbots := _fence.get()) is not None:
            await self.connection.execute(FENCED, literal(sorted(chatbots)))

    async def __aexit__(self, exception_type: Any, exception: Any, traceback: Any) -> Literal[False]:
        if self._parent is not None:
            return False
        try:
            if exception is not None:
                with contextlib.suppress(OSError, asyncpg.InterfaceError, asyncpg.PostgresError):
                    await self.rollback()  # type: ignore[no-untyped-call]
            elif not self._rolled_back:
                async with self.engine.minding(self.connection):
                    await self.commit()  # type: ignore[no-untyped-call]
        finally:
            self.engine.current_transaction.reset(self.context)
            await self._give_back()
        return False

    async def _give_back(self) -> None:
        if self.engine.pool is None:
            await self.connection.close()
        else:
            await self.engine.pool.release(self.connection)


async def _leave(connection: asyncpg.Connection) -> None:
    """asyncpg would ask the server to reset each returned connection: a tenth of a turn's time, for session state
    (SET, session locks, LISTEN) that nobody here may leave behind. An open transaction it rolls back before this.
    """


def _is_lost(connection: asyncpg.Connection | None) -> bool:
    """Whatever asyncpg calls it: an error on a connection that is no more says nothing about who used it."""
    if connection is None:
        return False
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True  # the pool took it back when it broke


class _Minding:
    """Not a generator, which would take as long as asyncpg does: every statement passes here."""

    __slots__ = ("_connection", "_engine")

    def __init__(self, engine: "Database", connection: asyncpg.Connection | None) -> None:
        self._engine, self._connection = engine, connection

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, kind: Any, error: BaseException | None, traceback: Any) -> Literal[False]:
        if error is None:
            self._engine.outage.over()
        elif isinstance(error, Exception) and not isinstance(error, Away):
            await self._met(error)
        return False

    async def _met(self, error: Exception) -> None:
        if not (is_away(error) or isinstance(error, OSError) or _is_lost(self._connection)):
            return
        if isinstance(error, asyncpg.InternalClientError) and self._connection:
            self._connection.terminate()  # asyncpg does not know any more what the server is doing there
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError) and self._engine.pool:
            await self._engine.pool.expire_connections()  # these lead to what is no longer the primary
        told = away(error)
        self._engine.outage.met(str(told))
        raise told from error


class Database(PostgresEngine):
    """Piccolo's engine, opened when the settings are known rather than at import."""

    def __init__(self) -> None:
        super().__init__(config={})
        self.outage = Outage("database", log)

    async def check_version(self) -> None:
        """Nothing to do at import: there is no server yet."""

    async def prep_database(self) -> None:
        """No extensions needed."""

    async def open(self, dsn: str, *, least: int = 1, most: int = 10, name: str = "wabot") -> None:
        """Connect. Raises Refused if the server does not let us in, else Away if it cannot be reached.

        `name` is what the server calls this process: see pg_stat_activity. An empty `dsn` leaves everything to
        `PGHOST`, `PGDATABASE` and their kin.
        """
        named = {"server_settings": {"application_name": name}}
        self.config = {"dsn": dsn, **named} if dsn else named
        try:
            self.pool = await asyncpg.create_pool(
                **self.config,
                min_size=least,
                max_size=most,
                max_inactive_connection_lifetime=0,  # reconnecting costs more than an idle connection
                timeout=CONNECT_WITHIN,
                reset=_leave,
            )
        except Exception as error:
            if is_away(error) or isinstance(error, OSError):
                raise away(error) from error  # not logged: a command says so itself
            raise

    async def get_new_connection(self) -> asyncpg.Connection:
        """One outside the pool. Raises Away."""
        async with self.minding():
            return await asyncpg.connect(**self.config, timeout=CONNECT_WITHIN)

    async def close(self) -> None:
        """Give all connections back and forget the server."""
        if self.pool is not None:
            pool, self.pool = self.pool, None
            await pool.close()

    def transaction(self, allow_nested: bool = True) -> Transaction:
        return Transaction(engine=self, allow_nested=allow_nested)

    def _in_hand(self) -> Any:
        """The transaction this task is in, if it is in one."""
        return self.current_transaction.get()

    def fence(self, chatbots: Iterable[int]) -> None:
        """From here on, in this task, the database refuses writes to the rows of any other chatbot."""
        _fence.set(frozenset(chatbots))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """The connection of the transaction in hand, or one from the pool."""
        if transaction := self._in_hand():
            transaction.has_written()  # or may have: nobody sees what is asked there
            async with self.minding(transaction.connection):
                yield transaction.connection
        elif _fence.get() is not None:
            async with self.transaction() as transaction, self.minding(transaction.connection):
                yield transaction.connection
        else:
            async with self.minding(), self._pool().acquire() as connection, self.minding(connection):
                yield connection

    def minding(self, connection: asyncpg.Connection | None = None) -> "_Minding":
        """Raises Away for whatever asyncpg or a socket raises when the database is away, and tells it once."""
        return _Minding(self, connection)

    async def fetch(self, sql: str, *args: Any) -> list[Any]:
        found: list[Any] = await self._ask("fetch", sql, args)
        return found

    async def fetch_once(self, sql: str, *args: Any) -> list[Any]:
        """Rows of a SELECT that only reads. Asked again in the same transaction they are the same, unless something
        was written there since: turns that share one read a catalogue once. The arguments must be hashable.
        """
        transaction = self._in_hand()
        if transaction is None:
            return await self.fetch(sql, *args)
        if (sql, args) not in transaction.read:
            transaction.read[sql, args] = await self.fetch(sql, *args)
        rows: list[Any] = transaction.read[sql, args]
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> Any:
        return await self._ask("fetchrow", sql, args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self._ask("fetchval", sql, args)

    async def execute(self, sql: str, *args: Any) -> str:
        status: str = await self._ask("execute", sql, args)
        return status

    async def _ask(self, how: str, sql: str, args: Sequence[Any]) -> Any:
        transaction = self._in_hand()
        if transaction is None:
            async with self.connection() as connection:
                return await getattr(connection, how)(sql, *args)
        self._note(sql, transaction)
        async with self.minding(transaction.connection):
            return await getattr(transaction.connection, how)(sql, *args)

    def _note(self, sql: str, transaction: Any) -> None:
        if isinstance(transaction, Transaction) and not _only_reads(sql):
            transaction.has_written()

    async def run_querystring(self, querystring: Any, in_pool: bool = True) -> Any:
        """Piccolo's queries."""
        self._note(querystring.template, self._in_hand())
        return await super().run_querystring(querystring, in_pool)

    async def _run_in_pool(self, query: str, args: Sequence[Any] | None = None) -> list[Any]:
        """Piccolo's queries outside a transaction."""
        return await self.fetch(query, *(args or ()))

    def _pool(self) -> asyncpg.Pool:
        if self.pool is None:
            raise ConnectionError("the database is not open")
        return self.pool


DB = Database()


def literal(elements: Iterable[Any]) -> str:
    """An array as PostgreSQL writes it, for a statement that casts it from text (`$1::text::bigint[]`).

    The planner cannot look into it, so it keeps one plan for arrays of all lengths. If it can, it may plan a statement
    anew each time, which takes longer than to run it.
    """
    return f"{{{','.join(map(str, elements))}}}"


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do it, again and again for as long as the database is away."""
    while True:
        try:
            return await work()
        except Away as error:
            DB.outage.met(str(error))
            await asyncio.sleep(RETRY_AFTER)
