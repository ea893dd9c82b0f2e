"""A customer in a test: `says`, `taps`, `sends`, `sees`, over real HTTP. Nothing sleeps."""

import asyncio
from typing import TYPE_CHECKING, Any

from wabot.testing.simulator.chats import Bubble, Phone

if TYPE_CHECKING:
    from wabot.testing.simulator.simulator import Simulator

PATIENCE = 10.0


class Customer:
    """One person's phone, driven by a test."""

    def __init__(self, simulator: "Simulator", phone: Phone) -> None:
        self.simulator, self.phone = simulator, phone
        self._seen = len(phone.bubbles)
        self._changed = asyncio.Event()
        simulator.chats.listen(self._hear)

    @property
    def number(self) -> str:
        return self.phone.number

    async def says(self, words: str) -> str:
        """Write something; returns its wamid once the platform has taken it (200)."""
        return await self._send({"type": "text", "text": words})

    async def taps(self, title: str) -> str:
        """Tap the option of that title on the latest message that offers it."""
        for bubble in reversed(self.phone.bubbles):
            for choice in bubble.choices:
                if choice.title == title:
                    tap = {"type": "tap", "option": choice.id, "title": title, "reply_to": bubble.id}
                    return await self._send(tap)
        raise self._failure(f"no message offers {title!r}")

    async def sends(self, kind: str, caption: str = "") -> str:
        """Send an image, audio, location or sticker."""
        return await self._send({"type": kind, "text": caption})

    async def sees(self, *words: str, within: float = PATIENCE) -> Bubble:
        """The bot's next message, which must hold all these words."""
        try:
            async with asyncio.timeout(within):
                bubble = await self._next()
        except TimeoutError:
            raise self._failure(f"expected {words!r}, but nothing came within {within} s") from None
        self.simulator.read(self.phone)
        for expected in words:
            if expected not in bubble.text:
                raise self._failure(f"expected {expected!r} in {bubble.text!r}")
        return bubble

    def unseen(self) -> list[Bubble]:
        """What has come and was not looked at."""
        return [bubble for bubble in self.phone.bubbles[self._seen :] if bubble.sender == "bot"]

    async def _next(self) -> Bubble:
        while True:
            while self._seen < len(self.phone.bubbles):
                bubble = self.phone.bubbles[self._seen]
                self._seen += 1
                if bubble.sender == "bot":
                    return bubble
            self._changed.clear()
            await self._changed.wait()

    async def _send(self, what: dict[str, Any]) -> str:
        bubble, taken = self.simulator.write(self.phone, what)
        if not await taken:
            raise self._failure("the platform never took the message")
        return bubble.id

    def _hear(self, event: dict[str, Any]) -> None:
        if event.get("customer") == self.phone.id:
            self._changed.set()

    def _failure(self, why: str) -> AssertionError:
        lines = []
        for bubble in self.phone.bubbles:
            who = self.phone.name if bubble.sender == "customer" else "bot"
            lines.append(f"{who:>8}: {bubble.text}".replace("\n", "\n" + " " * 10))
            lines += [f"            ▢ {title}" for title in bubble.options]
        return AssertionError("\n".join([why, "", *lines]))
