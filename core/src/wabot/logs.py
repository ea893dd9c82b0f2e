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
    for noisy in ("httpx", "httpcore", "taskiq", "uvicorn.error", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))


class _Console(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return places(ei)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = places(record.exc_info)
        return msgspec.json.encode(line).decode()


def places(exc_info: Any) -> str:
    """Where an exception came from and its type, without its text."""
    kind, _, tb = exc_info
    lines = [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(tb)]
    return "\n".join([kind.__name__ if kind else "?", *lines])
