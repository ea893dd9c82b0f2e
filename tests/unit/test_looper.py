"""The skeleton of the moving parts."""

import asyncio

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
