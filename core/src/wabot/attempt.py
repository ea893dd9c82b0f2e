"""A plugin's code inside a transaction of ours, outside any conversation: fenced, guarded, and undone alone."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from wabot.db.away import is_away
from wabot.db.engine import DB, FENCED
from wabot.errors import PluginFailed
from wabot.plugins.contain import Overstayed
from wabot.plugins.guard import Guard, PluginDown

T = TypeVar("T")


class Abandoned(PluginFailed):
    """The code did not even end when it was cancelled: its connection was cut, and the transaction with it."""


async def attempt(
    guard: Guard, chatbot: int, plugin: str, part: str, work: Callable[[], Awaitable[T]], within: float
) -> T:
    """Run `work` in the transaction in hand. If it fails, what it wrote is undone and the transaction goes on.

    Raises PluginFailed, PluginDown if it must not be called now, and what a lost database raises.
    """
    await DB.execute(FENCED, f"{{{chatbot}}}")
    await DB.execute("SAVEPOINT attempt")
    try:
        result = await guard.call(chatbot, plugin, work, within=within, part=part)
        # what the plugin deferred to the commit would fail there, for us
        await DB.execute("SET CONSTRAINTS ALL IMMEDIATE; RELEASE SAVEPOINT attempt")
    except PluginDown:
        raise
    except Exception as error:
        if is_away(error):
            raise
        if isinstance(error, Overstayed) and error.left_behind:
            async with DB.connection() as connection:
                connection.terminate()
            raise Abandoned(plugin, error) from error
        await DB.execute("ROLLBACK TO SAVEPOINT attempt")
        raise PluginFailed(plugin, error) from error
    return result
