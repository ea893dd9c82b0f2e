"""Answering: a turn's state, replies, events and what the plugin wrote commit together, or nothing of it happened.

A conversa is served by one worker at a time, its messages oldest first; different conversas run side by side. Turns
of a chatbot that wait at the same time share a transaction, as long as they are quick and well; see decision 0031.
Killed before the commit, nothing happened; killed after it, the outbox still sends.
"""

import logging
import time
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from wabot import consent, corrections, merges, texts
from wabot.courtesies import Courtesies
from wabot.db.away import away, is_away
from wabot.db.engine import DB, Transaction
from wabot.errors import NewerState, NoFileYet, PluginFailed, WabotError, reason_of
from wabot.flow import Cliente
from wabot.logs import places, step
from wabot.media.erase import mark
from wabot.media.kept import ChatbotFiles
from wabot.message import Inbound, TextMessage
from wabot.metrics import ANSWERS, TURNS
from wabot.outbox import encode
from wabot.plugins.contain import Overstayed, contained
from wabot.plugins.guard import Guard
from wabot.plugins.runtime import BotRuntime, Runtimes
from wabot.tempo import Tempo
from wabot.turn import Scene, Trail, Turn, is_late, take_turn
from wabot.turns import (
    ERASED,
    FAILED,
    LOCK,
    LOCK_FREE,
    OVERDUE,
    SET_ASIDE,
    Taken,
    Written,
    counted,
    oldest,
    state_of,
    write,
)
from wabot.whatsapp.client import Credentials
from wabot.whatsapp.payloads import read_message

log = logging.getLogger(__name__)
ANSWERED, FAILED_TURN = TURNS.labels("answered"), TURNS.labels("failed")

TURN_LIMIT = 10.0
"""Seconds a turn may take. It holds the conversa's row and a connection all that time."""
RETRY_AFTER = (0, 2, 10)
"""Seconds until a message whose turn failed is tried again; after the last one it is set aside."""
ROUND = 0.1
"""Seconds after which no further turn joins those that share a transaction."""
HELD = 0.03
"""The same once a turn has written rows of its own, for whose locks others may be waiting."""
CAREFUL = 60.0
"""Seconds after a round that failed in which rounds end with the first turn that has written."""


class NotReady(WabotError):
    """This process does not know the chatbot (yet). Another may; the sweeper rings again."""


