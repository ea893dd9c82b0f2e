"""The plugin's own tests, run as its author would."""

import os
import re
import subprocess
import sys

from wabot.plugins.check.finding import Finding, error, warning
from wabot.plugins.check.project import Project

LIMIT = 300.0
NO_TESTS = 5
"""pytest's exit status when it found none."""
_PLACE = re.compile(r"^(\S+\.py:\d+): ", re.MULTILINE)


def run_tests(project: Project, limit: float = LIMIT) -> list[Finding]:
    """Nothing if they pass; else the line with which pytest ends."""
    if not project.root:
        return [warning("tests", "Um plugin instalado não traz os seus testes.", "", "dê a pasta do projeto")]
    command = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider"]
    paths = os.pathsep.join(filter(None, [project.path, os.environ.get("PYTHONPATH", "")]))
    try:
        done = subprocess.run(  # noqa: S603 - pytest, in the folder a person named
            command,
            cwd=project.root,
            env=os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [error("tests", f"Os testes não terminam em {limit:g} s.", project.root)]
    if done.returncode == 0:
        return []
    if done.returncode == NO_TESTS:
        return [warning("tests", "O plugin não tem testes.", project.root, "escreva tests/test_conversa.py")]
    lines = [line for line in (done.stdout.strip() or done.stderr).splitlines() if line.strip()]
    place = _PLACE.search(done.stdout)
    summary = lines[-1].strip("= ") if lines else f"status {done.returncode}"
    return [
        error(
            "tests",
            f"Os testes falham: {summary}.",
            place[1] if place else "",
            f"cd {project.root} && pytest",
        )
    ]
