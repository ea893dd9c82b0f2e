"""The doorbell on Redis Streams: emptied under a listener, left by the dead, ringing for nobody."""

import asyncio
import contextlib

import msgspec
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from taskiq.kicker import AsyncKicker
from tests.conftest import free_port
from tests.live import until

from wabot.queue import Queue
from wabot.rings import JOB, STREAM, Ring, Rings
from wabot.streams import Streams

pytestmark = pytest.mark.redis


@pytest_asyncio.fixture
async def redis(redis_url):
    async with Redis.from_url(redis_url) as client:
        yield client


class Ears:
    """What was heard."""

    def __init__(self):
        self.conversas = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def attend(self, conversas):
        await self.gate.wait()
        self.conversas += conversas

    async def has_heard(self, *conversas):
        async def heard():
            return set(conversas) <= set(self.conversas)

        await until(heard)


@contextlib.asynccontextmanager
async def hearing(url):
    queue, ears = Queue(url), Ears()
    async with queue.open(), queue.hearing(attend=ears.attend):
        yield queue, ears


async def consumers(redis):
    with contextlib.suppress(Exception):
        return [consumer["name"] for consumer in await redis.xinfo_consumers(STREAM, STREAM)]
    return []


async def test_what_is_rung_taskiq_understands():
    """It is written without taskiq, word for word as taskiq would."""
    broker = Streams(Rings("redis://127.0.0.1"))
    kicked = AsyncKicker("wabot:attend", broker, labels={})._prepare_message([[1, 2]])
    ours = Ring(kicked.task_id, "wabot:attend", [[[1, 2]]])
    assert msgspec.json.decode(broker.formatter.dumps(kicked).message) == msgspec.to_builtins(ours)
    assert broker.formatter.loads(msgspec.json.encode(ours)) == kicked


async def test_a_redis_that_was_emptied_is_heard_again_and_told_once(redis, redis_url, caplog):
    async with hearing(redis_url) as (queue, ears):
        await queue.attend([1])
        await ears.has_heard(1)
        await redis.flushall()
        await queue.attend([2])
        await ears.has_heard(2)
    away = [record.getMessage() for record in caplog.records if "away" in record.getMessage()]
    assert len(away) == 1
    assert "NoGroup" in away[0] or "ResponseError" in away[0]
    assert "Traceback" not in caplog.text


async def test_who_leaves_is_no_consumer_any_more(redis, redis_url):
    async with hearing(redis_url) as (queue, ears):
        await queue.attend([1])
        await ears.has_heard(1)
        assert len(await consumers(redis)) == 1
    assert await consumers(redis) == []


async def test_what_reached_a_listener_as_it_left_is_rung_for_again(redis, redis_url):
    """Redis has handed a ring over, and nobody here knows: as when a read is given up in that moment."""
    streams = Streams(Rings(redis_url))
    await streams.startup()
    queue = Queue(redis_url)
    async with queue.open():
        await queue.attend([7])
        await redis.xreadgroup(STREAM, streams.consumer_name, {STREAM: ">"})
    await streams.say_goodbye()
    assert await consumers(redis) == []
    async with hearing(redis_url) as (_, ears):
        await ears.has_heard(7)
    await streams.rings.close()


async def test_the_dead_and_their_rings_do_not_pile_up(redis, redis_url, monkeypatch):
    monkeypatch.setattr("wabot.streams.GONE_AFTER", 0)
    queue = Queue(redis_url)
    async with queue.open():
        dead = Streams(Rings(redis_url))
        await dead.startup()
        await queue.attend([1])
        await redis.xreadgroup(STREAM, "morto", {STREAM: ">"})
        await asyncio.sleep(0.005)
        await dead.forget_the_gone()
        assert await consumers(redis) == []
        assert (await redis.xpending(STREAM, STREAM))["pending"] == 0
        await dead.rings.close()


async def test_a_ring_in_hand_is_seen_through_when_the_listener_leaves(redis_url):
    queue, ears = Queue(redis_url), Ears()
    ears.gate.clear()
    async with queue.open():
        async with queue.hearing(attend=ears.attend):
            await queue.attend([1])
            await until(lambda: _pending(redis_url))
            asyncio.get_running_loop().call_later(0.05, ears.gate.set)
        assert ears.conversas == [1]


async def _pending(url):
    async with Redis.from_url(url) as redis:
        return bool(await consumers(redis)) and (await redis.xpending(STREAM, STREAM))["pending"] == 1


async def test_ringing_while_redis_is_away_raises_nothing_and_says_it_once(caplog):
    """As the scheduler does every minute."""
    queue = Queue(f"redis://127.0.0.1:{free_port()}/0")
    async with queue.open(), queue.scheduling():
        for _ in range(5):
            await queue._ring(JOB)
            await queue.attend([1])
        assert queue.away
    assert caplog.text.count("away") == 1


async def test_a_handler_that_fails_is_one_line_without_its_words(redis_url, caplog):
    queue, again = Queue(redis_url), asyncio.Event()
    tries = []

    async def attend(conversas):
        tries.append(conversas)
        if len(tries) == 3:
            again.set()
        raise ValueError("o que a Ana escreveu")

    async with asyncio.timeout(10), queue.open(), queue.hearing(attend=attend):
        for _ in range(3):
            await queue.attend([1])
        await again.wait()
    assert caplog.text.count("ValueError") == 1
    assert "Ana" not in caplog.text
