"""What a check finds: a sentence, the place, and what to write instead."""

from typing import Literal

import msgspec

Severity = Literal["error", "warning", "info"]


class Finding(msgspec.Struct, frozen=True):
    """One thing to know about a plugin. `place` is file:line, or empty where there is none."""

    severity: Severity
    code: str
    message: str
    place: str = ""
    fix: str = ""


class Report(msgspec.Struct, frozen=True):
    """All that was found. `ok`: no error; warnings are allowed."""

    ok: bool
    plugin: str
    findings: list[Finding]


def error(code: str, message: str, place: str = "", fix: str = "") -> Finding:
    return Finding("error", code, message, place, fix)


def warning(code: str, message: str, place: str = "", fix: str = "") -> Finding:
    return Finding("warning", code, message, place, fix)


def info(code: str, message: str, place: str = "", fix: str = "") -> Finding:
    return Finding("info", code, message, place, fix)
