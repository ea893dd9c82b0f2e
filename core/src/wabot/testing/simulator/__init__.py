"""A stand-in for Meta: Graph API, signed webhooks, statuses, and a chat page that looks like WhatsApp.

The same class is `wabot simulator`, the phone of `wabot demo`, and the test double of the whole project.
"""

from wabot.testing.simulator.customer import Customer
from wabot.testing.simulator.delivery import Bot
from wabot.testing.simulator.faults import Faults
from wabot.testing.simulator.simulator import Simulator

__all__ = ["Bot", "Customer", "Faults", "Simulator"]
