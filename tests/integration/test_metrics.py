"""`/metrics`: what Prometheus reads of a process and of the installation, and who else may read it."""

import asyncio

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from tests.bots import add_bot, add_cliente, says
from tests.conftest import free_port
from tests.live import platform, settings_for, until

from wabot.db.engine import DB
from wabot.gauges import FRESH, Gauges
from wabot.queue import Queue
from wabot.settings import replace
from wabot.web.metrics import on_its_own_port
from wabot.web.webhook import LARGEST_BODY

TOKEN = "um-token-para-o-prometheus"


async def scraped(http, **headers):
    answer = await http.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return samples(text_string_to_metric_families(answer.text))


def samples(families):
    return {(one.name, *sorted(one.labels.values())): one.value for f in families for one in f.samples}


def grown(before, after, *key):
    return after.get(key, 0) - before.get(key, 0)


async def test_a_conversation_is_counted_from_the_webhook_to_what_meta_said(database_uri, tmp_path):
    async with platform(database_uri, tmp_path) as running:
        before, bot = await scraped(running.http), str(running.bot.id)
        ana = running.simulator.customer("Ana")
        await ana.says("oi")
        await until(lambda: sent(1))
        after = await scraped(running.http)
        assert grown(before, after, "wabot_webhooks_total", "200") >= 1
        assert grown(before, after, "wabot_messages_stored_total", bot) == 1
        assert grown(before, after, "wabot_turn_seconds_count", "answered") == 1
        assert grown(before, after, "wabot_answer_seconds_count") == 1
        assert grown(before, after, "wabot_sends_total", *sorted((bot, "accepted"))) >= 1
        assert after["wabot_database_up",] == 1
        assert after["process_start_time_seconds",] > 0


async def sent(many):
    return await DB.fetchval("SELECT count(*) FROM outbox WHERE state = 'enviada'") >= many


async def test_a_webhook_that_is_refused_is_counted_by_its_answer(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, worker=False, plugin=None) as running:
        before = await scraped(running.http)
        await running.post(b"{}", None)
        await running.post(b" " * (LARGEST_BODY + 1), None)
        after = await scraped(running.http)
        assert grown(before, after, "wabot_webhooks_total", "401") == 1
        assert grown(before, after, "wabot_webhooks_total", "413") == 1


@pytest.fixture
async def gauges(database):
    clock = [0.0]
    made = Gauges(Queue(""), clock=lambda: clock[0])
    made.clock = clock
    return made


async def test_what_waits_is_told_by_chatbot_and_kind(gauges):
    bot = await add_bot()
    await says(await add_cliente(bot), "um", "dois")
    await DB.execute("UPDATE outbox SET created_at = now() - interval '90 seconds'")
    found = samples(await gauges.read())
    key = sorted((str(bot.id), "reply"))
    assert found["wabot_waiting", *key] == 2
    assert 90 <= found["wabot_waiting_oldest_seconds", *key] < 120


async def test_a_reply_on_hold_waits_and_is_not_late(gauges):
    bot = await add_bot()
    await says(await add_cliente(bot), "um")
    await DB.execute("INSERT INTO number_hold VALUES ($1, 190, 'token vencido', now(), now())", bot.id)
    found = samples(await gauges.read())
    assert found["wabot_number_held", str(bot.id)] == 1
    assert found["wabot_waiting", *sorted((str(bot.id), "reply"))] == 1
    assert not [key for key in found if key[0] == "wabot_waiting_oldest_seconds"]


async def test_dead_letters_and_open_breakers_are_told(gauges):
    bot = await add_bot()
    await says(await add_cliente(bot), "um")
    await DB.execute("UPDATE outbox SET state = 'falhou'")
    await DB.execute(
        "INSERT INTO plugin_health (chatbot, plugin, part, ok, error) VALUES ($1, 'eco', '', false, 'x')",
        bot.id,
    )
    found = samples(await gauges.read())
    assert found["wabot_dead_letters", *sorted((str(bot.id), "outbox"))] == 1
    assert found["wabot_breakers_open", *sorted((str(bot.id), "eco"))] == 1


async def test_however_many_ask_the_database_is_asked_once_in_a_while(gauges, monkeypatch):
    asked = []

    async def stored():
        asked.append(1)
        await asyncio.sleep(0)

    monkeypatch.setattr("wabot.gauges._stored", stored)
    await asyncio.gather(*(gauges.read() for _ in range(5)))
    assert len(asked) == 1
    gauges.clock[0] += FRESH
    await gauges.read()
    assert len(asked) == 2


async def test_without_a_database_metrics_say_so_and_nothing_else_about_it():
    found = samples(await Gauges(Queue("")).read())
    assert found["wabot_database_up",] == 0
    assert not [key for key in found if key[0] == "wabot_waiting"]


async def test_a_queue_that_does_not_answer_keeps_nobody_waiting(gauges, monkeypatch):
    answers = asyncio.Event()
    monkeypatch.setattr("wabot.gauges.WITHIN", 0.1)
    monkeypatch.setattr(gauges._queue, "depth", answers.wait)
    assert samples(await gauges.read())["wabot_queue_up",] == 0
    answers.set()


@pytest.mark.redis
async def test_rings_nobody_hears_are_counted(redis_url):
    queue = Queue(redis_url)
    async with queue.open():
        await queue.attend([1])
        depth = await queue.depth()
        async with Redis.from_url(redis_url) as redis:
            await redis.flushdb()
        assert await queue.depth() == {}
        assert not queue.away  # only empty
    assert depth["heard"] == 0
    assert depth.get("waiting", 1) == 1  # Redis 6.2 does not tell


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Via", "Forwarded"])
async def test_what_came_through_a_proxy_is_not_from_this_machine(database_uri, tmp_path, header):
    async with platform(database_uri, tmp_path, worker=False, plugin=None) as running:
        answer = await running.http.get("/metrics", headers={header: "127.0.0.1"})
        assert answer.status_code == 403
        assert "METRICS_TOKEN" in answer.json()["detail"]


async def test_a_process_without_a_web_server_has_a_port_for_its_own_counts(tmp_path):
    port = free_port()
    settings = replace(settings_for("", tmp_path, ""), metrics_port=port, metrics_token=TOKEN)
    async with on_its_own_port(settings), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        found = await scraped(http, Authorization=f"Bearer {TOKEN}")
        assert "wabot_answer_seconds_count" in {key[0] for key in found}
        assert not [key for key in found if key[0] == "wabot_database_up"]  # the web processes tell
        for headers in ({}, {"Authorization": "Bearer outro-token-qualquer"}):
            assert (await http.get("/metrics", headers=headers)).status_code == 401


def test_metrics_name_nobody():
    """Labels are a closed list: nobody adds one that could hold a phone or a text without reading this."""
    from prometheus_client import REGISTRY

    from wabot.gauges import Stored, families

    counted = [one for one in REGISTRY._collector_to_names if getattr(one, "_name", "").startswith("wabot")]
    told = {label for one in [*counted, *families(Stored(), {}, queue=True)] for label in one._labelnames}
    assert told == {"chatbot", "status", "result", "state", "kind", "box", "plugin"}
