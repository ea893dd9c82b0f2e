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


def step(log: logging.Logger, what: str, **ids: Any) -> None:
    """One step of a message's way, by the ids of the rows it touched: told when they are committed, and never more
    of anybody than ids. (A wamid is no such id: it is base64 with the phone in it.)
    """
    if log.isEnabledFor(logging.INFO):
        log.info(what, extra={"ids": ids})


class _Console(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        ids = getattr(record, "ids", {})
        return " ".join([super().formatMessage(record), *(f"{name}={value}" for name, value in ids.items())])

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return places(ei[1])


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "ids", {}),
        }
        if record.exc_info:
            line["exception"] = places(record.exc_info[1])
        return msgspec.json.encode(line).decode()


def places(error: BaseException | None) -> str:
    """An exception's type and where it came from, without its words: those may quote a customer."""
    frames = traceback.extract_tb(error.__traceback__) if error else []
    return "\n".join([type(error).__name__, *(f"  {f.filename}:{f.lineno} {f.name}" for f in frames)])
