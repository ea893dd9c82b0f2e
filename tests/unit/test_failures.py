"""Meta's errors: every code has a row, and every row says what happens next."""

import pytest

from wabot.whatsapp.failures import DAY, FAILURES, delay, failure_for

RETRY = [1, 2, 130429, 131000, 131016, 131053, 131056, 131057, 133000, 133004]
WAIT = [
    *(4, 613, 80007, 131048, 131049, 131064, 132015, 132069, 133008, 133009, 133015, 133016, 134101),
    2388103,
]
NEVER = [
    *(130403, 130472, 130497, 131026, 131047, 131050, 131052, 131060, 132007, 136024, 137000),
    *range(138000, 138019),
    *range(2593107, 2593110),
]
CONFIGURATION = [
    *(0, 3, 10, 33, 190, 368, 131005, 131030, 131031, 131037, 131042, 131044, 131045, 131055, 131063),
    *(132001, 132016, 132068, 133005, 133006, 133010, 134011, 134100, 134102, 1752041, 2040),
    *range(200, 300),
    *range(147001, 147006),
    *(2388012, 2388091, 2388093, 2494100),
]
FAULT = [
    *(100, 803, 130501, 131008, 131009, 131020, 131021, 131041, 131051, 131059, 131062, 132000, 132005),
    *(132008, 132012, 132018, 132021, 135000, 2046, 2047, 2388318, 2388330),
    *range(131201, 131216),
    *range(139000, 139005),
    *range(139100, 139104),
    *(2388019, 2388039, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299),
    *range(2494164, 2494180),
]
LISTED = [*RETRY, *WAIT, *NEVER, *CONFIGURATION, *FAULT]
"""Every code of Meta's error reference that concerns us (November 2026)."""


def test_every_listed_code_has_a_row_and_every_row_is_listed():
    assert set(FAILURES) == set(LISTED)
    assert len(LISTED) == len(set(LISTED))


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("retry", RETRY),
        ("wait", WAIT),
        ("never", NEVER),
        ("configuration", CONFIGURATION),
        ("fault", FAULT),
    ],
)
def test_every_code_is_of_its_kind(kind, codes):
    assert {code: failure_for(code, 400).kind for code in codes} == dict.fromkeys(codes, kind)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_row_is_complete(failure):
    assert FAILURES[failure.code] is failure
    assert failure.operator.endswith(".")
    assert len(failure.operator) <= 120  # one line of a table at the panel
    assert (failure.wait > 0) == (failure.kind in ("retry", "wait", "configuration"))
    assert (failure.tries > 1) <= (failure.kind in ("retry", "wait"))


UNKNOWN = [
    ("a fault of Meta's", (987654, 500), "retry"),
    ("a gateway's fault without a code", (None, 503), "retry"),
    ("nobody answered", (None, 0), "retry"),
    ("too many requests", (None, 429), "wait"),
    ("no entry", (None, 401), "configuration"),
    ("a fault of ours", (987654, 400), "fault"),
    ("no code", (None, 404), "fault"),
    ("a failed status", (987654, 200), "fault"),
]


@pytest.mark.parametrize(("seen", "kind"), [row[1:] for row in UNKNOWN], ids=[row[0] for row in UNKNOWN])
def test_an_unknown_code_is_judged_by_its_http_status(seen, kind):
    failure = failure_for(*seen)
    assert failure.kind == kind
    assert failure.code == seen[0]
    assert failure.operator


def test_meta_may_call_an_unknown_fault_transient():
    assert failure_for(987654, 400, is_transient=True).kind == "retry"
    assert failure_for(131026, 400, is_transient=True).kind == "never"


def test_a_known_code_is_what_it_is_whatever_the_http_status():
    assert failure_for(131047, 500).kind == "never"


def test_the_pair_limit_waits_four_times_longer_each_time():
    pair = failure_for(131056, 400)
    assert [delay(pair, attempt) for attempt in (1, 2, 3, 4)] == [1, 4, 16, 64]  # Meta's own rule: 4^n
    assert pair.scope == "pair"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (131016, [2, 4, 8, 16]),  # doubles
        (133016, [259200, 259200, 259200, 259200]),  # 72 h, always
        (131026, [0, 0, 0, 0]),  # never sent again
    ],
)
def test_how_long_to_wait(code, expected):
    failure = failure_for(code, 400)
    assert [delay(failure, attempt) for attempt in (1, 2, 3, 4)] == expected


def test_no_wait_is_endless():
    assert delay(failure_for(131056, 400), 10_000) == 3 * DAY


def test_an_outage_is_waited_for_and_noticed_soon_after_it_is_over():
    outage = failure_for(131016, 500)
    assert delay(outage, 20) == 300
    assert sum(delay(outage, attempt) for attempt in range(1, outage.tries)) > DAY


def test_only_what_is_wrong_with_the_number_stops_the_number():
    holding = {code for code, failure in FAILURES.items() if failure.holds_number}
    assert {0, 3, 10, 190, 299, 33, 368, 131005, 131031, 131037, 131042, 131045, 133010} <= holding
    assert holding.isdisjoint({131030, 131063, 132001, 132016, 132068, 134100, 2040, 147001, 131044})


@pytest.mark.parametrize("seen", [(130429, 429), (80007, 400), (4, 400), (None, 429)])
def test_what_a_slower_number_would_not_have_met_costs_no_try(seen):
    failure = failure_for(*seen)
    assert failure.too_fast
    assert not failure.costs_a_try
    assert failure.is_tried_again(1000)


def test_a_failure_is_met_as_often_as_its_row_says():
    unknown = failure_for(131000, 400)
    assert [unknown.is_tried_again(tries) for tries in (1, 2, 3)] == [True, True, False]
    assert not failure_for(131026, 400).is_tried_again(1)
    assert failure_for(132001, 400).is_tried_again(1000)  # until somebody has mended it


def test_marketing_that_meta_held_back_is_not_repeated():
    held = failure_for(131049, 200)
    assert held.kind == "wait"
    assert held.wait >= 24 * 3600
    assert not held.is_tried_again(1)
