"""Meta and its customers, as cheap as can be: the simulator checks every message, which takes longer than wabot does.

Customers order over and over, each waiting for the bot before answering.
"""

import asyncio
import base64
import itertools
import random
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import msgspec

from wabot.whatsapp.signature import sign

WANTED = ("finalizar", "confirmar")
"""Of several options the customers take one of these, or else the first."""

TURNS_MOST = 12


class Shop(NamedTuple):
    """A business's number, and the port of the web process that hears of it."""

    phone: str
    port: int


def numbers_from(prefix: str) -> Iterator[str]:
    """Of people who have not written before."""
    return (f"{prefix}{n:08d}" for n in itertools.count(1))


STRANGERS = numbers_from("55118")


class Peer(asyncio.Protocol):
    """One end of a connection over which HTTP messages come, each with a Content-Length."""

    def __init__(
        self, heard: Callable[["Peer", bytes, bytes], None], lost: Callable[["Peer"], None] = lambda _: None
    ) -> None:
        self._heard, self._lost, self._buffer = heard, lost, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        self._lost(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._heard(self, head, body)


class Meta:
    """The Graph API, which takes `delay` seconds to answer, and the way to the webhook."""

    def __init__(self, secret: str) -> None:
        self.delay = 0.0
        self.customers: dict[str, Customer] = {}
        self._secret = secret
        self._idle: dict[int, list[Peer]] = defaultdict(list)
        self._unanswered: dict[Peer, bytes] = {}
        self._again: set[asyncio.Task[None]] = set()

    async def serve(self) -> str:
        """Listen; the address for GRAPH_API_URL."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Peer(self._posted), "127.0.0.1", 0, backlog=1024)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def webhook(self, sender: str, content: dict[str, Any], shop: Shop) -> bytes:
        """A whole signed request."""
        message = {
            "from": sender,
            "id": _wamid(sender),
            "timestamp": str(int(time.time())),
            **content,
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "5511900000000", "phone_number_id": shop.phone},
            "contacts": [{"wa_id": sender, "profile": {"name": "Ana"}}],
            "messages": [message],
        }
        change = {"field": "messages", "value": value}
        body = msgspec.json.encode(
            {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
        )
        head = (
            f"POST /api/chatbots/webhook/ HTTP/1.1\r\nHost: 127.0.0.1:{shop.port}\r\nContent-Type: application/json\r\n"
            f"X-Hub-Signature-256: {sign(self._secret, body)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def says(self, sender: str, content: dict[str, Any], shop: Shop) -> None:
        """Deliver it, again if the connection was lost; nobody waits for the 200. Connections are used again."""
        await self._deliver(self.webhook(sender, content, shop), shop)

    async def _deliver(self, request: bytes, shop: Shop) -> None:
        idle = self._idle[shop.port]
        while idle:
            if not (peer := idle.pop()).transport.is_closing():
                break
        else:
            loop = asyncio.get_running_loop()
            _, peer = await loop.create_connection(
                lambda: Peer(partial(self._acknowledged, idle), partial(self._redeliver, shop)),
                "127.0.0.1",
                shop.port,
            )
        self._unanswered[peer] = request
        peer.transport.write(request)

    def _acknowledged(self, idle: list[Peer], peer: Peer, head: bytes, _: bytes) -> None:
        if b" 200 " not in head[:15]:
            raise RuntimeError(f"a webhook was answered {head[:15]!r}")
        del self._unanswered[peer]
        idle.append(peer)

    def _redeliver(self, shop: Shop, peer: Peer) -> None:
        """The server closes a connection that was idle for long, maybe just when it is used again."""
        if request := self._unanswered.pop(peer, None):
            again = asyncio.create_task(self._deliver(request, shop))
            self._again.add(again)
            again.add_done_callback(self._again.discard)

    def _posted(self, peer: Peer, _: bytes, body: bytes) -> None:
        asyncio.get_running_loop().call_later(self.delay, self._answer, peer, body)

    def _answer(self, peer: Peer, body: bytes) -> None:
        message = msgspec.json.decode(body or b"{}")  # a question about the number has none
        to = message.get("to", "").removeprefix("+")
        answer = {"contacts": [{"wa_id": to}], "messages": [{"id": _wamid(to)}]}
        told = msgspec.json.encode(answer)
        peer.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
        if to in self.customers:
            self.customers[to].hear(message)


class Customer:
    """Orders until told to stop. `turns` holds the seconds from each webhook to its reply.

    `pauses`: seconds of thought before each message, on average. `numbers`: whose they are, a new one for each order.
    """

    def __init__(self, meta: Meta, shop: Shop, pauses: float = 0, numbers: Iterator[str] = STRANGERS) -> None:
        self.turns: list[float] = []
        self.stopping = False
        self._meta, self._shop, self._pauses, self._numbers = meta, shop, pauses, numbers
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def hear(self, message: dict[str, Any]) -> None:
        self._heard.put_nowait(message)

    async def order(self) -> None:
        while not self.stopping:
            number = next(self._numbers)
            self._meta.customers[number] = self
            await self._order_as(number)
            del self._meta.customers[number]

    async def _order_as(self, number: str) -> None:
        """Somebody new each time: Meta lets a business write to one person every six seconds, and 45 times ahead."""
        said: dict[str, Any] = {"type": "text", "text": {"body": "pedido"}}
        for _ in range(TURNS_MOST):
            await asyncio.sleep(self._pauses * random.uniform(0.5, 1.5))
            began = time.perf_counter()
            await self._meta.says(number, said, self._shop)
            async with asyncio.timeout(60):
                reply = await self._heard.get()
            self.turns.append(time.perf_counter() - began)
            if self.stopping:
                return
            said = _answer_to(reply)


def _wamid(pair: str) -> str:
    """As Meta makes them: the beginning tells the pair, the rest is random."""
    told = base64.b64encode(b"\x1c\x18\x0d" + pair.encode() + b"\x15\x02\x00" + secrets.token_bytes(20))
    return f"wamid.{told.decode()}"


def _answer_to(reply: dict[str, Any]) -> dict[str, Any]:
    shown = reply.get("interactive")
    if shown is None:
        asked = "quant" in reply["text"]["body"].lower()
        return {"type": "text", "text": {"body": "1" if asked else "pedido"}}
    action, kind = shown["action"], "list_reply" if shown["type"] == "list" else "button_reply"
    options = (
        action["sections"][0]["rows"] if shown["type"] == "list" else [b["reply"] for b in action["buttons"]]
    )
    chosen = next((o for o in options if any(word in o["id"] for word in WANTED)), options[0])
    tapped = {"id": chosen["id"], "title": chosen["title"]}
    return {"type": "interactive", "interactive": {"type": kind, kind: tapped}}
