"""Every sample webhook of samples/ (their origin: samples/SOURCES.md), read whole."""

import json
from pathlib import Path

import pytest

from wabot.whatsapp.payloads import read, read_message

SAMPLES = Path(__file__).parent / "samples"
BODIES = sorted(path for path in SAMPLES.glob("*/*__*.json") if not path.stem.startswith("vectors__"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in BODIES]

NOT_UNDERSTOOD = {
    "composed/webhook__interactive_without_body_131000": "Meta sent no body",
    "composed/webhook__media_too_large_131052": "only errors: Meta could not take the file in",
    "composed/webhook__unknown_future_message_type": "a type nobody knows yet",
    "composed/webhook__unsupported_coexistence_131060": "Meta says it cannot hand it over",
    "composed/webhook__unsupported_poll_131051": "Meta says it cannot hand it over",
    "meta-openapi/webhook__Unsupported_Message": "Meta says it cannot hand it over",
    "pywa/webhook__message__interactive_message_with_err": "Meta sent no body",
    "pywa/webhook__message__unsupported": "Meta says it cannot hand it over",
    "pywa/webhook__message__unsupported_with_type": "Meta says it cannot hand it over",
    "whatsapp-business-java-api/webhook__messageDeleted": "Meta says it cannot hand it over",
}
"""Samples whose message has the kind `unknown`, and why that is right."""


def items_in(body: bytes, name: str) -> list[object]:
    """All elements of `messages` or `statuses`, counted without wabot."""
    changes = [change for entry in json.loads(body)["entry"] for change in entry["changes"]]
    values = [change["value"] for change in changes if change["field"] == "messages"]
    return [item for value in values for item in value.get(name, [])]


def test_there_are_samples():
    assert len(BODIES) == 199


@pytest.mark.parametrize("path", BODIES, ids=NAMES)
def test_every_item_of_a_sample_is_read(path, tally):
    body = path.read_bytes()
    payload = read(body)
    tally(path.parent.name, payload)

    assert payload.unread == []
    assert [json.loads(message.raw) for message in payload.messages] == items_in(body, "messages")
    assert [json.loads(status.raw) for status in payload.statuses] == items_in(body, "statuses")
    assert payload.messages or payload.statuses or payload.notices


@pytest.mark.parametrize("path", BODIES, ids=NAMES)
def test_a_kept_message_reads_the_same_again(path):
    for message in read(path.read_bytes()).messages:
        assert read_message(message.raw) == message.inbound


def test_only_what_meta_could_not_hand_over_is_of_an_unknown_kind():
    unknown = {
        name
        for name, path in zip(NAMES, BODIES, strict=True)
        if any(message.inbound.kind == "unknown" for message in read(path.read_bytes()).messages)
    }
    assert unknown == set(NOT_UNDERSTOOD)


def test_all_of_a_batch_over_three_numbers_and_two_accounts_is_read_with_its_duplicate():
    payload = read((SAMPLES / "composed/webhook__batch_three_numbers_two_wabas_duplicate.json").read_bytes())
    numbers = {item.phone_number_id for item in (*payload.messages, *payload.statuses)}

    assert [message.inbound.text for message in payload.messages] == [
        "segunda",
        "outra linha",
        "terceiro número",
        "primeira",
        "segunda",
    ]
    assert len(payload.messages) + len(payload.statuses) == 6
    assert len(numbers) == 3
