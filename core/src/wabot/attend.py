"""Answering: one message, one transaction. State, replies, events and what the plugin wrote commit together.

A conversa is served by one worker at a time, its messages oldest first; different conversas run side by side.
Killed before the commit, nothing happened; killed after it, the outbox still sends.
"""

import asyncio
import logging
import time
from collections.abc import Coroutine, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from wabot import consent, corrections, merges, texts
from wabot.db.away import away, is_away
from wabot.db.engine import DB
from wabot.errors import NewerState, NoFileYet, PluginFailed, WabotError, reason_of
from wabot.flow import Cliente, Event
from wabot.logs import places, step
from wabot.media.erase import mark
from wabot.media.kept import ChatbotFiles
from wabot.message import Inbound, TextMessage
from wabot.metrics import ANSWERS, TURNS
from wabot.outbox import encode
from wabot.plugins.contain import Overstayed, contained
from wabot.plugins.guard import Guard
from wabot.plugins.runtime import BotRuntime, Runtimes
from wabot.turn import Scene, State, Trail, Turn, is_late, take_turn
from wabot.whatsapp.client import Credentials, Graph
from wabot.whatsapp.payloads import read_message

log = logging.getLogger(__name__)
ANSWERED, FAILED_TURN = TURNS.labels("answered"), TURNS.labels("failed")

TURN_LIMIT = 10.0
"""Seconds a turn may take. It holds the conversa's row and a connection all that time."""
RETRY_AFTER = (0, 2, 10)
"""Seconds until a message whose turn failed is tried again; after the last one it is set aside."""

# FOR NO KEY UPDATE, so that foreign keys that point here do not wait for a turn. From here to the commit the database
# refuses writes to any other chatbot's rows (see the fence in the migrations).
LOCK = """
SELECT conversa.chatbot, conversa.cliente, flow, etapa, version, data, shown, misses, person, cliente.nome, mesclado_em,
    last_inbound_at, set_config('wabot.chatbots', '{' || conversa.chatbot || '}', true)
FROM conversa JOIN cliente ON cliente.id = conversa.cliente WHERE conversa.id = $1
FOR NO KEY UPDATE OF conversa
"""

# `joined`: a cliente was merged into this one, and what waits in their conversa must not be overtaken.
OLDEST = """
SELECT id, wamid, raw, received_at, tries, retry_at > now() AS too_early,
    EXISTS (SELECT FROM cliente_merge WHERE carry_to = $2) AS joined
FROM inbox WHERE conversa = $1 AND state = 'pendente' ORDER BY sent_at, id LIMIT 1
"""

# Meta takes one message every six seconds from a number to a customer, and up to 45 before their time: `pair_at` is
# when all those written so far have had theirs (GCRA). A reply that is too early waits in its row.
COMMIT = """
WITH answered AS (
    UPDATE inbox SET state = 'atendida', done_at = now(), error = '', etapa = $16 WHERE id = $1
), moved AS (
    UPDATE conversa SET flow = $4, etapa = $5, version = $6, data = $7, shown = $8, misses = $9, person = $10,
        last_inbound_at = greatest(last_inbound_at, $11),
        pair_at = greatest(pair_at, now()) + cardinality($12::json[]) * interval '6 seconds'
    WHERE id = $2 RETURNING pair_at - cardinality($12::json[]) * interval '6 seconds' AS free_at
), said AS (
    INSERT INTO outbox (chatbot, conversa, inbox, flow, content, retry_at)
    SELECT $3, $2, $1, $15, content, CASE WHEN may_go > now() THEN may_go END
    FROM moved, unnest($12::json[]) WITH ORDINALITY AS reply (content, place),
        LATERAL (SELECT free_at + (place - 45) * interval '6 seconds' AS may_go) AS pair
    ORDER BY place
), happened AS (
    INSERT INTO event (chatbot, conversa, inbox, name, fields)
    SELECT $3, $2, $1, * FROM unnest($13::text[], $14::json[])
)
SELECT EXISTS (SELECT FROM inbox WHERE conversa = $2 AND state = 'pendente' AND id <> $1) AS more
"""

FAILED = """
UPDATE inbox SET tries = tries + 1, error = $2, plugin = $3, retry_at = now() + make_interval(secs => $4) WHERE id = $1
"""

