"""All checks of a plugin, those that import it in a process of their own: a hang or a crash is only a finding."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from wabot.plugins.check import metadata, wording
from wabot.plugins.check.finding import Finding, Report, Severity, error
from wabot.plugins.check.own_tests import run_tests
from wabot.plugins.check.project import BadProject, Project, find
from wabot.plugins.places import place_in
from wabot.plugins.probe import PRIVATE

LIMIT = 30.0
"""Seconds that importing a plugin and talking to it may take."""
CHILD = "wabot.testing.check"
"""Talking to a plugin needs the test kit, which nothing of the core imports."""
ORDER: tuple[Severity, ...] = ("error", "warning", "info")
_LINE = re.compile(r'File "(.+)", line (\d+)')


class Request(msgspec.Struct, frozen=True):
    """What the child is asked to do."""

    project: Project
    update: bool
    answer: str
    """The file for findings, one in a line; a line that is a string names what begins, and an empty one the end."""
    trace: str
    """The file for where the plugin stood when it crashed or hung."""
    limit: float


def examine(target: str, *, update: bool = False, tests: bool = False, limit: float = LIMIT) -> Report:
    """Check the project folder `target`, or the installed plugin of that id. Raises NoPlugin."""
    try:
        project = find(target)
    except BadProject as fault:
        said = f"O pyproject.toml não pode ser lido: {fault}."
        place = place_in(fault.file, "$") if "line" not in str(fault) else _at_line(fault)
        return _report(target, [error("pyproject", said, place)])
    findings = [*metadata.check(project), *wording.check(project.package)]
    if project.package:
        findings += _in_child(project, update, limit)
    if tests:
        findings += run_tests(project)
    return _report(project.name, findings)


def _at_line(fault: BadProject) -> str:
    found = re.search(r"line (\d+)", str(fault))
    return f"{fault.file}:{found[1]}" if found else fault.file


def _report(plugin: str, findings: list[Finding]) -> Report:
    findings = sorted(map(_relative, findings), key=lambda finding: ORDER.index(finding.severity))
    return Report(not any(finding.severity == "error" for finding in findings), plugin, findings)


def _relative(finding: Finding) -> Finding:
    """Places as seen from here, which is shorter and what editors and CI understand."""
    here = f"{Path.cwd()}{os.sep}"
    return msgspec.structs.replace(finding, place=finding.place.removeprefix(here))


def _in_child(project: Project, update: bool, limit: float) -> list[Finding]:
    with tempfile.TemporaryDirectory(prefix="wabot-check-") as folder:
        request = Request(project, update, f"{folder}/answer", f"{folder}/trace", limit)
        status = _run(request)
        findings, doing = _read(Path(request.answer))
        if doing:
            findings.append(_cut_off(project, doing, status, Path(request.trace), limit))
        return findings


def _run(request: Request) -> int | None:
    """The child's exit status; None if it had to be stopped. What it prints is nobody's."""
    child = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-P", "-B", "-m", CHILD, msgspec.json.encode(request).decode()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )
    try:
        return child.wait(request.limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _environment() -> dict[str, str]:
    """Without our secrets, and without a way to a database: a check must not write anywhere."""
    kept = {name: value for name, value in os.environ.items() if name not in PRIVATE and name[:2] != "PG"}
    return kept | {"PGHOST": "/nonexistent"}


def _read(answer: Path) -> tuple[list[Finding], str]:
    """The findings, and what the child was doing when it ended too early."""
    findings: list[Finding] = []
    doing = "ser importado"
    for line in _lines(answer):
        said = msgspec.json.decode(line, type=Finding | str)
        if isinstance(said, str):
            doing = said
        else:
            findings.append(said)
    return findings, doing


def _lines(answer: Path) -> Iterator[bytes]:
    if answer.is_file():
        yield from (line for line in answer.read_bytes().split(b"\n")[:-1] if line)


def _cut_off(project: Project, doing: str, status: int | None, trace: Path, limit: float) -> Finding:
    frames = _LINE.findall(trace.read_text(errors="replace")) if trace.is_file() else []
    place = next((f"{file}:{line}" for file, line in frames if file.startswith(project.package)), "")
    if status is None:
        said = f"O plugin não termina de {doing} em {limit:g} s."
        return error(
            "hangs", said, place or project.init, "não espere por nada ao importar; use async nas etapas"
        )
    said = f"O processo terminou (status {status}) antes de o plugin terminar de {doing}."
    return error("ends-process", said, place or project.init, "um plugin não termina o processo em que roda")
