"""What msgspec found wrong with a value, as a Brazilian would say it, and the field it is about."""

import re

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
