"""Customers who talk: one message after another or several at once, each waiting for the answers."""

import asyncio
import random
import time

from tests.chaos.judge import Heard, Said, heard
from wabot.testing.simulator import Simulator
from wabot.testing.simulator.chats import Phone
from wabot.testing.simulator.writing import Act

PATIENCE = 900.0
"""Seconds a customer waits for an answer before giving the bot up."""


class Crowd:
    """All customers and what they said and heard."""

    def __init__(self, simulator: Simulator, seed: int) -> None:
        self.said: list[Said] = []
        self.answers: list[Heard] = []
        self.other: list[str] = []
        """What the bot said that answers nothing: apologies."""
        self._simulator, self._random = simulator, random.Random(seed)
        self._waiting: dict[str, set[str]] = {}
        self._news: dict[str, asyncio.Event] = {}
        simulator.chats.listen(self._hear)

    async def talk(self, people: int, messages: int, name: str = "Cliente") -> None:
        """Everybody says so many messages and hears the answers, or runs out of patience."""
        await asyncio.gather(*(self._one(f"{name} {n}", messages) for n in range(people)))

    async def _one(self, name: str, messages: int) -> None:
        phone = self._simulator.customer(name).phone
        self._waiting[phone.id], self._news[phone.id] = set(), asyncio.Event()
        await asyncio.sleep(self._random.random() * 3)
        self._say(phone, "oi")
        number = 1
        while await self._answered(phone) and number < messages:
            for _ in range(min(self._random.choice([1, 1, 1, 2, 3]), messages - number)):
                self._say(phone, f"m{number}")
                number += 1

    def _say(self, phone: Phone, words: str) -> None:
        one = Said(phone.id, words, time.monotonic())
        self.said.append(one)
        self._waiting[phone.id].add(words)
        _, taken = self._simulator.write(phone, Act(text=words))
        taken.add_done_callback(lambda told: self._accepted(one, told))

    @staticmethod
    def _accepted(one: Said, told: "asyncio.Future[bool]") -> None:
        if not told.cancelled() and told.result():
            one.accepted = time.monotonic()

    async def _answered(self, phone: Phone) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                while self._waiting[phone.id]:
                    self._news[phone.id].clear()
                    await self._news[phone.id].wait()
        except TimeoutError:
            return False
        return True

    def _hear(self, event: dict[str, object]) -> None:
        bubble = event.get("message")
        if event["kind"] != "message" or getattr(bubble, "sender", "") != "bot":
            return
        customer, text = str(event["customer"]), f"{bubble.text} {bubble.image}"  # type: ignore[union-attr]
        if customer not in self._waiting:
            return
        answer = heard(customer, time.monotonic(), text)
        if answer is None:
            self.other.append(f"{customer} {text[:60]}")
            return
        self.answers.append(answer)
        if answer.part == answer.parts:
            self._waiting[customer].discard(answer.words)
            self._news[customer].set()
