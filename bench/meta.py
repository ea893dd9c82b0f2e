"""Meta and its customers, as cheap as can be: the simulator checks every message, which takes longer than wabot does.

Customers order over and over, each waiting for the bot before answering.
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

import msgspec

from wabot.whatsapp.signature import sign

WANTED = ("finalizar", "confirmar")
"""Of several options the customers take one of these, or else the first."""

TURNS_MOST = 12
NUMBERS = itertools.count(1)


class Peer(asyncio.Protocol):
    """One end of a connection over which HTTP messages come, each with a Content-Length."""

    def __init__(self, heard: Callable[["Peer", bytes, bytes], None]) -> None:
        self._heard, self._buffer = heard, b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

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

    def __init__(self, phone: str, secret: str) -> None:
        self.delay = 0.0
        self.customers: dict[str, Customer] = {}
        self._phone, self._secret, self._serial = phone, secret, itertools.count(1)
        self._idle: list[Peer] = []

    async def serve(self) -> str:
        """Listen; the address for GRAPH_API_URL."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Peer(self._posted), "127.0.0.1", 0, backlog=1024)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def webhook(self, sender: str, content: dict[str, Any], port: int) -> bytes:
        """A whole signed request."""
        message = {
            "from": sender,
            "id": f"wamid.{next(self._serial)}",
            "timestamp": str(int(time.time())),
            **content,
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "5511900000000", "phone_number_id": self._phone},
            "contacts": [{"wa_id": sender, "profile": {"name": "Ana"}}],
            "messages": [message],
        }
        change = {"field": "messages", "value": value}
        body = msgspec.json.encode(
            {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}
        )
        head = (
            f"POST /api/chatbots/webhook/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"X-Hub-Signature-256: {sign(self._secret, body)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def says(self, sender: str, content: dict[str, Any], port: int) -> None:
        """Deliver it; nobody waits for the 200, which comes on a connection that is used again."""
        request = self.webhook(sender, content, port)
        self._idle = [peer for peer in self._idle if not peer.transport.is_closing()]
        if self._idle:
            peer = self._idle.pop()
        else:
            loop = asyncio.get_running_loop()
            _, peer = await loop.create_connection(lambda: Peer(self._acknowledged), "127.0.0.1", port)
        peer.transport.write(request)

    def _acknowledged(self, peer: Peer, head: bytes, _: bytes) -> None:
        if b" 200 " not in head[:15]:
            raise RuntimeError(f"a webhook was answered {head[:15]!r}")
        self._idle.append(peer)

    def _posted(self, peer: Peer, _: bytes, body: bytes) -> None:
        asyncio.get_running_loop().call_later(self.delay, self._answer, peer, body)

    def _answer(self, peer: Peer, body: bytes) -> None:
        message = msgspec.json.decode(body or b"{}")  # a question about the number has none
        to = message.get("to", "").removeprefix("+")
        answer = {"contacts": [{"wa_id": to}], "messages": [{"id": f"wamid.r{next(self._serial)}"}]}
        told = msgspec.json.encode(answer)
        peer.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
        if to in self.customers:
            self.customers[to].hear(message)


class Customer:
    """Orders until told to stop. `turns` holds the seconds from each webhook to its reply."""

    def __init__(self, meta: Meta, port: int) -> None:
        self.turns: list[float] = []
        self.stopping = False
        self._meta, self._port = meta, port
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def hear(self, message: dict[str, Any]) -> None:
        self._heard.put_nowait(message)

    async def order(self) -> None:
        while not self.stopping:
            number = f"55118{next(NUMBERS):08d}"
            self._meta.customers[number] = self
            await self._order_as(number)
            del self._meta.customers[number]

    async def _order_as(self, number: str) -> None:
        """Somebody new each time: Meta lets a business write to one person every six seconds, and 45 times ahead."""
        said: dict[str, Any] = {"type": "text", "text": {"body": "pedido"}}
        for _ in range(TURNS_MOST):
            began = time.perf_counter()
            await self._meta.says(number, said, self._port)
            async with asyncio.timeout(60):
                reply = await self._heard.get()
            self.turns.append(time.perf_counter() - began)
            if self.stopping:
                return
            said = _answer_to(reply)


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
