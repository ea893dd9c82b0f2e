#!/usr/bin/python3
"""What `systemctl` would do on a machine whose first process is not systemd: enough for docs/deploy-vps.md.

Units are read from where the page puts them, with their drop-ins; each is started as its account, in its folder.
Of the hardening nothing is applied: `systemd-analyze` looks at that (tests/unit/test_deploy_files.py).
"""

import os
import pathlib
import shlex
import subprocess
import sys

UNITS = pathlib.Path("/etc/systemd/system")


def settings(unit: str) -> dict[str, str]:
    files = [
        UNITS / f"{unit}.service",
        *sorted((UNITS / f"{unit.partition('-')[0]}-.service.d").glob("*.conf")),
    ]
    lines = [line.strip() for file in files for line in file.read_text().splitlines()]
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def start(unit: str) -> None:
    about = settings(unit)
    state = pathlib.Path("/var/lib", about["StateDirectory"])
    subprocess.run(["chown", f"{about['User']}:{about['Group']}", state], check=True)
    with open(f"/var/log/{unit}.log", "ab") as log:
        subprocess.Popen(
            ["runuser", "-u", about["User"], "--", *shlex.split(about["ExecStart"])],
            cwd=about["WorkingDirectory"],
            env={"PATH": os.environ["PATH"], "HOME": str(state)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


match sys.argv[1:]:
    case ["daemon-reload"]:
        pass
    case ["enable", "--now", *units]:
        for unit in units:
            if not unit.endswith(".target"):
                start(unit)
    case ["reload", "nginx"]:
        sys.exit(subprocess.run(["nginx", "-s", "reload"], check=False).returncode)
    case other:
        sys.exit(f"systemctl {' '.join(other)}: this stand-in cannot do that")
