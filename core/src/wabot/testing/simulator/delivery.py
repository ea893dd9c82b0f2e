"""The courier that brings webhooks to the platform: signed, at least once, several updates to a body."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
from httpx_aiohttp import AiohttpTransport

from wabot.testing.simulator.faults import Dice
from wabot.testing.simulator.updates import Bot, envelope
from wabot.whatsapp.signature import sign

log = logging.getLogger(__name__)

RETRY_AFTER = (0.1, 0.3, 1, 2, 5, 10, 20, 30, 60)
"""Seconds. Meta tries for seven days; a test has less patience."""
TIMEOUT = 10
BATCH_WITHIN = 0.02
SHUFFLE_WITHIN = 0.05


class Parcel(msgspec.Struct, frozen=True, eq=False):
    """One update on its way. Those of one lane (a customer) keep their order, unless they are to be shuffled."""

    bot: Bot
    update: dict[str, Any]
    lane: str
    taken: asyncio.Future[bool]
    field: str


class Courier:
    """Delivers updates to the platform until it answers 200."""

    def __init__(self, dice: Dice, retry_after: Sequence[float] = RETRY_AFTER) -> None:
        self.url = ""
        self._dice, self._retry_after = dice, retry_after
        self._http = httpx.AsyncClient(transport=AiohttpTransport(), timeout=TIMEOUT)
        self._waiting: list[Parcel] = []
        self._lanes: dict[str, asyncio.Event] = {}
        self._runs: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for run in self._runs:
            run.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)
        self._settle(self._waiting, taken=False)
        await self._http.aclose()

    def send(
        self, bot: Bot, update: dict[str, Any], lane: str, field: str = "messages"
    ) -> asyncio.Future[bool]:
        """Hand over an update; the future tells whether the platform took it."""
        loop = asyncio.get_running_loop()
        parcel = Parcel(bot, update, lane, loop.create_future(), field)
        self._waiting.append(parcel)
        if len(self._waiting) >= self._dice.faults.batch:
            self._dispatch()
        elif len(self._waiting) == 1:
            loop.call_later(BATCH_WITHIN, self._dispatch)
        return parcel.taken

    def _dispatch(self) -> None:
        """Everything that waits, in bodies of one app each: an app signs for its own numbers only."""
        waiting, self._waiting = self._waiting, []
        for secret in dict.fromkeys(parcel.bot.app_secret for parcel in waiting):
            parcels = [parcel for parcel in waiting if parcel.bot.app_secret == secret]
            run = asyncio.create_task(self._deliver(secret, parcels, *self._queue_up(parcels)))
            self._runs.add(run)
            run.add_done_callback(self._runs.discard)

    def _queue_up(self, parcels: list[Parcel]) -> tuple[list[asyncio.Event], asyncio.Event]:
        """What to wait for, and what the next ones in these lanes wait for: the first try, not the success."""
        lanes = {parcel.lane for parcel in parcels}
        before = [self._lanes[lane] for lane in lanes if lane in self._lanes]
        tried = asyncio.Event()
        self._lanes |= dict.fromkeys(lanes, tried)
        return before, tried

    async def _deliver(
        self, secret: str, parcels: list[Parcel], before: list[asyncio.Event], tried: asyncio.Event
    ) -> None:
        faults = self._dice.faults
        taken = False
        try:
            if faults.shuffle:
                self._dice.random.shuffle(parcels)
                await asyncio.sleep(self._dice.random.random() * SHUFFLE_WITHIN)
            else:
                await asyncio.gather(*(earlier.wait() for earlier in before))
            body = envelope([(parcel.bot, parcel.field, parcel.update) for parcel in parcels])
            copies = (self._until_taken(secret, body, tried) for _ in range(faults.duplicate))
            taken = all(await asyncio.gather(*copies))
        finally:
            self._leave(parcels, tried)
            self._settle(parcels, taken=taken)

    def _leave(self, parcels: list[Parcel], tried: asyncio.Event) -> None:
        tried.set()
        for parcel in parcels:
            if self._lanes.get(parcel.lane) is tried:
                del self._lanes[parcel.lane]

    @staticmethod
    def _settle(parcels: list[Parcel], *, taken: bool) -> None:
        for parcel in parcels:
            if not parcel.taken.done():
                parcel.taken.set_result(taken)

    async def _until_taken(self, secret: str, body: bytes, tried: asyncio.Event) -> bool:
        for wait in (*self._retry_after, None):
            taken = await self._post(secret, body)
            tried.set()
            if taken:
                return True
            if wait is not None:
                await asyncio.sleep(wait)
        log.warning("a webhook was given up after %s tries", len(self._retry_after) + 1)
        return False

    async def _post(self, secret: str, body: bytes) -> bool:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign(secret, body)}
        try:
            response = await self._http.post(self.url, content=body, headers=headers)
        except httpx.HTTPError:
            return False
        return response.status_code == httpx.codes.OK
