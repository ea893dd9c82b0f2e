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


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.mechanism for mutant in MUTANTS])
def test_a_promise_is_broken_without_its_mechanism(mutant):
    assert not (told := survives(mutant)), f"nothing noticed that this is missing: {mutant.mechanism}\n{told}"
