"""Rings for the same conversa become one piece of work, and none is missed."""

import asyncio

from wabot import outbox, pace, pacing
from wabot.queue import Queue
from wabot.whatsapp import client
from wabot.worker import OneAtATime, Worker


class FakeAttendant:
    """Takes turns until it is told to stop; `gate` holds each one."""

    def __init__(self):
        self.taken, self.stopping, self.gate = [], False, asyncio.Event()

    def shares(self, chatbot):
        return False

    async def attend(self, conversa):
        if not self.stopping:
            self.taken.append(conversa)
            await self.gate.wait()

    def stop(self):
        self.stopping = True


class FakeOutbox:
    async def deliver(self, conversa, claim=None):
        pass

    def stop(self):
        pass


class FakeQueue:
    in_process = away = False

    def __init__(self):
        self.rung = []

    async def attend(self, places):
        self.rung += places

    async def deliver(self, conversas):
        self.rung += conversas


async def test_a_ring_during_the_work_makes_it_run_once_more():
    runs, gate = [], asyncio.Event()

    async def work(key):
        runs.append(key)
        await gate.wait()

    once = OneAtATime(work)
    first = asyncio.create_task(once(7))
    await asyncio.sleep(0)
    await asyncio.gather(once(7), once(7), once(7))
    gate.set()
    await first
    assert runs == [7, 7]


async def test_different_conversas_run_side_by_side():
    inside, both = set(), asyncio.Event()

    async def work(key):
        inside.add(key)
        if inside == {1, 2}:
            both.set()
        await both.wait()

    once = OneAtATime(work)
    async with asyncio.timeout(5):
        await asyncio.gather(once(1), once(2))


async def test_work_that_failed_can_be_rung_for_again():
    runs = []

    async def work(key):
        runs.append(key)
        raise ValueError

    once = OneAtATime(work)
    results = [await asyncio.gather(once(1), return_exceptions=True) for _ in range(2)]
    assert runs == [1, 1]
    assert all(isinstance(result, ValueError) for [result] in results)


def test_nobody_may_still_be_sending_what_is_sent_again():
    assert pacing.AHEAD + pace.LONGEST_LEASE < pacing.PATIENCE
    assert pacing.PATIENCE + client.WITHIN < outbox.UNCLEAR_AFTER


async def test_a_sweep_that_fails_is_not_the_last_one(monkeypatch):
    monkeypatch.setattr("wabot.worker.SWEEP_EVERY", 0)
    sweeps, again = [], asyncio.Event()

    class Tired(Worker):
        async def sweep(self, patience=0.0):
            sweeps.append(patience)
            if len(sweeps) > 1:
                again.set()
            raise ValueError

    worker = Tired(FakeAttendant(), FakeOutbox(), Queue(""), at_once=1)
    async with asyncio.timeout(5), worker.sweeping():
        await again.wait()


async def test_stopping_begins_nothing_sees_through_what_is_in_hand_and_rings_for_the_rest():
    attendant, queue = FakeAttendant(), FakeQueue()
    worker = Worker(attendant, FakeOutbox(), queue, at_once=2)
    async with asyncio.timeout(5):
        async with worker.handing_back():
            ring = asyncio.create_task(worker.attend([[7, 1], [7, 2], [7, 3], [7, 4]]))
            while len(attendant.taken) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
            worker.stop()
            attendant.gate.set()
        await ring
    assert attendant.taken == [1, 2]
    assert sorted(queue.rung) == [(7, 1), (7, 2), (7, 3), (7, 4)]


async def test_a_worker_that_is_not_stopped_rings_for_nothing():
    attendant, queue = FakeAttendant(), FakeQueue()
    attendant.gate.set()
    worker = Worker(attendant, FakeOutbox(), queue, at_once=2)
    await worker.attend([[7, 1], [7, 2], [7, 3]])
    assert (attendant.taken, queue.rung) == ([1, 2, 3], [])


class FakeRows:
    """Stands for the rows that wait: what the sweeper finds, at most so many."""

    def __init__(self, monkeypatch, *conversas):
        self.conversas = conversas
        monkeypatch.setattr("wabot.attend.waiting_longer_than", self.places)
        for module in ("wabot.outbox.waiting_longer_than", "wabot.receipts.waiting", "wabot.notices.waiting"):
            monkeypatch.setattr(module, self.nothing)

    async def places(self, seconds, most):
        return [(7, conversa) for conversa in self.conversas][:most]

    async def nothing(self, *_):
        return []


async def test_the_sweeper_rings_for_nothing_that_is_in_hand(monkeypatch):
    attendant, queue = FakeAttendant(), FakeQueue()
    worker = Worker(attendant, FakeOutbox(), queue, at_once=2)
    FakeRows(monkeypatch, 1, 2, 3)
    serving = asyncio.create_task(worker.attend([[7, 1], [7, 2]]))
    await asyncio.sleep(0)
    assert not await worker.sweep()
    assert queue.rung == [(7, 3)]
    attendant.gate.set()
    await serving
    await worker.sweep()
    assert queue.rung == [(7, 3), (7, 1), (7, 2), (7, 3)]


async def test_with_full_hands_the_sweeper_rings_for_nothing_and_comes_back_soon(monkeypatch):
    monkeypatch.setattr("wabot.worker.SWEEP_MOST", 2)
    attendant, queue = FakeAttendant(), FakeQueue()
    worker = Worker(attendant, FakeOutbox(), queue, at_once=2)
    FakeRows(monkeypatch, 1, 2, 3)
    assert await worker.sweep()
    assert queue.rung == [(7, 1), (7, 2)]
    serving = asyncio.create_task(worker.attend([[7, 1], [7, 2]]))
    await asyncio.sleep(0)
    assert await worker.sweep()
    assert queue.rung == [(7, 1), (7, 2)]
    attendant.gate.set()
    await serving
