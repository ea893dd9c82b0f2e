"""The child of `wabot plugins check`: imports one plugin, talks to it, and writes what it finds, line by line.

`python -m wabot.testing.check REQUEST`, where REQUEST is `wabot.plugins.check.run.Request` as JSON.
"""

import faulthandler
import os
import sys
from collections.abc import Callable, Iterable
from typing import BinaryIO

import msgspec

from wabot.plugins.check import config, data, flows, hooks, shapes
from wabot.plugins.check.finding import Finding, error
from wabot.plugins.check.project import Project
from wabot.plugins.check.run import Request
from wabot.plugins.check.source import modules
from wabot.plugins.declared import Declared
from wabot.plugins.places import place_of_error
from wabot.testing import contract

MARGIN = 0.25
"""Of the time limit: so much earlier the child writes down where it stands."""


class Examination:
    """One plugin, and the file for what is found: each finding is there before the next thing is tried."""

    def __init__(self, request: Request, answer: BinaryIO) -> None:
        self.request, self.project, self._answer = request, request.project, answer

    def run(self) -> None:
        """Import the plugin, then everything that needs it imported."""
        self._begin("ser importado")
        declared = hooks.declared_by(self.project)
        if isinstance(declared, Finding):
            self._tell([declared])
        else:
            self._examine(self.project, declared)
        self._begin("")

    def _examine(self, project: Project, declared: Declared) -> None:
        source = modules(project.package)
        self._begin("ser conferido")
        self._safely(lambda: hooks.check(project, declared))
        self._safely(lambda: flows.check(project.id, declared, source))
        self._safely(lambda: config.check(declared, source))
        self._safely(lambda: shapes.check(project, declared, source, self.request.update))
        self._safely(lambda: data.check(project.id, project.package, declared, source))
        self._begin("responder a mensagens de teste")
        self._safely(lambda: contract.check(project, declared))

    def _safely(self, check: Callable[[], Iterable[Finding]]) -> None:
        try:
            for finding in check():
                self._tell([finding])
        except BaseException as fault:  # noqa: BLE001 - the plugin's code, or ours on something it declares
            place = place_of_error(fault, self.project.package) or self.project.init
            self._tell([error("raises", f"{type(fault).__name__}: {fault}", place)])

    def _begin(self, what: str) -> None:
        self._write(msgspec.json.encode(what))

    def _tell(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self._write(msgspec.json.encode(finding))

    def _write(self, line: bytes) -> None:
        self._answer.write(line + b"\n")
        self._answer.flush()


def main() -> None:
    request = msgspec.json.decode(sys.argv[1], type=Request)
    if request.project.path:
        sys.path.insert(0, request.project.path)
    with open(request.trace, "w") as trace, open(request.answer, "wb") as answer:
        faulthandler.enable(trace)
        faulthandler.dump_traceback_later(request.limit * (1 - MARGIN), file=trace)
        Examination(request, answer).run()


if __name__ == "__main__":
    main()
    os._exit(0)  # threads and exit handlers that the plugin left behind do not matter
