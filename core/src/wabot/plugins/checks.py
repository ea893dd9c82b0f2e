"""What a hook may answer. Found at load, with the plugin's name, instead of in front of a customer."""

from collections.abc import Callable, Sequence
from inspect import isawaitable
from typing import Any, TypeVar

from wabot.errors import WabotError

T = TypeVar("T")


class PluginFault(WabotError):
    """A plugin declares something that cannot work. Its text is for whoever installed it."""


def one_of(kind: type[T], hook: Callable[[], list[Any]], name: str) -> T | None:
    """The single value a hook declares, or None if the plugin does not implement it."""
    answers = hook()
    if not answers:
        return None
    return _checked(kind, answers[0], name)


def several_of(kind: type[T], hook: Callable[[], list[Any]], name: str) -> Sequence[T]:
    """The list of values a hook declares; empty if the plugin does not implement it."""
    answers = hook()
    if not answers:
        return ()
    if not isinstance(answers[0], Sequence) or isinstance(answers[0], str):
        raise PluginFault(f"{name} deve devolver uma lista, não {type(answers[0]).__name__}")
    return [_checked(kind, value, name) for value in answers[0]]


def _checked(kind: type[T], value: Any, name: str) -> T:
    if isawaitable(value):
        raise PluginFault(f"{name} é uma função async; um gancho só declara valores")
    if not isinstance(value, kind):
        raise PluginFault(f"{name} devolveu {type(value).__name__}; esperava {kind.__name__}")
    return value
