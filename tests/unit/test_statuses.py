"""Statuses come in any order, doubled and in any batches; the message only goes forward."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


RANK = {"": 0, "failed": 1, "sent": 1, "delivered": 2, "read": 3, "played": 4}


@st.composite
def _told(draw):
    """Any status Meta may tell, a word to come among them."""
    status = draw(st.sampled_from(["sent", "delivered", "read", "played", "failed", "warning"]))
    more = {"error_code": draw(st.sampled_from([None, 1, 131026])), "error": draw(st.sampled_from(["", "x"]))}
    price = {"pricing": draw(st.sampled_from([None, '{"category":"service"}', '{"category":"marketing"}']))}
    return told(status, draw(st.integers(0, 9)), **(more if status == "failed" else price))


@st.composite
def _two_deliveries(draw):
    """The same statuses twice: each in an order of its own, some of them repeated, grouped in its own way."""
    statuses = draw(st.lists(_told(), min_size=1, max_size=6))
    return draw(_delivery(statuses)), draw(_delivery(statuses))


@st.composite
def _delivery(draw, statuses):
    again = draw(st.lists(st.sampled_from(statuses), max_size=4))
    order = draw(st.permutations([*statuses, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)))) | {0, len(order)})
    return [order[start:end] for start, end in pairwise(cuts)]


def _merged(batches):
    """Where the message stands after each batch."""
    steps = [Progress()]
    for batch in batches:
        steps.append(merge(steps[-1], batch))
    return steps


@settings(deadline=None)
@given(_two_deliveries())
def test_neither_order_nor_repetition_nor_grouping_makes_a_difference(deliveries):
    one, other = map(_merged, deliveries)
    assert one[-1] == other[-1]


@settings(deadline=None)
@given(_two_deliveries())
def test_no_delivery_ever_takes_a_message_back(deliveries):
    for steps in map(_merged, deliveries):
        for before, after in pairwise(steps):
            assert RANK[after.status] >= RANK[before.status]
            assert after.status != "failed" or before.status in ("", "sent", "failed")
            assert not before.pricing or after.pricing


@settings(deadline=None)
@given(_two_deliveries())
def test_the_first_moment_of_each_status_is_kept_whatever_the_order(deliveries):
    told_at = {}
    for status in (status for batch in deliveries[0] for status in batch):
        told_at.setdefault(status.status, []).append(status.at)
    merged = _merged(deliveries[0])[-1]
    assert merged.delivered_at == min(told_at.get("delivered", []), default=None)
    assert merged.read_at == min([*told_at.get("read", []), *told_at.get("played", [])], default=None)


def test_no_sequence_ever_goes_back():
    rank = RANK
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
    assert (merge(failed, [told("delivered")]).error_code, merge(failed, [told("delivered")]).error) == (
        None,
        "",
    )
    priced = merge(Progress(), [told("sent", pricing='{"category":"service"}'), told("read")])
    assert priced.pricing == '{"category":"service"}'


@pytest.mark.parametrize("order", list(permutations(["sent", "delivered", "read"])))
def test_of_two_prices_the_one_of_the_delivery_counts(order):
    prices = {"sent": '{"billable":false}', "delivered": '{"billable":true}', "read": None}
    progress = Progress()
    for status in order:
        progress = merge(progress, [told(status, pricing=prices[status])])
    assert progress.pricing == '{"billable":true}'
