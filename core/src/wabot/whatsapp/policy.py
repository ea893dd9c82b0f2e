"""The table of failures as people read it: `python -m wabot.whatsapp.policy` prints what docs/delivery.md holds."""

from itertools import groupby

import msgspec

from wabot.whatsapp.failures import FAILURES, Failure

UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def table() -> str:
    """Every code of Meta's that wabot knows, those that are treated alike in one line."""
    like = [(msgspec.structs.replace(failure, code=None), code) for code, failure in FAILURES.items()]
    lines = ["| code | what happens | holds up | the operator reads |", "|---|---|---|---|"]
    for failure, rows in groupby(like, key=lambda row: row[0]):
        codes = _codes([code for _, code in rows])
        lines.append(f"| {codes} | {what_happens(failure)} | {failure.scope} | {failure.operator} |")
    return "\n".join(lines) + "\n"


def what_happens(failure: Failure) -> str:
    """Whether and when the message goes again."""
    if failure.holds_number:
        return "the number is on hold until it is mended"
    if failure.kind == "configuration":
        return f"again every {_time(failure.wait)} until it is mended"
    if failure.too_fast:
        return f"again after {_time(failure.wait)}, and the number slows down"
    if not failure.is_tried_again(1):
        return "ends"
    if failure.tries > 100:
        return f"again after {_time(failure.wait)}, then later and later, every {_time(failure.longest)} in the end"
    later = "" if failure.growth == 1 else f", each wait {failure.growth:g} times longer"
    return f"again after {_time(failure.wait)}{later}; {failure.tries} sends in all"


def _time(seconds: float) -> str:
    size, unit = next(unit for unit in UNITS if seconds >= unit[0] and seconds % unit[0] == 0)
    return f"{seconds / size:g} {unit}"


def _codes(codes: list[int]) -> str:
    """Runs of three and more as first–last."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][-1] + 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


if __name__ == "__main__":
    print(table(), end="")  # noqa: T201 - it is what it is for
