"""`python -m tests.chaos.victim web`: the `wabot` command with a mine in it."""

import os
import sys
import threading

from tests.chaos.points import arm
from wabot_cli.main import main


def end_with_the_run() -> None:
    """The run holds the other end of standard input: when it is gone, however, so are we."""
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=end_with_the_run, daemon=True).start()
    arm()
    main()
