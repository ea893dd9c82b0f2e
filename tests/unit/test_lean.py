"""What a process does not hold: libraries it never uses, and what only others do. Each is megabytes, for ever."""

import subprocess
import sys


def _imported(program: str) -> set[str]:
    """What a fresh interpreter has imported by the end of it."""
    told = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(told.stdout.split())


def test_what_libraries_are_spared_others_find():
    real = _imported(
        "import wabot.queue\nfrom fastapi.params import Depends\nassert Depends.__module__ == 'fastapi.params'"
    )
    assert "fastapi.params" in real
    assert "fastapi.params" not in _imported("import wabot.queue")
