"""Cron lines in a time zone, also where the clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from wabot.due import BadCron, check, in_words, next_after

NEW_YORK = "America/New_York"
LISBON = "Europe/Lisbon"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("cron", "timezone", "moment", "due"),
    [
        ("0 10 * * *", "America/Sao_Paulo", "2026-11-24T12:59:59Z", "2026-11-24T13:00Z"),
        ("0 10 * * *", "America/Sao_Paulo", "2026-11-24T13:00:00Z", "2026-11-25T13:00Z"),  # strictly later
        ("0 10 * * *", "America/Manaus", "2026-11-24T13:30:00Z", "2026-11-24T14:00Z"),
        ("0 2 * * 0", "America/Sao_Paulo", "2026-11-24T12:00:00Z", "2026-11-29T05:00Z"),
        ("0 */6 * * *", "America/Sao_Paulo", "2026-11-24T12:00:00Z", "2026-11-24T15:00Z"),
        ("30 2 * * *", NEW_YORK, "2026-03-07T12:00:00Z", "2026-03-08T07:00Z"),  # 02:30 does not exist: 03:00
        ("30 1 * * *", NEW_YORK, "2026-10-31T12:00:00Z", "2026-11-01T05:30Z"),  # 01:30 comes twice
        ("30 1 * * *", NEW_YORK, "2026-11-01T05:30:00Z", "2026-11-02T06:30Z"),  # and is due once
        ("30 1 * * *", LISBON, "2026-03-28T12:00:00Z", "2026-03-29T01:00Z"),  # 01:30 does not exist: 02:00
        ("30 1 * * *", LISBON, "2026-03-29T01:00:00Z", "2026-03-30T00:30Z"),
        ("30 1 * * *", LISBON, "2026-10-24T12:00:00Z", "2026-10-25T00:30Z"),  # 01:30 comes twice
        ("30 1 * * *", LISBON, "2026-10-25T00:30:00Z", "2026-10-26T01:30Z"),  # and is due once
        ("0 */6 * * *", LISBON, "2026-10-24T23:30:00Z", "2026-10-25T06:00Z"),
        (
            "0 10 * * *",
            NEW_YORK,
            "2026-10-31T15:00:00Z",
            "2026-11-01T15:00Z",
        ),  # ten o'clock stays ten o'clock
    ],
)
def test_the_next_due_time(cron, timezone, moment, due):
    assert next_after(at(moment), cron, timezone) == at(due)


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 10 * * *", "todo dia às 10:00"),
        ("5 2 * * 0", "domingo às 02:05"),
        ("30 8 * * 1-6", "de segunda a sábado às 08:30"),
        ("0 9 1 * *", "dia 1 de cada mês às 09:00"),
        ("0 */6 * * *", "a cada 6 horas"),
        ("*/15  * * * *", "a cada 15 minutos"),
        ("0 * * * *", "a cada hora"),
        ("0 10 * 12 1,3", ""),
        ("0 */7 * * *", ""),  # 21:00, and then 00:00
        ("às dez", ""),
    ],
)
def test_the_commonest_lines_are_said_as_people_say_them(cron, said):
    assert in_words(cron) == said


def test_each_hour_of_the_longest_day_is_due():
    moment, hours = at("2026-11-01T03:30:00Z"), []
    for _ in range(4):
        moment = next_after(moment, "0 * * * *", NEW_YORK)
        hours.append(moment)
    assert [later - earlier for earlier, later in pairwise(hours)] == [timedelta(hours=1)] * 3


@pytest.mark.parametrize(
    "cron", ["", "10 horas", "61 * * * *", "0 10 * *", "* * * * * *", "0 10 * * seg", "@daily", "0 0 30 2 *"]
)
def test_a_line_that_is_none_is_refused_with_an_example(cron):
    with pytest.raises(BadCron, match="é todo dia às 10:00"):
        check(cron)


def test_a_day_that_never_comes_is_refused():
    with pytest.raises(BadCron, match="nunca chega"):
        check("* * */20 * 1L")


@pytest.mark.parametrize("timezone", ["Brasil", "", "../etc/passwd", "America"])
def test_a_time_zone_that_does_not_exist_is_refused(timezone):
    with pytest.raises(BadCron, match="America/Sao_Paulo"):
        next_after(datetime(2026, 1, 1, tzinfo=UTC), "0 10 * * *", timezone)
