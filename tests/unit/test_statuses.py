"""Statuses come in any order, doubled and in any batches; the message only goes forward."""

from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import pytest

from wabot.whatsapp.statuses import Progress, Told, merge

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def told(status, seconds=0, **more):
    return Told(status, NOON + timedelta(seconds=seconds), **more)


JOURNEY = [told("sent", 1), told("delivered", 2), told("read", 3), told("played", 4)]


@pytest.mark.parametrize("order", list(permutations(JOURNEY)))
def test_the_furthest_status_wins_in_any_order_one_by_one_or_together(order):
    one_by_one = Progress()
    for status in order:
        one_by_one = merge(one_by_one, [status])
    assert one_by_one == merge(Progress(), order)
    assert one_by_one.status == "played"
    assert [one_by_one.sent_at, one_by_one.delivered_at, one_by_one.read_at] == [s.at for s in JOURNEY[:3]]


@pytest.mark.parametrize(
    ("statuses", "final"),
    [
        (["sent"], "sent"),
        (["failed"], "failed"),
        (["sent", "failed"], "failed"),
        (["delivered", "failed"], "delivered"),
        (["sent", "read", "failed"], "read"),
        (["sent", "sent", "sent"], "sent"),
        (["read"], "read"),
        (["deleted"], ""),
        (["sent", "telepathy"], "sent"),
    ],
)
def test_where_a_message_stands(statuses, final):
    for order in permutations(statuses):
        progress = Progress()
        for seconds, status in enumerate(order):
            progress = merge(progress, [told(status, seconds)])
        assert progress.status == final, order


def test_no_sequence_ever_goes_back():
    rank = {"": 0, "failed": 1, "sent": 1, "delivered": 2, "read": 3, "played": 4}
    for sequence in product(["sent", "delivered", "read", "played", "failed"], repeat=4):
        progress = Progress()
        for status in sequence:
            after = merge(progress, [told(status)])
            assert rank[after.status] >= rank[progress.status], sequence
            progress = after


def test_the_first_moment_of_each_kind_is_kept():
    progress = merge(Progress(), [told("delivered", 9), told("delivered", 5), told("sent", 7)])
    assert (progress.sent_at, progress.delivered_at) == (
        NOON + timedelta(seconds=5),
        NOON + timedelta(seconds=5),
    )


def test_a_failure_keeps_its_reason_and_a_price_once_told_stays():
    failed = merge(
        Progress(), [told("failed", error_code=131026, error="undeliverable"), told("failed", error_code=1)]
    )
    assert (failed.error_code, failed.error) == (131026, "undeliverable")
    priced = merge(Progress(), [told("sent", pricing='{"category":"service"}'), told("read")])
    assert priced.pricing == '{"category":"service"}'
