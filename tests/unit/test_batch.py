"""Group commit: who shares a flush, and who fails for whom."""

import asyncio

import pytest

from wabot.batch import Batch


class Store:
    """Remembers each flush; holds the first one until it is let go; refuses poison."""

    def __init__(self):
        self.flushes, self.gate = [], asyncio.Event()

    async def flush(self, items):
        self.flushes.append(list(items))
        await self.gate.wait()
        if "poison" in items:
            raise ValueError("poison")
        return [item.upper() for item in items]


async def test_what_comes_during_a_flush_shares_the_next_one():
    store = Store()
    batch = Batch(store.flush)
    first = asyncio.create_task(batch.add("a"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batch.add(item)) for item in "bcd"]
    await asyncio.sleep(0)
    store.gate.set()
    assert await asyncio.gather(first, *others) == ["A", "B", "C", "D"]
    assert store.flushes == [["a"], ["b", "c", "d"]]


async def test_nobody_returns_before_their_flush_has_ended():
    store = Store()
    waiting = asyncio.create_task(Batch(store.flush).add("a"))
    await asyncio.wait([waiting], timeout=0.01)
    assert not waiting.done()
    store.gate.set()
    await waiting


async def test_poison_fails_for_itself_only():
    store = Store()
    store.gate.set()
    batch = Batch(store.flush)
    results = await asyncio.gather(*(batch.add(i) for i in ("a", "poison", "b")), return_exceptions=True)
    assert [type(result) for result in results] == [str, ValueError, str]


async def test_a_lost_connection_is_not_tried_item_by_item():
    tried = []

    async def away(items):
        tried.append(items)
        raise ConnectionError

    batch = Batch(away)
    results = await asyncio.gather(*(batch.add(i) for i in "abc"), return_exceptions=True)
    assert {type(result) for result in results} == {ConnectionError}
    assert tried == [["a", "b", "c"]]


async def test_a_flush_takes_no_more_than_its_share():
    store = Store()
    store.gate.set()
    batch = Batch(store.flush, most=2)
    await asyncio.gather(*(batch.add(i) for i in "abcde"))
    assert store.flushes == [["a", "b"], ["c", "d"], ["e"]]


async def test_one_who_stops_waiting_does_not_stop_the_others():
    store = Store()
    batch = Batch(store.flush)
    gone, stays = asyncio.create_task(batch.add("a")), asyncio.create_task(batch.add("b"))
    await asyncio.sleep(0)
    gone.cancel()
    store.gate.set()
    await stays
    with pytest.raises(asyncio.CancelledError):
        await gone
