"""Whether a message may have gone out: the one thing that decides if it is sent again at once."""

import asyncio
import contextlib

import httpx
import pytest
import pytest_asyncio
from tests.conftest import free_port

from wabot.testing.simulator import Faults, Simulator
from wabot.whatsapp import client
from wabot.whatsapp.client import Accepted, Credentials, Graph, NotSent, Unclear, _accepted

ME = Credentials("200000000000001", "token")
TEXT = {"messaging_product": "whatsapp", "to": "+5511900000001", "type": "text", "text": {"body": "oi"}}


@contextlib.asynccontextmanager
async def graph_at(url):
    graph = Graph(url, "v26.0")
    try:
        yield graph
    finally:
        await graph.close()


@pytest_asyncio.fixture
async def meta():
    async with Simulator(app_secret="s").serve() as simulator, graph_at(simulator.url) as graph:
        simulator.graph = graph
        yield simulator


async def test_what_meta_accepts_has_an_id(meta):
    assert (await meta.graph.send(ME, TEXT)).wamid == meta.sent[0].wamid


async def test_the_answer_says_what_whatsapp_calls_them(meta):
    ana = meta.customer("Ana", number="553180000001")
    to_phone = await meta.graph.send(ME, TEXT | {"to": "+5531980000001"})
    assert (to_phone.wa_id, to_phone.user_id) == ("553180000001", "")
    to_user = await meta.graph.send(ME, {**TEXT, "to": "", "recipient": ana.phone.bsuid})
    assert (to_user.wa_id, to_user.user_id) == ("", ana.phone.bsuid)


@pytest.mark.parametrize(
    "contacts", ["", '"contacts":[],', '"contacts":{"a":1},', '"contacts":[{"wa_id":5}],']
)
async def test_an_answer_that_names_nobody_is_an_answer_all_the_same(contacts):
    accepted = _accepted(f'{{{contacts}"messages":[{{"id":"wamid.1"}}]}}'.encode())
    assert accepted == Accepted("wamid.1")


async def test_nobody_listening_means_not_sent():
    async with graph_at(f"http://127.0.0.1:{free_port()}") as graph:
        with pytest.raises(NotSent) as refusal:
            await graph.send(ME, TEXT)
    assert (refusal.value.code, refusal.value.http_status) == (None, 0)


@pytest.mark.parametrize("warm", [False, True], ids=["a new connection", "a connection kept alive"])
async def test_a_connection_cut_before_the_answer_is_unclear(meta, warm):
    """Taken for a connection that never was, the message would go out twice."""
    if warm:
        await meta.graph.send(ME, TEXT)
    meta.faults = Faults(reset_rate=1)
    with pytest.raises(Unclear):
        await meta.graph.send(ME, TEXT)


async def test_no_answer_in_time_is_unclear(meta, monkeypatch):
    monkeypatch.setattr(client, "WITHIN", 0.05)
    meta.faults = Faults(timeout_rate=1)
    with pytest.raises(Unclear):
        await meta.graph.send(ME, TEXT)
    assert len(meta.sent) == 1


async def test_a_refusal_carries_metas_code(meta):
    with pytest.raises(NotSent) as refusal:
        await meta.graph.send(ME, TEXT | {"text": {"body": "x" * 5000}})
    assert refusal.value.code == 131009


@pytest.mark.parametrize(("is_transient", "kind"), [(True, "retry"), (False, "fault"), ("yes", "fault")])
async def test_what_meta_calls_transient_is_tried_again(meta, monkeypatch, is_transient, kind):
    error = {"code": 987654, "message": "no", "is_transient": is_transient, "error_data": ["a", "list"]}

    async def answer(*_):
        return httpx.Response(400, json={"error": error})

    monkeypatch.setattr(meta.graph, "_post", answer)
    with pytest.raises(NotSent) as refusal:
        await meta.graph.send(ME, TEXT)
    assert refusal.value.failure.kind == kind
    assert refusal.value.detail == "no · ['a', 'list']"


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops", Unclear),
        (b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n", Unclear),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Unclear),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", Unclear),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\noops", NotSent),
    ],
    ids=[
        "a gateway's error",
        "a gateway's patience",
        "200 without an id",
        "half an answer",
        "400 without a reason",
    ],
)
async def test_answers_that_are_not_metas(answer, raised):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with graph_at(f"http://127.0.0.1:{port}") as graph:
            with pytest.raises(raised):
                await graph.send(ME, TEXT)


async def test_marking_as_read_is_a_courtesy_that_never_raises(meta):
    assert not await meta.graph.mark_read(ME, "wamid.of.nobody", typing=True)
    async with graph_at(f"http://127.0.0.1:{free_port()}") as nowhere:
        assert not await nowhere.mark_read(ME, "wamid.1", typing=True)


def test_credentials_do_not_show_their_token():
    assert "token" not in repr(ME)
