"""What a process counts while it works: docs/prometheus.md explains each, decision 0030 where they live.

Labels are ids of chatbots and words of ours, never anything that a customer wrote: there are only so many of them.
"""

import os
from collections.abc import Iterable

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each, which nobody asks for

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes behind one port keep their counts together. Only the first import of prometheus_client looks."""

WEBHOOKS = Counter("wabot_webhooks", "Webhooks, by the status they were answered with.", ["status"])
MESSAGES = Counter("wabot_messages_stored", "New messages stored.", ["chatbot"])
TURNS = Histogram(
    "wabot_turn_seconds",
    "How long turns took, from the lock on the conversa to the commit or the failure.",
    ["result"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
ANSWERS = Histogram(
    "wabot_answer_seconds",
    "How long a stored message had waited when its answer was committed.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
SENDS = Counter("wabot_sends", "Messages posted to Meta, by what came of it.", ["chatbot", "result"])


class _Read:
    """A collector of what was read before: prometheus_client itself does not wait for databases."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(read: Iterable[Metric] = ()) -> bytes:
    """Everything in Prometheus' text format: what was counted here, and what was `read` elsewhere."""
    counted = REGISTRY
    if SHARED in os.environ:
        counted = CollectorRegistry()
        MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
    return generate_latest(counted) + generate_latest(_Read(read))
