"""A campanha in a whole installation, workers and Redis killed in the middle while customers talk."""

import pytest

from tests.mailing import run


@pytest.mark.redis
@pytest.mark.timeout(400)
async def test_nobody_is_written_to_twice_and_nobody_forgotten_while_workers_are_killed(tmp_path):
    seen = await run(tmp_path, people=400, kills=3, talkers=10, words=12)
    assert seen.kills.total() >= 3
    assert max(seen.invited.values()) == 1
    assert seen.clean, seen
    # a killed worker makes some wait, the campanha nobody: half of the answers come as fast as they did
    assert seen.beside < 3 * seen.alone + 2, "answers waited for the campanha"
