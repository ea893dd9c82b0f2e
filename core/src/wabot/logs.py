"""Logging: one line per event; an exception's place but not its words, since those may quote a customer."""

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import msgspec


def set_up(level: str, fmt: str) -> None:
    """`fmt` is `console`, `json`, or empty: console on a terminal, else JSON."""
    handler = logging.StreamHandler(sys.stderr)
    console = fmt == "console" or (not fmt and sys.stderr.isatty())
    handler.setFormatter(_Console() if console else _Json())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "uvicorn.error", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    for repeating in (
        "asyncpg.pool",
        "taskiq",
    ):  # what they say once a second is said once elsewhere: see Outage
        logging.getLogger(repeating).setLevel(logging.CRITICAL)


class _Console(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return places(ei[1])


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = places(record.exc_info[1])
        return msgspec.json.encode(line).decode()


def places(error: BaseException | None) -> str:
    """An exception's type and where it came from, without its words: those may quote a customer."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    return "\n".join([type(error).__name__, *(f"  {f.filename}:{f.lineno} {f.name}" for f in frames)])
