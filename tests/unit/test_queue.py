"""What the scheduler rings for."""

import asyncio

from taskiq.schedule_sources import LabelScheduleSource

from wabot.queue import JOB, SWEEP, Queue


async def test_a_scheduler_rings_every_minute_for_agendamentos_and_a_sweep():
    queue = Queue("")
    async with queue.open(), queue.scheduling():
        source = LabelScheduleSource(queue._broker)
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
