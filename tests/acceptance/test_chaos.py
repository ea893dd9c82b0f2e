"""The chaos run in short, and every mechanism taken out once."""

import pytest

from tests.chaos.run import Plan, run
from tests.mutants import MUTANTS, survives


@pytest.mark.redis
async def test_nothing_is_lost_doubled_or_disordered_while_everything_is_killed():
    report = await run(Plan(messages=600, people=100, kills=15, minutes=5))
    assert report.verdict.clean, report.verdict
    assert report.books["turns"] == report.books["written"] == report.verdict.accepted
    assert report.clean, report.books
    assert report.kills.total() >= 15


@pytest.mark.redis
@pytest.mark.parametrize("each", [1, 2])
async def test_one_web_and_one_worker_count_what_two_of_each_count(each):
    report = await run(Plan(messages=90, people=30, kills=0, webs=each, workers=each, minutes=4))
    assert report.clean, report
    assert report.books == {
        "waiting": 0, "dead": 0, "unsent": 0, "failed": 0, "turns": 90, "written": 90, "events": 90
    }  # fmt: skip


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.mechanism for mutant in MUTANTS])
def test_a_promise_is_broken_without_its_mechanism(mutant):
    assert not (told := survives(mutant)), f"nothing noticed that this is missing: {mutant.mechanism}\n{told}"
