"""What the scheduler rings for."""

import asyncio

from taskiq.schedule_sources import LabelScheduleSource

from wabot.queue import Queue
from wabot.rings import JOB, SWEEP
from wabot.streams import _end


async def test_a_scheduler_rings_every_minute_for_agendamentos_and_a_sweep():
    queue = Queue("")
    async with queue.open(), queue.scheduling():
        source = LabelScheduleSource(queue._broker())
        await source.startup()
        rung = {(task.task_name, task.cron) for task in await source.get_schedules()}
    assert rung == {(JOB, "* * * * *"), (SWEEP, "* * * * *")}


async def test_the_ring_for_agendamentos_reaches_a_worker():
    queue, heard = Queue(""), asyncio.Event()

    async def job():
        heard.set()

    async with asyncio.timeout(5), queue.open(), queue.hearing(job=job):
        await queue._ring(JOB)
        await heard.wait()


async def test_a_reader_that_overhears_that_it_shall_end_is_told_again():
    told = []

    async def stubborn():
        while len(told) < 3:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                told.append(1)

    async with asyncio.timeout(5):
        await _end(asyncio.ensure_future(stubborn()))
    assert len(told) == 3
