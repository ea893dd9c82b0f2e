"""Checks of Meta's limits. The error names the limit and never quotes the message."""

from wabot.text import size


def fitting(name: str, words: str, limit: int) -> str:
    if not words.strip():
        raise ValueError(f"{name}: empty")
    if size(words) > limit:
        raise ValueError(f"{name}: {size(words)} characters, at most {limit} allowed")
    return words


def counted(name: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise ValueError(f"{name}: {count}, from 1 to {most} allowed")


def distinct(name: str, values: list[str]) -> None:
    if len(set(values)) < len(values):
        raise ValueError(f"{name}: two are the same")