SET_ASIDE = """
WITH dead AS (
    UPDATE inbox SET state = 'morta', tries = tries + 1, error = $2, plugin = $3, done_at = now()
    WHERE id = $1 AND state = 'pendente' RETURNING chatbot, conversa, id, sent_at
), moved AS (
    UPDATE conversa SET last_inbound_at = greatest(last_inbound_at, sent_at),
        pair_at = greatest(pair_at, now()) + interval '6 seconds'
    FROM dead WHERE conversa.id = dead.conversa
)
INSERT INTO outbox (chatbot, conversa, inbox, content) SELECT chatbot, conversa, id, $4 FROM dead
"""

ERASED = "DELETE FROM inbox WHERE conversa = $1"

OVERDUE = """
SELECT DISTINCT conversa FROM inbox
WHERE state = 'pendente' AND coalesce(retry_at, received_at + make_interval(secs => $1)) <= now()
LIMIT $2
"""


class NotReady(WabotError):
    """This process does not know the chatbot (yet). Another may; the sweeper rings again."""


class Attendant:
    """Takes turns. Several rings for one conversa in this process become one."""

    def __init__(self, runtimes: Runtimes, graph: Graph, guard: Guard) -> None:
        self._runtimes, self._graph, self._guard = runtimes, graph, guard
        self._courtesies: set[asyncio.Task[bool]] = set()
        self.stopping = False

    async def attend(self, conversa: int) -> None:
        """Answer what waits in this conversa, oldest first. Raises what the database raises, and NotReady."""
        while not self.stopping and await self._one(conversa):
            pass

    def stop(self) -> None:
        """Take no more turns; what is in hand is seen through, but for the courtesies."""
        self.stopping = True
        for courtesy in self._courtesies:
            courtesy.cancel()

    async def _one(self, conversa: int, without: frozenset[str] = frozenset()) -> bool:
        """Answer the oldest message; False if nothing more waits that may be answered now."""
        row: Any = None
        message: Any = None
        trail = Trail()
        began = time.monotonic()
        try:
            async with DB.transaction() as transaction:
                row = await DB.fetchrow(LOCK, conversa)
                if row is None:
                    await _forget(conversa)
                    return False
                if row["mesclado_em"]:
                    await merges.carry_over(absorbed=row["cliente"])
                    return False  # it goes on in the conversa of whom they were merged with
                message = await DB.fetchrow(OLDEST, conversa, row["cliente"])
                if message and message["joined"]:
                    return await merges.carry_over(survivor=row["cliente"])
                if not message or message["too_early"]:
                    return False
                more, led_to = await self._take(
                    conversa, row, message, trail, without, transaction.connection
                )
            ANSWERED.observe(time.monotonic() - began)
            ANSWERS.observe(max(0.0, (datetime.now(UTC) - message["received_at"]).total_seconds()))
            step(log, "turn", chatbot=row["chatbot"], conversa=conversa, inbox=message["id"], etapa=led_to)
            return more
        except (NotReady, OSError):
            raise  # not the message's fault: it stays as it was
        except Exception as error:  # noqa: BLE001 - a plugin's failure is its own
            if is_away(error.__cause__):
                raise away(error.__cause__) from None  # the plugin only met it
            if trail.plugin and not isinstance(error.__cause__, NoFileYet):
                await self._guard.failed(row["chatbot"], trail.plugin, error)
            if isinstance(error, PluginFailed) and error.skippable:
                return await self._one(conversa, without | {error.plugin})
            FAILED_TURN.observe(time.monotonic() - began)
            await self._failed(message, error, trail.plugin)
            return True

    async def _take(
        self,
        conversa: int,
        row: Any,
        message: Any,
        trail: Trail,
        without: frozenset[str],
        connection: asyncpg.Connection,
    ) -> tuple[bool, str]:
        """Take the turn and write all of it. Whether more waits (what comes later rings for itself), and the etapa
        that it led to.
        """
        runtime = self._runtimes.get(row["chatbot"])
        if runtime is None:
            raise NotReady(f"chatbot {row['chatbot']}")
        inbound = read_message(message["raw"], message["received_at"])
        if inbound.expects_answer and not is_late(inbound, datetime.now(UTC)):
            self._show_courtesy(runtime, inbound.wamid)
        scene = self._scene(runtime, conversa, row, trail, without)
        turn = await _taken(take_turn(runtime.flows, _state(row), scene, inbound), connection)
        await corrections.mark(runtime.bot.id, conversa, inbound)
        if turn.opted_out:
            await _opt_out(row["cliente"], inbound)
        events = [*turn.events, *_counted(row, message, inbound, turn)]
        led_to = f"{turn.state.flow or turn.flow}.{turn.state.etapa}".strip(".")
        told = (*_columns(turn), *_lists(inbound, turn, events), turn.flow, led_to)
        more = await DB.fetchval(COMMIT, message["id"], conversa, runtime.bot.id, *told)
        for plugin in trail.called:
            await self._guard.succeeded(runtime.bot.id, plugin)
        return bool(more), led_to

    def _scene(
        self, runtime: BotRuntime, conversa: int, row: Any, trail: Trail, without: frozenset[str]
    ) -> Scene:
        return Scene(
            runtime.chatbot,
            Cliente(row["cliente"], row["nome"]),
            datetime.now(UTC),
            filters=runtime.filters,
            down=self._guard.down(runtime.bot.id, runtime.plugins) | without,
            incomplete=bool(runtime.missing),
            trail=trail,
            files=ChatbotFiles(runtime.bot.id, conversa),
        )

    def _show_courtesy(self, runtime: BotRuntime, wamid: str) -> None:
        """Blue ticks and "digitando…" while the turn is taken. Nothing waits for it and nothing depends on it."""
        credentials = Credentials(runtime.bot.phone_number_id, runtime.bot.access_token)
        task = asyncio.create_task(self._graph.mark_read(credentials, wamid, typing=True))
        self._courtesies.add(task)
        task.add_done_callback(self._courtesies.discard)

    async def _failed(self, message: Any, error: Exception, plugin: str) -> None:
        """Record the try outside the transaction it undid, so that the record survives."""
        reason = reason_of(error)
        tries = message["tries"]
        log.error("inbox %s, try %s: %s", message["id"], tries + 1, places(error))
        if tries < len(RETRY_AFTER):
            await DB.execute(FAILED, message["id"], reason, plugin, RETRY_AFTER[tries])
        else:
            [apology] = encode([TextMessage(texts.FALHA_NOSSA)])
            await DB.execute(SET_ASIDE, message["id"], reason, plugin, apology)


