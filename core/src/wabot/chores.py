"""The core's own agendamentos of each chatbot: what is old goes, and Meta is asked what has become of its templates."""

from collections.abc import Callable, Iterator
from functools import partial

from wabot import cleaning, templates
from wabot.db.directory import Bot
from wabot.parts import BotContext
from wabot.plugins.runtime import BotRuntime
from wabot.schedule import CORE, Work
from wabot.whatsapp.client import Graph


def chores(graph: Graph) -> Callable[[BotRuntime], Iterator[Work]]:
    """What the schedule of a process that works has to do besides its plugins' jobs."""
    return partial(_chores, graph)


def _chores(graph: Graph, runtime: BotRuntime) -> Iterator[Work]:
    yield from cleaning.works(runtime)
    # notices tell of changes, but one that got lost, or the quality of the number, nobody tells again
    yield Work(
        runtime.chatbot,
        CORE,
        "modelos_de_mensagem",
        "Modelos de mensagem e qualidade do número",
        "15 4 * * *",
        partial(_synchronise, graph, runtime.bot),
        missed="skip",
        detached=True,
    )


async def _synchronise(graph: Graph, bot: Bot, context: BotContext) -> str:
    """Raises NotSynchronised."""
    if not bot.ativo:
        return "O chatbot está desligado: a Meta não foi perguntada."
    known = await templates.sync(graph, bot)
    return f"Modelos na Meta: {known.templates}. Qualidade do número: {known.quality or 'não informada'}."
