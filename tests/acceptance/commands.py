"""The `wabot` command as a person types it: real processes, their output, their end."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

WABOT = Path(sys.executable).with_name("wabot")


KEPT = ("PATH", "HOME", "LANG", "PYTEST_DEBUG_TEMPROOT")


class Shell:
    """A folder and an environment to type commands in."""

    def __init__(self, folder: Path, command: Sequence[str] = (str(WABOT),), **environment: str) -> None:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.folder, self.command, self.environment = folder, command, kept | environment

    async def run(self, *args: str, stdin: str = "", status: int | None = 0, shown: str = "") -> str:
        """Run to the end; returns what it printed: its answer, or, with a status, why not (unless `shown` is
        `stdout`). Fails the test on another exit status than expected."""
        done = await asyncio.to_thread(
            subprocess.run,
            [*self.command, *args],
            cwd=self.folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert status in (None, done.returncode), (
            f"wabot {' '.join(args)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        assert "Traceback" not in done.stderr
        return done.stdout if status == 0 or shown == "stdout" else done.stderr

    async def json(self, *args: str) -> Any:
        return msgspec.json.decode(await self.run(*args, "--json"))

    @contextlib.asynccontextmanager
    async def running(self, *args: str) -> AsyncIterator[subprocess.Popen[str]]:
        """A process that goes on while inside, then is stopped as an operator would, and must end well."""
        process = self.start(*args)
        try:
            yield process
        finally:
            await self.stop(process)

    def start(self, *args: str) -> subprocess.Popen[str]:
        with (self.folder / f"{args[0]}.log").open("a") as log:
            return subprocess.Popen(
                [*self.command, *args],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                text=True,
            )

    async def stop(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 20) == 0, self.log_of(process)

    def log_of(self, process: subprocess.Popen[str]) -> str:
        return (self.folder / f"{process.args[len(self.command)]}.log").read_text()  # type: ignore[index]


async def until_ready(url: str, process: subprocess.Popen[str]) -> None:
    """Wait until a web process answers."""
    async with asyncio.timeout(30), httpx.AsyncClient() as http:
        while process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.02)
    raise AssertionError(f"{process.args} ended with {process.returncode}")
