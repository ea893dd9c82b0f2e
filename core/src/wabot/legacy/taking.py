"""Taking over rows, kind by kind and batch by batch: each once, with a reason for each that is left."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from wabot.db.engine import DB
from wabot.legacy.source import BATCH, Row, Source
from wabot.legacy.values import Unfit, centavos, moment, words

NOT_YET = 0
"""The chatbot of a chatbot that is about to be made."""
TOLD = 100
"""Rows left out that are told one by one, of each kind; of the others, how many there are."""

# Who was erased since is not here any more, for whatever would depend on them.
KNOWN = """
SELECT kind, legacy_id, chatbot, new_id FROM legacy_row
WHERE source = $1 AND kind <> ALL ($2) AND (kind <> 'cliente' OR EXISTS (SELECT FROM cliente WHERE id = new_id))
"""
KNOWN_OF = """
SELECT legacy_id, chatbot, new_id FROM legacy_row WHERE source = $1 AND kind = $2 AND legacy_id = ANY ($3)
"""
KEEP = """
INSERT INTO legacy_row (source, kind, legacy_id, chatbot, new_id)
SELECT $1, $2, * FROM unnest($3::bigint[], $4::int[], $5::bigint[])
"""


class LegacyKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of rows of the old system, and what becomes of them here."""

    name: str
    """In the singular, as a person calls it: `produto`."""
    table: str
    """Where the old system keeps them, by `id`. Without such a table there is nothing to take over."""
    chatbots: Callable[[Row], Iterable[int]]
    """For which of our chatbots an old row is. Raises Unfit."""
    read: Callable[[Row, int], Any]
    """An old row as one of ours, for one chatbot. Raises Unfit."""
    write: Callable[[Sequence[tuple[int, Any]]], Awaitable[Sequence["int | Unfit"]]]
    """Writes (chatbot, what `read` gave) in the transaction in hand; of each, its new id or why it has none."""
    many: bool = False
    """Too many to remember all at once; then nothing else may ask for their new ids."""


class Left(msgspec.Struct, frozen=True):
    """A row that stays behind."""

    kind: str
    id: int
    why: str


class Taken(msgspec.Struct):
    """What was, or would be, done with one kind."""

    kind: str
    novos: int = 0
    ja_importados: int = 0
    recusados: int = 0


class Legacy:
    """The old system, and what of it is here by now. What a plugin gets to say what becomes of its own rows."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.taken: list[Taken] = []
        self.left: list[Left] = []
        self.chatbots: dict[int, int] = {}
        self.using: dict[int, set[str]] = {}
        """Our chatbots that come from the old system, and by which plugins they are served."""
        self._new: dict[tuple[str, int, int], int] = {}

    def new(self, kind: str, legacy_id: int, chatbot: int) -> int:
        """The id here of something taken over before. Raises Unfit."""
        try:
            return self._new[kind, legacy_id, chatbot]
        except KeyError:
            raise Unfit(f"depende de {kind} {legacy_id}, que não está aqui") from None

    def chatbot(self, legacy_id: int) -> int:
        """The id here of a chatbot of the old system. Raises Unfit."""
        try:
            return self.chatbots[legacy_id]
        except KeyError:
            raise Unfit(f"depende de chatbot {legacy_id}, que não está aqui") from None

    words = staticmethod(words)
    centavos = staticmethod(centavos)

    def moment(self, value: Any) -> datetime:
        """A time of the old database. Raises Unfit."""
        return moment(value, self.source.zone)

    def served_by(self, plugin: str) -> list[int]:
        """Our chatbots whose etapas were this plugin's. Raises Unfit if there is none."""
        found = [chatbot for chatbot, plugins in self.using.items() if plugin in plugins]
        if not found:
            raise Unfit(f"nenhum chatbot importado usa o plugin {plugin}")
        return found

    async def remember(self, many: Sequence[str]) -> None:
        """What earlier runs took over, but for the kinds of which there are too many."""
        for row in await DB.fetch(KNOWN, self.source.name, many):
            self._remember(row["kind"], row["legacy_id"], row["chatbot"], row["new_id"])

    async def take(self, kind: LegacyKind, told: Callable[[Taken, int], None]) -> None:
        """Take over all rows of a kind, each batch in a transaction with the memory of it."""
        taken = Taken(kind.name)
        self.taken.append(taken)
        if kind.table not in await self.source.tables():
            return
        [total] = await self.source.fetch(f"SELECT count(*) AS many FROM {kind.table}")  # noqa: S608 - our own names
        async for rows in self._batches(kind.table):
            async with DB.transaction():
                await self._take(kind, rows, taken)
            told(taken, total["many"])

    async def _batches(self, table: str) -> AsyncIterator[Sequence[Row]]:
        sql = f"SELECT * FROM {table} WHERE id > $1 ORDER BY id LIMIT {BATCH}"  # noqa: S608
        after = -1
        while rows := await self.source.fetch(sql, after):
            yield rows
            after = rows[-1]["id"]

    async def _take(self, kind: LegacyKind, rows: Sequence[Row], taken: Taken) -> None:
        known = await self._known(kind, [row["id"] for row in rows])
        new: list[tuple[int, int, Any]] = []
        for row in rows:
            try:
                for chatbot in kind.chatbots(row):
                    if (row["id"], chatbot) in known:
                        taken.ja_importados += 1
                    else:
                        new.append((row["id"], chatbot, kind.read(row, chatbot)))
            except Unfit as why:
                self._leave(taken, row["id"], why)
            except KeyError as column:
                self._leave(taken, row["id"], Unfit(f"falta a coluna {column}"))
        written = await kind.write([(chatbot, value) for _, chatbot, value in new]) if new else []
        await self._keep(kind, taken, zip(new, written, strict=True))

    async def _known(self, kind: LegacyKind, ids: Sequence[int]) -> set[tuple[int, int]]:
        rows = await DB.fetch(KNOWN_OF, self.source.name, kind.name, ids)
        return {(row["legacy_id"], chatbot) for row in rows for chatbot in (row["chatbot"], NOT_YET)}

    async def _keep(
        self, kind: LegacyKind, taken: Taken, done: Iterable[tuple[tuple[int, int, Any], Any]]
    ) -> None:
        kept = []
        for (legacy_id, chatbot, _), new_id in done:
            if isinstance(new_id, Unfit):
                self._leave(taken, legacy_id, new_id)
                continue
            kept.append((legacy_id, chatbot or new_id, new_id))
            taken.novos += 1
            if not kind.many:
                self._remember(kind.name, *kept[-1])
        if kept:
            await DB.execute(KEEP, self.source.name, kind.name, *map(list, zip(*kept, strict=True)))

    def _remember(self, kind: str, legacy_id: int, chatbot: int, new_id: int) -> None:
        self._new[kind, legacy_id, chatbot] = new_id
        if kind == "chatbot":
            self.chatbots[legacy_id] = new_id

    def _leave(self, taken: Taken, legacy_id: int, why: Unfit) -> None:
        taken.recusados += 1
        if taken.recusados <= TOLD:
            self.left.append(Left(taken.kind, legacy_id, str(why)))
