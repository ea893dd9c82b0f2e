"""What statuses change in the numbers: however they come, the sums are those of where the messages stand."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from wabot.tally import Change, tally
from wabot.whatsapp.statuses import Progress, Told, merge

NOON = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
CHARGED = '{"billable":true,"type":"regular","category":"marketing"}'
FREE = '{"billable":false,"type":"free_customer_service","category":"service"}'
UNSAID = '{"billable":null,"type":"regular","category":"utility"}'


def after(*statuses, pricing=None):
    return merge(Progress(), [Told(status, NOON, pricing=pricing) for status in statuses])


def told(*changes):
    """The sums of all events, by chatbot and category."""
    sums = Counter()
    for chatbot, event in tally(changes):
        fields = dict(event.fields)
        place = (chatbot, fields.pop("hora"), fields.pop("categoria"))
        for name, many in fields.items():
            sums[*place, name] += many
    return {key: many for key, many in sums.items() if many}


def one(progress, before=Progress(), chatbot=1, at=NOON):  # noqa: B008 - frozen
    hour = at.replace(minute=0)
    return {
        name: many for (bot, when, _, name), many in told(Change(chatbot, at, before, progress)).items()
        if (bot, when) == (chatbot, hour)
    }  # fmt: skip


def test_a_message_that_was_read_was_sent_and_delivered_though_nobody_said_so():
    assert one(after("read")) == {"enviadas": 1, "entregues": 1, "lidas": 1}


def test_one_that_failed_had_been_sent():
    assert one(after("failed")) == {"enviadas": 1, "falhas": 1}


def test_only_what_is_delivered_is_charged():
    assert one(after("sent", pricing=CHARGED)) == {"enviadas": 1}
    assert one(after("delivered", pricing=CHARGED)) == {"enviadas": 1, "entregues": 1, "cobradas": 1}
    assert one(after("delivered", pricing=FREE))["gratis"] == 1
    assert one(after("delivered", pricing=UNSAID))["cobradas"] == 1


def test_what_changes_nothing_is_no_event():
    assert list(tally([Change(1, NOON, after("read"), after("read"))])) == []
    assert list(tally([Change(1, NOON, Progress(), Progress(status="accepted"))])) == []


def test_a_thousand_statuses_of_an_hour_are_one_event():
    changes = [Change(1, NOON + timedelta(seconds=n % 1000), Progress(), after("sent")) for n in range(1000)]
    [(chatbot, event)] = tally(changes)
    assert (chatbot, event.fields["enviadas"]) == (1, 1000)


STATUSES = st.sampled_from(["sent", "delivered", "read", "played", "failed", "warning"])
PRICES = st.sampled_from([None, CHARGED, FREE, UNSAID])
MESSAGE = st.tuples(st.integers(1, 2), st.integers(0, 180), st.lists(st.tuples(STATUSES, PRICES), max_size=6))


@given(st.lists(MESSAGE, max_size=8))
def test_the_steps_add_up_to_where_the_messages_stand_at_last(messages):
    steps, whole = [], []
    for chatbot, minutes, statuses in messages:
        at, progress = NOON + timedelta(minutes=minutes), Progress()
        for status, price in statuses:
            before = progress
            progress = merge(before, [Told(status, at, pricing=price)])
            steps.append(Change(chatbot, at, before, progress))
        whole.append(Change(chatbot, at, Progress(), progress))
    assert told(*steps) == told(*whole)
