"""What a worker is made of beside what every process has: it answers, sends, fetches files and keeps appointments."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wabot.attend import Attendant
from wabot.chores import chores
from wabot.courtesies import Courtesies
from wabot.media.fetch import Fetcher
from wabot.outbox import Outbox
from wabot.plugins.guard import Guard
from wabot.plugins.runtime import Runtimes
from wabot.queue import Queue
from wabot.schedule import Schedule
from wabot.settings import Settings
from wabot.sinks import Sinks
from wabot.whatsapp.client import Graph
from wabot.worker import Worker


@asynccontextmanager
async def answering(
    settings: Settings, runtimes: Runtimes, queue: Queue, concurrency: int
) -> AsyncIterator[None]:
    """While inside, do the work of a worker. On leaving, what is in hand is seen through."""
    graph = Graph(settings.graph_api_url, settings.graph_api_version)
    guard = Guard()
    courtesies = Courtesies(graph)
    worker = Worker(Attendant(runtimes, courtesies, guard), Outbox(graph, runtimes), queue, concurrency)
    fetcher = Fetcher(graph, runtimes)
    schedule, sinks = Schedule(runtimes, guard), Sinks(runtimes, guard)
    own = Schedule(runtimes, guard, chores(graph))
    hears = queue.hearing(
        attend=worker.attend,
        deliver=worker.deliver,
        receipts=worker.receipts,
        notices=worker.notices,
        media=fetcher.ring,
        sweep=worker.sweep,
        job=schedule.ring,
    )
    try:
        async with (
            worker.handing_back(),
            worker.mailing(),
            worker.probing(),
            worker.sweeping(),
            hears,
            fetcher.running(),
            sinks.running(),
            schedule.running(),
            own.running(),
            courtesies.looper().running(),
        ):
            try:
                yield
            finally:
                worker.stop()
    finally:
        await graph.close()
