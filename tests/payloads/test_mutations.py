"""Samples spoilt in every place: `read` answers or refuses, and what stands beside the spoilt item is still read."""

import contextlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wabot.whatsapp.payloads import NotAPayload, Payload, read

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*/*__*.json"))
DOCUMENTS = [json.loads(path.read_bytes()) for path in SAMPLES if not path.stem.startswith("vectors__")]
DROPPED = object()
SPOILT = [DROPPED, None, 7, -1.5, True, "", "x", "\ud800\x00", [], [7], {}, {"id": []}, 10**30, float("inf")]
PER_DOCUMENT = 40  # of hundreds; all of them together take some seconds


def good_message(wamid: str) -> dict[str, Any]:
    ids = {"from": "5531980000001", "id": wamid, "timestamp": "1795000000"}
    return {**ids, "type": "text", "text": {"body": "oi"}}


def good_entry(*messages: Any) -> dict[str, Any]:
    value = {"metadata": {"phone_number_id": "200000000000001"}, "messages": list(messages)}
    return {"id": "100000000000001", "changes": [{"field": "messages", "value": value}]}


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key under which something stands."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from places(value[key])


def mutated(value: Any, seed: int) -> Iterator[None]:
    """Spoil one place of `value` after another, by chance but always the same; it is whole again at the end."""
    everything = [(container, key, bad) for container, key in places(value) for bad in SPOILT]
    rng = random.Random(seed)
    for container, key, bad in rng.sample(everything, min(PER_DOCUMENT, len(everything))):
        kept = container[key]
        container[key] = bad
        if bad is DROPPED:
            del container[key]
        yield
        if bad is DROPPED and isinstance(container, list):
            container.insert(key, kept)
        else:
            container[key] = kept


def ids_in(payload: Payload) -> list[str]:
    return [message.inbound.wamid for message in payload.messages]


def test_a_spoilt_entry_leaves_the_entries_beside_it():
    for seed, document in enumerate(DOCUMENTS):
        spoilt = document["entry"]
        for _ in mutated(spoilt, seed):
            body = {"entry": [good_entry(good_message("a")), *spoilt, good_entry(good_message("b"))]}
            assert [known for known in ids_in(read(json.dumps(body).encode())) if known in "ab"] == ["a", "b"]


def test_a_spoilt_message_leaves_the_messages_beside_it():
    documents = [
        document for document in DOCUMENTS if "messages" in document["entry"][0]["changes"][0]["value"]
    ]
    for seed, document in enumerate(documents):
        spoilt = document["entry"][0]["changes"][0]["value"]["messages"]
        for _ in mutated(spoilt, seed):
            messages = [good_message("a"), *spoilt, good_message("b")]
            payload = read(json.dumps({"entry": [good_entry(*messages)]}).encode())
            found = ids_in(payload)
            assert (found[0], found[-1]) == ("a", "b")
            assert len(payload.messages) + len(payload.unread) == len(messages)


def test_a_spoilt_body_is_read_or_refused():
    for seed, document in enumerate(DOCUMENTS):
        for _ in mutated(document, seed + 1000):
            read_or_refused(json.dumps(document).encode())


def test_a_body_of_spoilt_bytes_is_read_or_refused():
    rng = random.Random(2026)
    for document in DOCUMENTS:
        body = bytearray(json.dumps(document).encode())
        for _ in range(5):
            body[rng.randrange(len(body))] = rng.randrange(256)
            read_or_refused(bytes(body))
        read_or_refused(bytes(body[: rng.randrange(len(body))]))


def read_or_refused(body: bytes) -> None:
    with contextlib.suppress(NotAPayload):
        assert isinstance(read(body), Payload)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"entry":[', '{"entry":[{"changes":['])
def test_bottomless_nesting_is_refused(opening):
    with pytest.raises(NotAPayload):
        read(opening.encode() * 100_000)
