"""Starting a server that takes its time."""

import subprocess

import pytest

from wabot.db.embedded import STARTS, patiently


def starting(*, slow):
    """A start that is not over the first `slow` times it is waited for."""
    waited = []

    def start():
        waited.append(True)
        if len(waited) <= slow:
            raise subprocess.TimeoutExpired("pg_ctl", 10)
        return "server"

    return start


def test_a_server_that_reads_its_log_after_a_crash_is_waited_for():
    assert patiently(starting(slow=3)) == "server"


def test_one_that_does_not_come_is_given_up():
    with pytest.raises(subprocess.TimeoutExpired):
        patiently(starting(slow=STARTS))
