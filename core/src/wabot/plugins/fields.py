"""A configuration as a form shows it: its fields, read from the types of the Struct. Nothing here does I/O."""

import enum
import types
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

Kind = Literal[
    "text", "long", "secret", "integer", "number", "money", "switch", "choice", "choices",
    "time", "date", "group", "list", "json",
]  # fmt: skip
"""How a value is typed and shown. `json` is for whatever has no better way."""

LONG = 120
"""A text that may have more characters than this gets several lines."""
DEEPEST = 3
"""Groups and lists inside one another; deeper ones are JSON."""
PLAIN: Mapping[Any, Kind] = {
    bool: "switch",
    int: "integer",
    float: "number",
    time: "time",
    date: "date",
    str: "text",
}
MANY = (list, set, frozenset)


class Field(msgspec.Struct, frozen=True):
    """One value of a configuration."""

    name: str
    kind: Kind
    type: Any
    """The annotation: msgspec checks a value against it."""
    title: str = ""
    help: str = ""
    default: Any = None
    """As JSON holds it."""
    optional: bool = False
    """It may be left empty, which is None."""
    options: tuple[Any, ...] = ()
    """Of a choice: the values, as JSON holds them and as people read them."""
    parts: tuple["Field", ...] = ()
    """Of a group: its fields. Of a list: the one that each of its rows is."""
    least: float | None = None
    most: float | None = None
    longest: int | None = None


def fields_of(shape: type[msgspec.Struct], depth: int = 0) -> tuple[Field, ...]:
    """The fields of a Struct, in its order."""
    return tuple(
        _field(about.name if depth == 0 else about.encode_name, about.type, depth, _default(about))
        for about in msgspec.structs.fields(shape)
    )


def _field(name: str, annotation: Any, depth: int, default: Any = None) -> Field:
    bare, limits, optional = _unwrapped(annotation)
    kind = _kind(bare, limits, optional, depth)
    return Field(
        name,
        kind,
        annotation,
        limits.get("title") or name.replace("_", " ").capitalize(),
        limits.get("description") or "",
        default,
        optional,
        _options(bare, kind),
        tuple(_parts(bare, kind, depth)),
        limits.get("ge"),
        limits.get("le"),
        limits.get("max_length"),
    )


def _unwrapped(annotation: Any) -> tuple[Any, dict[str, Any], bool]:
    """The type itself, what its Metas say (the outer one counts), and whether it may be None."""
    said: dict[str, Any] = {}
    optional = False
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *metas = get_args(annotation)
            for meta in (meta for meta in reversed(metas) if isinstance(meta, msgspec.Meta)):
                said = _said(meta) | said
        elif len(others := _others(annotation)) == 1:
            annotation, optional = others[0], True
        else:
            return annotation, said, optional


def _said(meta: msgspec.Meta) -> dict[str, Any]:
    names = ("title", "description", "ge", "le", "max_length")
    return {name: value for name in names if (value := getattr(meta, name)) is not None} | (meta.extra or {})


def _others(annotation: Any) -> list[Any]:
    """What a Union with None may be besides."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return []
    members = get_args(annotation)
    return [one for one in members if one is not type(None)] if type(None) in members else []


def _kind(bare: Any, said: Mapping[str, Any], optional: bool, depth: int) -> Kind:
    if said.get("secret"):
        return "secret"
    if said.get("money") and bare is int:
        return "money"
    if _values(bare):
        return "choice"
    if depth < DEEPEST and not optional:
        if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
            return "group"
        if (item := _item(bare)) is not None:
            return "choices" if _values(_unwrapped(item)[0]) else "list"
    if bare is str and said.get("max_length", 0) > LONG:
        return "long"
    return "json" if bare is bool and optional else PLAIN.get(bare, "json")


def _values(bare: Any) -> tuple[Any, ...]:
    """What an Enum or a Literal may be."""
    if isinstance(bare, type) and issubclass(bare, enum.Enum):
        return tuple(member.value for member in bare)
    return get_args(bare) if get_origin(bare) is Literal else ()


def _item(bare: Any) -> Any:
    """What a list is a list of; None if it is none."""
    arguments = get_args(bare)
    if get_origin(bare) in MANY and arguments:
        return arguments[0]
    return arguments[0] if get_origin(bare) is tuple and arguments[1:] == (...,) else None


def _options(bare: Any, kind: Kind) -> tuple[Any, ...]:
    return _values(_unwrapped(_item(bare))[0]) if kind == "choices" else _values(bare)


def _parts(bare: Any, kind: Kind, depth: int) -> Iterator[Field]:
    if kind == "group":
        yield from fields_of(bare, depth + 1)
    elif kind == "list":
        yield _field("", _item(bare), depth + 1)


def _default(about: msgspec.structs.FieldInfo) -> Any:
    value = about.default
    if about.default_factory is not msgspec.NODEFAULT:
        value = about.default_factory()
    return None if value is msgspec.NODEFAULT else msgspec.to_builtins(value)
