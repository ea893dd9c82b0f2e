"""Forms made from a configuration's fields: values into what stands in the inputs, and what was typed into values.

Inputs are named by the path to their value: `taxa`, `aberto.das`, `avisos.0.texto`. A list sends the numbers of its
rows under its own name, with an empty one before them, so that an empty list is told from one that was not on the page;
yes/no and several choices do the same.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from litestar import Request

from wabot.errors import WabotError
from wabot.explain import in_portuguese
from wabot.plugins.fields import Field
from wabot.text import clean, reais

Typed = dict[str, list[str]]
"""What stands in the inputs, by name."""

YES = "sim"
MOST_ROWS = 100
ERASE = "apagar"
"""After a secret's name: whether what is kept is to be forgotten."""

_MONEY = re.compile(r"(-?)(\d{1,3}(?:\.\d{3})+|\d{1,15})(?:,(\d{1,2})|\.(\d{2}))?", re.ASCII)
_NUMBER = re.compile(r"-?(?:\d{1,3}(?:\.\d{3})+|\d{1,15})(?:,\d{1,15})?|-?\d{1,15}\.\d{1,15}", re.ASCII)
_ROW = re.compile(r"\d{1,6}", re.ASCII)


async def sent(request: Request[Any, Any, Any]) -> Typed:
    """Everything in a form that is text."""
    typed: Typed = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            typed.setdefault(name, []).append(value)
    return typed


class Wrong(WabotError):
    """What was typed cannot be read. Its text stands at the field."""


def filled(fields: Sequence[Field], values: Mapping[str, Any], prefix: str = "") -> Typed:
    """A stored configuration (as JSON holds it) as the inputs show it. No secret is shown."""
    typed: Typed = {}
    for field in fields:
        typed |= _shown(field, prefix + field.name, values.get(field.name, field.default))
    return typed


def _shown(field: Field, path: str, value: Any) -> Typed:
    match field.kind:
        case "secret":
            return {}
        case "group":
            return filled(field.parts, value or {}, f"{path}.")
        case "list":
            rows = [_shown(field.parts[0], f"{path}.{n}", one) for n, one in enumerate(value or [])]
            numbers = {path: ["", *map(str, range(len(rows)))]}
            return numbers | {name: words for row in rows for name, words in row.items()}
        case "switch":
            return {path: ["", *([YES] if value else [])]}
        case "choices":
            return {path: ["", *map(str, value or [])]}
        case "json":
            return {path: [msgspec.json.encode(value).decode()]}
    return {path: ["" if value is None else _WRITTEN.get(field.kind, str)(value)]}


def _decimal(value: float) -> str:
    return f"{value:.15g}".replace(".", ",")


_WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "money": lambda value: reais(value),
    "number": _decimal,
    "time": lambda value: str(value).removesuffix(":00"),
}


class Read(msgspec.Struct, frozen=True):
    """A form that was sent: the values it has, and what is wrong with the others, by the name of their input."""

    values: dict[str, Any]
    errors: dict[str, str]


