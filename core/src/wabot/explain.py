"""What msgspec found wrong with a value, as a Brazilian would say it, and the field it is about."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_TYPES = {
    "int": "um número inteiro",
    "float": "um número",
    "str": "um texto",
    "bool": "verdadeiro ou falso",
    "array": "uma lista",
    "object": "um objeto",
    "null": "nada",
    "datetime": "uma data e hora",
}
_MISSING = re.compile(r"Object (?P<how>missing required|contains unknown) field `(?P<name>[^`]+)`")
_PLACE = re.compile(r" - at `[^`]*`$")
_RULES = [
    (r"Expected `[^`]+` of length >= (\d+)", "Precisa de pelo menos {} {}."),
    (r"Expected `[^`]+` of length <= (\d+)", "Pode ter no máximo {} {}."),
    (r"Expected `[^`]+` >= (\S+)", "Precisa ser no mínimo {}."),
    (r"Expected `[^`]+` <= (\S+)", "Precisa ser no máximo {}."),
    (r"Expected `[^`]+` matching regex.*", "Não está no formato esperado."),
    (r"Invalid enum value.*", "Não é um dos valores aceitos."),
    (r"Invalid RFC3339 encoded time", "Não é uma hora. Escreva como 08:30:00."),
    (r"Invalid RFC3339 encoded date", "Não é uma data. Escreva como 2026-12-31."),
]


def wrong_fields(value: Any, shape: type[msgspec.Struct], place: str = "") -> Iterator[tuple[str, str]]:
    """Every field that does not fit `shape`, with a sentence about it: msgspec itself stops at the first.

    `value` is what JSON gave; places look like `itens[0].quantidade`.
    """
    if not isinstance(value, dict):
        yield place.rstrip(".") or "corpo", "Esperava um objeto."
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(shape)}
    for name, field in fields.items():
        if name in value:
            yield from _wrong(value[name], field.type, place + name)
        elif field.required:
            yield place + name, "Falta este campo."
    if shape.__struct_config__.forbid_unknown_fields:
        for name in value.keys() - fields.keys():
            yield place + shown(name), "Este campo não existe."


def shown(name: str) -> str:
    """A name somebody made up, short and whole enough to be repeated."""
    return name.encode("utf-8", "replace").decode()[:60]


def _wrong(value: Any, kind: Any, place: str) -> Iterator[tuple[str, str]]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        within = list(_wrong_within(value, msgspec.inspect.type_info(kind), place))
        yield from within or [(place, in_portuguese(str(error)))]


def _wrong_within(value: Any, kind: Any, place: str) -> Iterator[tuple[str, str]]:
    """What is wrong inside of an object or a list of objects."""
    if isinstance(kind, msgspec.inspect.Metadata):
        yield from _wrong_within(value, kind.type, place)
    elif isinstance(kind, msgspec.inspect.UnionType):
        for one in kind.types:
            yield from _wrong_within(value, one, place)
    elif isinstance(kind, msgspec.inspect.StructType) and isinstance(value, dict):
        yield from wrong_fields(value, kind.cls, f"{place}.")
    elif isinstance(kind, msgspec.inspect.ListType) and isinstance(value, list):
        for number, item in enumerate(value):
            if isinstance(item, dict) or not isinstance(kind.item_type, msgspec.inspect.StructType):
                yield from _wrong_within(item, kind.item_type, f"{place}[{number}]")
            else:
                yield f"{place}[{number}]", "Esperava um objeto."


def in_portuguese(message: str) -> str:
    """The sentence for a person. What is not known is passed on as it came."""
    plain = _PLACE.sub("", message)
    if missing := _MISSING.match(plain):
        return "Falta este campo." if missing["how"].startswith("missing") else "Este campo não existe."
    for pattern, sentence in _RULES:
        if match := re.fullmatch(pattern, plain):
            return sentence.format(*match.groups(), "itens" if "`array`" in plain else "caracteres")
    if match := re.fullmatch(r"Expected `([^`]+)`, got `[^`]+`", plain):
        kinds = [_TYPES.get(kind, kind) for kind in match[1].split(" | ")]
        return f"Esperava {' ou '.join(kinds)}."
    return message


def field_of(key: str | None, message: str) -> str | None:
    """The field a message is about: msgspec names a missing or unknown one in the words, not in the place."""
    place = "" if key in (None, "data") else str(key)
    if missing := _MISSING.match(message):
        return f"{place}.{missing['name']}" if place else missing["name"]
    return place or key
