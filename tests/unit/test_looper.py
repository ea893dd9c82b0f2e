"""The skeleton of the moving parts."""

import asyncio

import pytest

from wabot.errors import Away
from wabot.looper import Looper

NEVER = 3600.0


async def test_it_looks_at_once_and_again_while_there_is_more():
    looks, done = [], asyncio.Event()

    async def look():
        looks.append(1)
        if len(looks) == 3:
            done.set()
        return len(looks) < 3

    async with asyncio.timeout(5), Looper("test", look, NEVER).running():
        await done.wait()
    assert len(looks) == 3


async def test_a_ring_makes_it_look_now():
    looked = asyncio.Event()

    async def look():
        looked.set()
        return False

    looper = Looper("test", look, NEVER)
    async with asyncio.timeout(5), looper.running():
        await looked.wait()
        looked.clear()
        looper.ring()
        await looked.wait()


async def test_a_look_that_fails_is_not_the_last_one_and_is_told_once(caplog):
    looks, again = [], asyncio.Event()

    async def look():
        looks.append(1)
        if len(looks) > 3:
            again.set()
        raise ValueError("com o nome da Ana")

    async with asyncio.timeout(5), Looper("test", look, 0.001).running():
        await again.wait()
    assert caplog.text.count("ValueError") == 1
    assert "Ana" not in caplog.text


@pytest.mark.parametrize("thorough", [True, False])
async def test_a_look_in_hand_is_seen_through_by_a_thorough_looper_only(thorough):
    begun, seen = asyncio.Event(), []

    async def look():
        begun.set()
        await asyncio.sleep(0.01)
        seen.append(1)
        return True

    async with asyncio.timeout(5), Looper("test", look, NEVER, thorough=thorough).running():
        await begun.wait()
    assert seen == ([1] if thorough else [])


async def test_a_database_that_is_away_is_told_by_who_met_it_and_not_here(caplog):
    looks, again = [], asyncio.Event()

    async def look():
        looks.append(1)
        if len(looks) > 3:
            again.set()
        raise Away("longe")

    async with asyncio.timeout(5), Looper("test", look, 0.001).running():
        await again.wait()
    assert caplog.text == ""