class Attendant:
    """Takes turns, of one conversa or of many together."""

    def __init__(self, runtimes: Runtimes, courtesies: Courtesies, guard: Guard) -> None:
        self._runtimes, self._courtesies, self._guard = runtimes, courtesies, guard
        self._tempo = Tempo()
        self._careful_until: dict[int, float] = {}
        self.stopping = False

    async def attend(self, conversa: int) -> None:
        """Answer what waits in this conversa, oldest first. Raises what the database raises, and NotReady."""
        while not self.stopping and await self._one(conversa):
            pass

    def stop(self) -> None:
        """Take no more turns; what is in hand is seen through."""
        self.stopping = True

    def shares(self, chatbot: int) -> bool:
        """Whether the chatbot's turns may share a transaction: they are quick, and all its plugins are well."""
        runtime = self._runtimes.get(chatbot)
        return (
            runtime is not None
            and self._tempo.is_quick(chatbot)
            and not self._guard.troubled(chatbot, runtime.plugins)
        )

    async def together(self, chatbot: int, conversas: Sequence[int]) -> list[Written | None]:
        """Take the next turn of each of these conversas of one chatbot, all in one transaction.

        None for one that has to be attended alone. If one turn fails, none was taken. Claimed replies are the caller's
        to send.
        """
        if self.stopping:
            return [Written(more=False)] * len(conversas)
        began = time.monotonic()
        try:
            async with DB.transaction() as transaction:
                written, taken = await self._round(chatbot, conversas, transaction)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - each is taken alone, and fails for itself
            log.info("chatbot %s: a round of turns is undone (%s)", chatbot, places(error))
            self._careful_until[chatbot] = began + CAREFUL
            return [None] * len(conversas)
        _tell(chatbot, taken, began)
        return [written.get(conversa) for conversa in conversas]

    async def _round(
        self, chatbot: int, conversas: Sequence[int], transaction: Transaction
    ) -> tuple[dict[int, Written], list[Taken]]:
        """Lock what nobody has in hand, take its turns one after the other, write them all.

        It ends early once a turn has written rows of its own, whose locks others would wait for.
        """
        began = time.monotonic()
        locked = await DB.fetch(LOCK_FREE, conversas, chatbot)
        self._tempo.locked(time.monotonic() - began)
        rows = {row["id"]: row for row in locked if not row["mesclado_em"]}
        messages = await oldest(list(rows.values()))
        waits = {m["conversa"] for m in messages if not m["too_early"]}
        found = {conversa: Written(more=conversa in waits) for conversa in rows}
        taken: list[Taken] = []
        trail = Trail()
        ends_at = time.monotonic() + ROUND
        held = HELD if began > self._careful_until.get(chatbot, 0.0) else 0.0
        for message in messages:
            conversa = message["conversa"]
            if message["joined"] or message["tries"]:  # what has failed before may fail again: for itself
                del found[conversa]
            elif conversa in waits and not (taken and time.monotonic() > ends_at):
                transaction.wrote = False
                taken.append(await self._take(rows[conversa], message, trail, frozenset(), transaction))
                if transaction.wrote:
                    ends_at = min(ends_at, time.monotonic() + held)
        return found | await self._write(chatbot, taken, trail, claiming=True), taken

    async def _one(self, conversa: int, without: frozenset[str] = frozenset()) -> bool:
        """Answer the oldest message; False if nothing more waits that may be answered now."""
        row: Any = None
        message: Any = None
        trail = Trail()
        began = time.monotonic()
        try:
            async with DB.transaction() as transaction:
                row = await DB.fetchrow(LOCK, [conversa])
                if row is None:
                    await _forget(conversa)
                    return False
                if row["mesclado_em"]:
                    await merges.carry_over(absorbed=row["cliente"])
                    return False  # it goes on in the conversa of whom they were merged with
                message = next(iter(await oldest([row])), None)
                if message and message["joined"]:
                    return await merges.carry_over(survivor=row["cliente"])
                if not message or message["too_early"]:
                    return False
                taken = await self._take(row, message, trail, without, transaction)
                written = await self._write(row["chatbot"], [taken], trail)
            _tell(row["chatbot"], [taken], began)
            return written[conversa].more
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
        self, row: Any, message: Any, trail: Trail, without: frozenset[str], transaction: Transaction
    ) -> Taken:
        """Take the turn; what it says and where it leads is not written yet."""
        runtime = self._runtimes.get(row["chatbot"])
        if runtime is None:
            raise NotReady(f"chatbot {row['chatbot']}")
        inbound = read_message(message["raw"], message["received_at"])
        if inbound.expects_answer and not is_late(inbound, datetime.now(UTC)):
            credentials = Credentials(runtime.bot.phone_number_id, runtime.bot.access_token)
            self._courtesies.begun(row["id"], credentials, inbound.wamid)
        scene = self._scene(runtime, row, trail, without)
        began = time.monotonic()
        try:
            turn = await _taken(
                take_turn(runtime.flows, state_of(row), scene, inbound), transaction.connection
            )
        finally:
            self._courtesies.ended(row["id"])
        self._tempo.taken(runtime.bot.id, time.monotonic() - began)
        await corrections.mark(runtime.bot.id, row["id"], inbound)
        if turn.opted_out:
            await _opt_out(row["cliente"], inbound)
        events = (*turn.events, *counted(row, message, inbound, turn))
        return Taken(row["id"], message["id"], message["received_at"], inbound, turn, events)

    async def _write(
        self, chatbot: int, taken: Sequence[Taken], trail: Trail, *, claiming: bool = False
    ) -> dict[int, Written]:
        """Write all of it. What comes later rings for itself."""
        written = await write(chatbot, taken, claiming=claiming) if taken else {}
        for plugin in trail.called:
            await self._guard.succeeded(chatbot, plugin)
        return written

    def _scene(self, runtime: BotRuntime, row: Any, trail: Trail, without: frozenset[str]) -> Scene:
        return Scene(
            runtime.chatbot,
            Cliente(row["cliente"], row["nome"]),
            datetime.now(UTC),
            filters=runtime.filters,
            down=self._guard.down(runtime.bot.id, runtime.plugins) | without,
            incomplete=bool(runtime.missing),
            trail=trail,
            files=ChatbotFiles(runtime.bot.id, row["id"]),
        )

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


def _tell(chatbot: int, taken: Sequence[Taken], began: float) -> None:
    """What is told of turns once they are committed."""
    for turn in taken:
        ANSWERED.observe(time.monotonic() - began)
        ANSWERS.observe(max(0.0, (datetime.now(UTC) - turn.received_at).total_seconds()))
        step(log, "turn", chatbot=chatbot, conversa=turn.conversa, inbox=turn.message, etapa=turn.led_to)


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


async def waiting_longer_than(seconds: float, most: int) -> list[tuple[int, int]]:
    """Chatbots and conversas with a message that should have been answered by now: for the sweeper."""
    return [(row["chatbot"], row["conversa"]) for row in await DB.fetch(OVERDUE, seconds, most)]
