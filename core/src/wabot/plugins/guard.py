"""Every call into a plugin goes through here: contained, timed, and counted by a breaker per plugin and bot."""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import asyncpg

from wabot.db.away import is_away
from wabot.db.engine import DB
from wabot.errors import Away, WabotError, reason_of
from wabot.logs import places
from wabot.plugins.breaker import Breaker, Change
from wabot.plugins.contain import contained

T = TypeVar("T")
log = logging.getLogger(__name__)

Key = tuple[int, str, str]
"""Chatbot, plugin, part."""

HEALTH = """
INSERT INTO plugin_health (chatbot, plugin, part, ok, error) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (chatbot, plugin, part) DO UPDATE SET ok = excluded.ok, error = excluded.error, since = now()
"""


class PluginDown(WabotError):
    """The plugin has failed repeatedly on this bot and is not called for a while."""


class Guard:
    """The breakers of this process. Whether a person wants a plugin is not its business, and it never changes it.

    A `part` (a job, a sink) has a breaker of its own: that it fails must not silence what customers talk to.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._breakers: dict[Key, Breaker] = {}

    def down(self, chatbot: int, plugins: Iterable[str], part: str = "") -> frozenset[str]:
        """Which of these must not be called now. Of one that is half open, one caller in turn is let through."""
        known = ((plugin, self._breakers.get((chatbot, plugin, part))) for plugin in plugins)
        return frozenset(plugin for plugin, breaker in known if breaker and not breaker.admits(self._clock()))

    def troubled(self, chatbot: int, plugins: Iterable[str]) -> bool:
        """Whether any of these has failed on this chatbot since it last came back well."""
        return any((chatbot, plugin, "") in self._breakers for plugin in plugins)

    async def call(
        self, chatbot: int, plugin: str, work: Callable[[], Awaitable[T]], *, within: float, part: str = ""
    ) -> T:
        """Call a plugin's code outside a turn. Raises PluginDown without calling, and whatever the call raises."""
        if self.down(chatbot, [plugin], part):
            raise PluginDown(f"plugin {plugin}, chatbot {chatbot}")

        async def called() -> T:
            return await work()

        try:
            result = await contained(called(), within)
        except Exception as error:
            if not is_away(error):  # or else the plugin is not to blame
                await self.failed(chatbot, plugin, error, part)
            raise
        await self.succeeded(chatbot, plugin, part)
        return result

    async def succeeded(self, chatbot: int, plugin: str, part: str = "") -> None:
        """Write down that a plugin came back, if it was away."""
        if breaker := self._breakers.pop((chatbot, plugin, part), None):
            await self._tell((chatbot, plugin, part), breaker.succeeded(), "")

    async def failed(self, chatbot: int, plugin: str, error: Exception, part: str = "") -> None:
        """Count a failure; the one that opens the breaker is written down."""
        breaker = self._breakers.setdefault((chatbot, plugin, part), Breaker())
        change = breaker.failed(self._clock())
        log.error("plugin %s failed on chatbot %s: %s", plugin, chatbot, places(error))
        await self._tell((chatbot, plugin, part), change, reason_of(error))

    async def _tell(self, key: Key, change: Change, why: str) -> None:
        if change is None:
            return
        log.warning("chatbot %s, plugin %s %s: breaker %s", *key, change)
        told = DB.execute(HEALTH, *key, change == "closed", why)
        try:  # in a transaction of its own: that of the caller may be about to be undone
            await asyncio.create_task(told, context=contextvars.Context())
        except (Away, asyncpg.PostgresError) as error:
            log.warning("health of plugin %s not written: %s", key[1], type(error).__name__)
