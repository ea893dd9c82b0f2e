"""A customer in a test: `says`, `taps`, `sends`, `sees`, over real HTTP. Nothing sleeps."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from wabot.testing.simulator.chats import Bubble, Phone
from wabot.testing.simulator.writing import Act, Kind

if TYPE_CHECKING:
    from wabot.testing.simulator.simulator import Simulator

PATIENCE = 10.0


class Customer:
    """One person's phone, driven by a test."""

    def __init__(self, simulator: "Simulator", phone: Phone) -> None:
        self.simulator, self.phone = simulator, phone
        self._seen = len(phone.bubbles)
        self._changed = asyncio.Event()
        simulator.chats.listen(lambda _: self._changed.set(), only=phone.id)

    @property
    def number(self) -> str:
        return self.phone.number

    async def says(self, words: str) -> str:
        """Write something; returns its wamid once the platform has taken it (200)."""
        return await self._do(Act(text=words))

    async def taps(self, title: str) -> str:
        """Tap the option of that title on the latest message that offers it."""
        for bubble in reversed(self.phone.bubbles):
            for choice in bubble.choices:
                if choice.title == title:
                    tap = Act(type="tap", option=choice.id, title=title, reply_to=bubble.id)
                    return await self._do(tap)
        raise self._failure(f"no message offers {title!r}")

    async def sends(self, kind: Kind, caption: str = "", *, file: bytes = b"", filename: str = "") -> str:
        """Send an image, audio, video, document, sticker, location, contacts, or something no bot understands (other).

        Without `file` a sample goes.
        """
        return await self._do(Act(type=kind, text=caption, file=file, filename=filename))

    async def edits(self, wamid: str, words: str) -> str:
        """Change the words of a message of one's own."""
        return await self._do(Act(type="edit", text=words, reply_to=wamid))

    async def deletes(self, wamid: str) -> str:
        """Delete a message of one's own, for everybody."""
        return await self._do(Act(type="revoke", reply_to=wamid))

    async def reacts(self, emoji: str) -> str:
        """React to the bot's latest message; with an empty emoji, no longer."""
        latest = next(bubble for bubble in reversed(self.phone.bubbles) if bubble.sender == "bot")
        return await self._do(Act(type="reaction", text=emoji, reply_to=latest.id))

    async def sees(self, *words: str, within: float = PATIENCE) -> Bubble:
        """The bot's next message, which must hold all these words; it is then read."""
        try:
            async with asyncio.timeout(within):
                bubble = await self._next()
        except TimeoutError:
            raise self._failure(f"expected {_quoted(words)}, but nothing came within {within} s") from None
        self.simulator.read(self.phone)
        for expected in words:
            if expected not in bubble.text:
                raise self._failure(f"expected {expected!r} in {bubble.text!r}")
        return bubble

    async def sees_ticks(self, wamid: str, tick: str = "read", *, within: float = PATIENCE) -> None:
        """Wait until a message of one's own is delivered or read."""
        try:
            async with asyncio.timeout(within):
                while self._tick(wamid) != tick:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise self._failure(f"expected {tick!r}, but it is {self._tick(wamid)!r}") from None

    def unseen(self) -> list[Bubble]:
        """What has come and was not looked at."""
        return [bubble for bubble in self.phone.bubbles[self._seen :] if bubble.sender == "bot"]

    def goes_away(self, hours: float = 25) -> None:
        """Time passes for this chat: everything in it is that much older."""
        for bubble in self.phone.bubbles:
            bubble.at -= timedelta(hours=hours)

    def cannot_receive(self, code: int = 131026) -> None:
        """From now on the bot's messages are accepted and then fail with this code; 0: no longer."""
        self.phone.refuses = code

    async def chooses_marketing(self, choice: str) -> None:
        """Tap `stop`, `resume` or `signup` in WhatsApp's own settings of this chat."""
        if not await self.simulator.choose(self.phone, choice):
            raise self._failure("the platform never took the choice")

    def transcript(self) -> str:
        """The chat as one reads it on the phone."""
        lines = []
        for bubble in self.phone.bubbles:
            who = self.phone.name if bubble.sender == "customer" else "bot"
            lines.append(f"{who:>8}: {_line(bubble)}".replace("\n", "\n" + " " * 10))
            lines += [f"            ▢ {title}" for title in bubble.options]
        return "\n".join(lines)

    def _tick(self, wamid: str) -> str:
        known = self.simulator.chats.bubble(wamid)
        return known[1].tick if known else ""

    async def _next(self) -> Bubble:
        while True:
            while self._seen < len(self.phone.bubbles):
                bubble = self.phone.bubbles[self._seen]
                self._seen += 1
                if bubble.sender == "bot":
                    return bubble
            self._changed.clear()
            await self._changed.wait()

    async def _do(self, act: Act) -> str:
        bubble, taken = self.simulator.write(self.phone, act)
        if not await taken:
            raise self._failure("the platform never took the message")
        return bubble.id

    def _failure(self, why: str) -> AssertionError:
        return AssertionError(f"{why}\n\n{self.transcript()}")


def _line(bubble: Bubble) -> str:
    """The words of a bubble; a tap in brackets, a picture by its kind."""
    if bubble.sender == "customer" and bubble.type == "text" and bubble.reply_to:
        return f"[{bubble.text}]"
    kind = "" if bubble.type in ("text", "buttons", "list", "template") else f"‹{bubble.type}›"
    return " ".join(filter(None, (kind, bubble.text)))


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(map(repr, words)) or "a message"
