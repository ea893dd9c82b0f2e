"""A stand-in for Meta: Graph API, signed webhooks, statuses, and a chat page that looks like WhatsApp.

The same class is `wabot simulator`, the phone of `wabot demo`, and the test double of the whole project::

    async with Simulator(app_secret="…", webhook_url="http://…").serve() as meta:
        ana = meta.customer("Ana")
        await ana.says("oi")
        reply = await ana.sees("O que vai ser hoje?")
        await ana.taps(reply.options[0])
"""

from wabot.testing.simulator.chats import Bubble
from wabot.testing.simulator.customer import Customer
from wabot.testing.simulator.faults import Faults
from wabot.testing.simulator.simulator import Sent, Simulator
from wabot.testing.simulator.updates import Bot

__all__ = ["Bot", "Bubble", "Customer", "Faults", "Sent", "Simulator"]