async def _forget(conversa: int) -> None:
    """What came while its sender was being erased goes with them: the door had found their conversa still there."""
    await DB.execute(ERASED, conversa)
    await mark([conversa])


async def _opt_out(cliente: int, inbound: Inbound) -> None:
    """Their own words are the proof."""
    await consent.record(
        cliente,
        accepts=False,
        who="cliente",
        how="palavra na conversa",
        wording=inbound.text,
        source=inbound.wamid,
        at=inbound.at,
    )


async def _taken(turn: Coroutine[Any, Any, Turn], connection: asyncpg.Connection) -> Turn:
    """The plugin's code, contained. Code that does not even end when cancelled must not keep our connection."""
    try:
        return await contained(turn, TURN_LIMIT)
    except Overstayed as error:
        if error.left_behind:
            connection.terminate()
        raise
    except NewerState as error:
        raise NotReady(str(error)) from error


def _state(row: Any) -> State:
    return State(
        flow=row["flow"],
        etapa=row["etapa"],
        version=row["version"],
        data=row["data"].encode(),
        shown=tuple(row["shown"]),
        misses=row["misses"],
        person=row["person"],
    )


def _columns(turn: Turn) -> tuple[Any, ...]:
    state = turn.state
    return (
        state.flow,
        state.etapa,
        state.version,
        state.data.decode(),
        list(state.shown),
        state.misses,
        state.person,
    )


def _counted(row: Any, message: Any, inbound: Inbound, turn: Turn) -> Iterator[Event]:
    """One event with all that reports count of a message, since each event is a row more to write."""
    if not inbound.expects_answer:
        return
    names = {event.name for event in turn.events}
    waited = datetime.now(UTC) - message["received_at"]
    fields = {
        "tipo": inbound.kind,
        "flow": row["flow"],
        "etapa": row["etapa"],
        "caminho": turn.path,
        "iniciada": "conversa.iniciada" in names,
        "encerrada": "conversa.encerrada" in names,
        "primeira": row["last_inbound_at"] is None,
        "espera": max(0, waited // timedelta(milliseconds=1)),
        "respostas": len(turn.replies),
    }
    yield Event("mensagem.atendida", fields)


def _lists(inbound: Inbound, turn: Turn, events: Sequence[Event]) -> tuple[Any, ...]:
    # what WhatsApp itself reports about a customer opens no window
    at = None if inbound.kind in ("system", "group") else inbound.at
    names = [event.name for event in events]
    fields = [msgspec.json.encode(event.fields).decode() for event in events]
    return at, encode(turn.replies), names, fields


async def waiting_longer_than(seconds: float, most: int) -> list[int]:
    """Conversas with a message that should have been answered by now: for the sweeper."""
    return [row["conversa"] for row in await DB.fetch(OVERDUE, seconds, most)]
