"""An outage is two lines in the log, however long it lasts and however many meet it."""

import logging

import pytest

from wabot.outage import Outage

log = logging.getLogger("teste")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def outage(clock):
    return Outage("banco", log, clock, quiet=3)


def lines(caplog):
    return [record.getMessage() for record in caplog.records]


def test_a_thousand_who_meet_it_are_one_line_and_one_more_when_it_is_over(outage, clock, caplog):
    for _ in range(1000):
        outage.met("caiu")
    clock.now = 5
    outage.over()
    outage.over()
    assert lines(caplog) == ["banco: caiu", "banco: back"]


def test_what_comes_and_goes_is_one_trouble(outage, clock, caplog):
    for clock.now in range(20):
        outage.met("disco cheio")
        outage.over()  # reading still works
    assert lines(caplog) == ["banco: disco cheio"]
    assert outage.why == "disco cheio"


def test_each_kind_is_told_once(outage, caplog):
    for why in ("caiu", "reiniciando", "caiu"):
        outage.met(why)
    assert lines(caplog) == ["banco: caiu", "banco: reiniciando"]


def test_what_was_over_is_told_again_when_it_comes_again(outage, clock, caplog):
    outage.met("caiu")
    clock.now = 5
    outage.over()
    outage.met("caiu")
    assert lines(caplog) == ["banco: caiu", "banco: back", "banco: caiu"]


def test_without_trouble_nothing_is_said(outage, caplog):
    outage.over()
    assert (lines(caplog), outage.why) == ([], "")