def read(fields: Iterable[Field], typed: Typed, prefix: str = "") -> Read:
    """Every field, and every error at once. A field that was not on the page is in neither."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for field in fields:
        path = prefix + field.name
        value = _value(field, path, typed, errors)
        if value is not msgspec.UNSET:
            values[field.name] = value
    return Read(values, errors)


def _value(field: Field, path: str, typed: Typed, errors: dict[str, str]) -> Any:
    """One value. What is wrong is added to `errors`; then, and where nothing was sent, it is UNSET."""
    before = len(errors)
    if field.kind == "group":
        value: Any = _group(field, path, typed, errors)
    elif field.kind == "list":
        value = _list(field, path, typed, errors)
    else:
        value = _leaf(field, path, typed, errors)
    if value is msgspec.UNSET or len(errors) > before:
        return msgspec.UNSET
    if why := _misfit(field, value):
        errors[path] = why
        return msgspec.UNSET
    return value


def _group(field: Field, path: str, typed: Typed, errors: dict[str, str]) -> Any:
    found = read(field.parts, typed, f"{path}.")
    errors |= found.errors
    return found.values or msgspec.UNSET


def _list(field: Field, path: str, typed: Typed, errors: dict[str, str]) -> Any:
    if path not in typed:
        return msgspec.UNSET
    values = [_value(field.parts[0], f"{path}.{row}", typed, errors) for row in rows_of(typed, path)]
    return [value for value in values if value is not msgspec.UNSET]


def _leaf(field: Field, path: str, typed: Typed, errors: dict[str, str]) -> Any:
    sent = typed.get(path)
    if field.kind == "secret":
        if YES in typed.get(f"{path}.{ERASE}", []):
            return ""
        return sent[-1] if sent and sent[-1] else msgspec.UNSET
    if not sent:
        return msgspec.UNSET
    if field.kind == "switch":
        return YES in sent
    try:
        if field.kind == "choices":
            return [_choice(field, one) for one in sent if one]
        return _typed(field, clean(sent[-1]).replace("\r\n", "\n").strip())
    except Wrong as error:
        errors[path] = str(error)
        return msgspec.UNSET


def _typed(field: Field, words: str) -> Any:
    if not words and field.optional:
        return None
    if not words and field.kind not in ("text", "long"):
        raise Wrong("Preencha este campo.")
    return _READERS.get(field.kind, _text)(field, words)


def _text(_: Field, words: str) -> str:
    return words


def _integer(_: Field, words: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", words, re.ASCII):
        raise Wrong("Escreva um número inteiro, só com algarismos.")
    return int(words)


def _number(_: Field, words: str) -> float:
    if not _NUMBER.fullmatch(words):
        raise Wrong("Escreva um número, como 12 ou 12,5.")
    brazilian = "," in words or words.count(".") > 1 or re.fullmatch(r"-?\d{1,3}\.\d{3}", words)
    return float(words.replace(".", "").replace(",", ".") if brazilian else words)


def _money(_: Field, words: str) -> int:
    found = _MONEY.fullmatch(words.replace("R$", "").replace("\xa0", " ").replace(" ", ""))
    if not found:
        raise Wrong("Escreva um valor em reais, como 12,90.")
    cents = (found[3] or found[4] or "").ljust(2, "0")
    return int(f"{found[1]}{found[2].replace('.', '')}{cents}")


def _choice(field: Field, words: str) -> Any:
    for option in field.options:
        if str(option) == words:
            return option
    raise Wrong("Escolha uma das opções.")


def _time(_: Field, words: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", words, re.ASCII):
        raise Wrong("Escreva uma hora, como 08:30.")
    return words if len(words) > 5 else f"{words}:00"


def _json(_: Field, words: str) -> Any:
    try:
        return msgspec.json.decode(words)
    except (msgspec.DecodeError, RecursionError):
        raise Wrong("Isto não é JSON válido.") from None


_READERS: Mapping[str, Callable[[Field, str], Any]] = {
    "integer": _integer,
    "number": _number,
    "money": _money,
    "choice": _choice,
    "time": _time,
    "json": _json,
}


def _misfit(field: Field, value: Any) -> str:
    """What msgspec has against a value, as it would be said of this kind of field."""
    try:
        msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        if "RFC3339" in str(error):
            return "Escreva uma data, como 31/12/2026."
        why = in_portuguese(str(error))
        written = {"money": lambda n: reais(int(n)), "number": lambda n: _decimal(float(n))}.get(field.kind)
        return re.sub(r"-?\d+(?:\.\d+)?", lambda amount: written(amount[0]), why) if written else why
    return ""


# -- rows of a list ------------------------------------------------------------------------------------------


def rows_of(typed: Typed, path: str) -> list[str]:
    """The numbers of a list's rows, each once."""
    sent = [row for row in typed.get(path, []) if _ROW.fullmatch(row)]
    return list(dict.fromkeys(sent))[:MOST_ROWS]


def add_row(fields: Sequence[Field], typed: Typed, path: str, prefix: str = "") -> str:
    """One more row, as its defaults are. Gives the path of the row; empty if there is no such list, or no room."""
    field = _find(fields, path.removeprefix(prefix))
    rows = rows_of(typed, path)
    if field is None or field.kind != "list" or len(rows) >= MOST_ROWS:
        return ""
    new = f"{path}.{max(map(int, rows), default=-1) + 1}"
    typed[path] = ["", *rows, new.rpartition(".")[2]]
    typed |= _shown(field.parts[0], new, field.parts[0].default)
    return new


def remove_row(typed: Typed, row: str) -> None:
    """Without this one, by its path. What stood in it does not matter: nobody asks for its number again."""
    path, _, number = row.rpartition(".")
    typed[path] = [one for one in typed.get(path, []) if one != number]


def title_of(fields: Sequence[Field], path: str) -> str:
    """What the input at a path is called on the page."""
    field = _find(fields, path)
    while field is None and "." in path:  # a row of a list is called as the list is
        path = path.rpartition(".")[0]
        field = _find(fields, path)
    return field.title if field else path


def _find(fields: Sequence[Field], path: str) -> Field | None:
    """The field at a path, such as `avisos.3.horas`."""
    name, _, rest = path.partition(".")
    field = next((field for field in fields if field.name == name), None)
    if field is None or not rest:
        return field
    if field.kind == "list":
        number, _, rest = rest.partition(".")
        return _find(field.parts[0].parts, rest) if _ROW.fullmatch(number) else None
    return _find(field.parts, rest)
