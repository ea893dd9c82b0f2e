"""Where something is written, as file:line, so that its author can go there."""

import inspect
import re
import traceback
from pathlib import Path
from typing import Any


def place_of(thing: Any) -> str:
    """The place of a function or a class; empty if it has no source."""
    try:
        thing = inspect.unwrap(thing)
        return f"{inspect.getsourcefile(thing)}:{inspect.getsourcelines(thing)[1]}"
    except (TypeError, OSError):
        return ""


def place_of_error(error: BaseException, package: str) -> str:
    """The innermost line of the plugin's own that led to an exception."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(package)]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def place_in(file: str, *patterns: str) -> str:
    """The first line of a file that matches the first pattern, or else the next; the file alone if none does."""
    lines = Path(file).read_text(encoding="utf-8").splitlines() if file else []
    for pattern in patterns:
        for number, line in enumerate(lines, 1):
            if re.search(pattern, line):
                return f"{file}:{number}"
    return file
