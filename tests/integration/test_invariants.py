"""The promises that need two workers, a lost ring or a bad moment to break: one test for each mechanism."""

import asyncio
import contextvars

import msgspec
import pytest_asyncio
from tests.live import give, platform, until

from wabot import receipts
from wabot.attend import Attendant
from wabot.courtesies import Courtesies
from wabot.db.engine import DB
from wabot.flow import Ask, Context, Flow, Go
from wabot.outbox import FRESH, Outbox
from wabot.plugins.guard import Guard
from wabot.turn import BoundFlow
from wabot.whatsapp.client import Graph


class Folha(msgspec.Struct):
    turno: int = 0


caderno = Flow("caderno", data=Folha)
inside: list[str] = []
most_inside: list[int] = []


@caderno.etapa
async def ouvir(ctx: Context[Folha]):
    async def then(words):
        inside.append(words)
        most_inside.append(len(inside))
        await asyncio.sleep(0.05)  # long enough for another worker to come in, if it can
        inside.remove(words)
        ctx.data.turno += 1
        return Go(ouvir, say=f"ouvi {words}")

    return Ask(f"turno {ctx.data.turno}", check=str, then=then)


@pytest_asyncio.fixture
async def door(database_uri, tmp_path):
    """A platform that stores and does not answer: the tests send workers in themselves."""
    inside.clear()
    most_inside.clear()
    async with platform(database_uri, tmp_path, plugin=None, worker=False) as running:
        await give(running.process, flows=(BoundFlow(caderno),))
        yield running


@pytest_asyncio.fixture
async def graph(door):
    graph = Graph(door.simulator.url, "v26.0")
    yield graph
    await graph.close()


def worker(door, graph):
    return Attendant(door.process.runtimes, Courtesies(graph), Guard())


async def conversa_of(words="oi", *, times=1, door):
    """Ana's conversa, with so many messages of hers waiting."""
    ana = door.simulator.customer("Ana")
    for number in range(times):
        await ana.says(words if times == 1 else f"{words}{number}")
    return await DB.fetchval("SELECT DISTINCT conversa FROM inbox")


async def texts():
    rows = await DB.fetch("SELECT content FROM outbox ORDER BY id")
    return [msgspec.json.decode(row["content"])["body"] for row in rows]


async def test_the_row_lock_lets_one_worker_at_a_time_into_a_conversa(door, graph):
    """Mechanism: the row lock on the conversa, from the first statement of a turn to its commit."""
    conversa = await conversa_of("m", times=5, door=door)
    await asyncio.gather(*(worker(door, graph).attend(conversa) for _ in range(4)))
    assert max(most_inside) == 1
    assert await texts() == ["turno 0", *(f"ouvi m{n}\n\nturno {n}" for n in range(1, 5))]


async def test_the_oldest_message_is_answered_first(door, graph):
    """Mechanism: the oldest by Meta's time stamp, then by arrival."""
    conversa = await conversa_of("m", times=3, door=door)
    await DB.execute(
        "UPDATE inbox SET sent_at = sent_at - interval '1 minute' WHERE id = (SELECT max(id) FROM inbox)"
    )
    await worker(door, graph).attend(conversa)
    assert (await texts())[1:] == ["ouvi m0\n\nturno 1", "ouvi m1\n\nturno 2"]


async def test_two_workers_never_post_one_message_twice(door, graph):
    """Mechanism: a message is marked `enviando`, and that committed, before its POST."""
    door.simulator.faults.delay_ms = 100
    conversa = await conversa_of(door=door)
    await worker(door, graph).attend(conversa)
    await asyncio.gather(*(Outbox(graph, door.process.runtimes).deliver(conversa) for _ in range(3)))
    assert len(door.simulator.sent) == 1


async def test_a_message_sent_without_an_answer_is_known_by_our_id_in_its_status(door, graph):
    """Mechanism: our id travels with the message, and Meta gives it back with every status."""
    door.simulator.faults.timeout_rate = 1  # the message is sent, and nobody answers the POST
    conversa = await conversa_of(door=door)
    await worker(door, graph).attend(conversa)
    sending = asyncio.create_task(Outbox(graph, door.process.runtimes).deliver(conversa))

    async def known():
        await receipts.apply()
        return await DB.fetchval("SELECT state FROM outbox") == "enviada"

    await until(known)
    sending.cancel()


async def test_a_status_that_has_come_is_heard_before_anything_is_sent_again(door, graph, monkeypatch):
    """Mechanism: a message of unknown outcome is not sent again while a status about it waits to be applied."""
    door.simulator.faults.timeout_rate = 1
    conversa = await conversa_of(door=door)
    await worker(door, graph).attend(conversa)
    sending = asyncio.create_task(Outbox(graph, door.process.runtimes).deliver(conversa))
    await until(lambda: DB.fetchval("SELECT count(*) > 0 FROM receipt"))
    sending.cancel()
    door.simulator.faults.timeout_rate = 0
    monkeypatch.setattr("wabot.outbox.UNCLEAR_AFTER", 0.0)
    await Outbox(graph, door.process.runtimes).deliver(conversa)
    assert len(door.simulator.sent) == 1


async def test_who_was_held_up_between_claim_and_post_does_not_post(door, graph):
    """Mechanism: a POST begins soon after its claim or not at all: later, somebody else may be sending the message."""
    conversa = await conversa_of(door=door)
    await worker(door, graph).attend(conversa)
    moments = iter([0.0, FRESH + 1])
    await Outbox(graph, door.process.runtimes, clock=lambda: next(moments)).deliver(conversa)
    assert door.simulator.sent == []
    await Outbox(graph, door.process.runtimes).deliver(conversa)
    assert len(door.simulator.sent) == 1


async def test_a_reply_never_overtakes_the_one_before_it(door, graph):
    """Mechanism: the oldest open message of a conversa decides whether any may go."""
    conversa = await conversa_of("m", times=3, door=door)
    await worker(door, graph).attend(conversa)
    out = Outbox(graph, door.process.runtimes)
    async with DB.transaction():  # another worker is just claiming the first
        await DB.execute("SELECT FROM outbox WHERE id = (SELECT min(id) FROM outbox) FOR UPDATE")
        await elsewhere(out.deliver(conversa))
    being_sent = "UPDATE outbox SET state = $1, sending_at = now() WHERE id = (SELECT min(id) FROM outbox)"
    await DB.execute(being_sent, "enviando")
    await out.deliver(conversa)
    assert door.simulator.sent == []
    await DB.execute(being_sent, "pendente")
    await out.deliver(conversa)
    assert [sent.body["text"]["body"] for sent in door.simulator.sent] == await texts()


async def elsewhere(work):
    """On another connection than that of the transaction in hand."""
    await asyncio.create_task(work, context=contextvars.Context())


async def test_a_message_nobody_rang_for_is_found_by_the_sweeper(database_uri, tmp_path, monkeypatch):
    """Mechanism: the sweeper, which looks around for what waits longer than any ring takes."""
    monkeypatch.setattr("wabot.worker.SWEEP_EVERY", 0.05)
    monkeypatch.setattr("wabot.worker.OVERDUE_AFTER", 0.2)
    async with platform(database_uri, tmp_path) as live:
        attend, lost = live.process.queue.attend, []

        async def loses_the_first_ring(conversas):
            if conversas and not lost:
                lost.extend(conversas)
            else:
                await attend(conversas)

        monkeypatch.setattr(live.process.queue, "attend", loses_the_first_ring)
        ana = live.simulator.customer("Ana")
        await ana.says("oi")
        await ana.sees()
        assert lost
