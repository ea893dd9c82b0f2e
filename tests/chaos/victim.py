"""`python -m tests.chaos.victim web`: the `wabot` command with a mine in it."""

from tests.chaos.points import arm
from wabot_cli.main import main

if __name__ == "__main__":
    arm()
    main()
