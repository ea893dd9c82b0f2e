"""Looking at a plugin in a process of its own: whatever it does while it is imported, it does it there.

`python -m wabot.plugins.probe ID MODULE FILE` imports one plugin and writes its descriptor into FILE.
"""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import msgspec

from wabot.plugins.descriptor import Descriptor
from wabot.plugins.installed import Installed

LIMIT = 10.0
"""Seconds a plugin may take to be imported and to declare what it adds."""
AT_ONCE = 4
PRIVATE = ("SECRET_KEY", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN", "DATABASE_URL", "REDIS_URL")
"""Variables that looking at a plugin does not need."""


async def probe(plugins: Iterable[Installed], limit: float = LIMIT) -> list[Descriptor]:
    """Look at these, a few at a time. Of one that hangs, exits or raises, the descriptor says so."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(plugin: Installed) -> Descriptor:
        async with slots:
            return await _look(plugin, limit)

    return await asyncio.gather(*(one(plugin) for plugin in plugins))


async def _look(plugin: Installed, limit: float) -> Descriptor:
    with tempfile.TemporaryDirectory(prefix="wabot-probe-") as folder:
        answer = Path(folder, "descriptor.json")
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wabot.plugins.probe", plugin.id, plugin.module, str(answer),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name not in PRIVATE},
            start_new_session=True,
        )  # fmt: skip
        try:
            async with asyncio.timeout(limit):
                await child.wait()
        except TimeoutError:
            return Descriptor(error=f"não termina de ser importado em {limit:g} s")
        finally:
            await _end(child)
        return _read(answer, child.returncode)


async def _end(child: asyncio.subprocess.Process) -> None:
    """The child, and whatever it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    await child.wait()


def _read(answer: Path, status: int | None) -> Descriptor:
    try:
        return msgspec.json.decode(answer.read_bytes(), type=Descriptor)
    except (OSError, msgspec.DecodeError):
        return Descriptor(error=f"termina o processo ao ser importado (status {status})")


def _described(plugin: str, module: str) -> Descriptor:
    from wabot.plugins.declared import PluginFault, load
    from wabot.plugins.describe import describe

    try:
        return describe(load(plugin, module))
    except PluginFault as fault:
        return Descriptor(error=str(fault)[:500])
    except SystemExit as error:
        return Descriptor(error=f"chama sys.exit({error.code!r}) ao ser importado"[:500])
    except BaseException as error:  # noqa: BLE001 - told to whoever installed it
        return Descriptor(error=f"{type(error).__name__}: {error} {_place(error)}".strip()[:500])


def _place(error: BaseException) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    theirs = [
        f for f in frames if "importlib" not in f.filename and f"{os.sep}wabot{os.sep}" not in f.filename
    ]
    return f"({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""


if __name__ == "__main__":
    found = _described(sys.argv[1], sys.argv[2])
    Path(sys.argv[3]).write_bytes(msgspec.json.encode(found))
    os._exit(0)  # threads and exit handlers that the plugin left behind do not matter
