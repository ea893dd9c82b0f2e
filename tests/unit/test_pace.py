"""How fast a number may send: what refusals and quiet do to its rate, and what a process leases of it."""

import pytest

from wabot.pace import QUIET, SLOWEST, STALE, Slots, recovered, slowed


@pytest.mark.parametrize(
    ("rate", "after"),
    [
        (None, 80),  # not paced until now: what Meta is known to take
        (80, 40),
        (SLOWEST, SLOWEST),
        (SLOWEST * 1.5, SLOWEST),
    ],
)
def test_a_refusal_slows_the_number_down(rate, after):
    assert slowed(rate, 80) == after


@pytest.mark.parametrize(
    ("rate", "quiet", "after"),
    [
        (20, QUIET - 1, 20),
        (20, QUIET, 40),
        (50, QUIET, 80),
        (80, QUIET, None),
        (20, 2 * QUIET, 80),
        (20, 3 * QUIET, None),
        (SLOWEST, 1e9, None),
    ],
)
def test_in_peace_the_number_gets_faster_until_there_is_no_limit(rate, quiet, after):
    assert recovered(rate, 80, quiet) == after


def test_moments_are_used_in_their_order_and_then_new_ones_are_needed():
    slots = Slots()
    assert slots.take(100) is None
    slots.lease([100, 101])
    assert [slots.take(100), slots.take(100), slots.take(100)] == [100, 101, None]


def test_a_moment_long_past_is_lost():
    slots = Slots()
    slots.lease([100, 101, 110])
    assert slots.take(101.5 + STALE) == 110


def leases(slots, sends, rate=80):
    """How many are asked for, time after time, by a process that sends so many messages at once."""
    sizes, now = [], 0.0
    for many in sends:
        now += 10
        for _ in range(many):
            if slots.take(now) is None:
                sizes.append(slots.wanted(rate))
                slots.lease([now] * sizes[-1])
                slots.take(now)
    return sizes


def test_who_sends_much_asks_seldom():
    sizes = leases(Slots(), [1000])
    assert sizes[:6] == [2, 4, 8, 16, 32, 40]  # half a second at 80/s is the most
    assert len(sizes) < 1000 / 20


def test_who_sends_little_takes_nothing_from_the_others():
    sizes = leases(Slots(), [1] * 20)
    assert set(sizes[1:]) == {1, 2}


def test_at_a_slow_rate_one_is_leased_at_a_time():
    assert set(leases(Slots(), [30], rate=1)) == {1}
