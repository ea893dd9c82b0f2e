"""What a business may set: labels for the form, defaults that fit, and secrets that are kept as such."""

from collections.abc import Iterator
from typing import Any

import msgspec

from wabot.explain import in_portuguese
from wabot.parts import Versioned
from wabot.plugins.check.finding import Finding, error, warning
from wabot.plugins.check.flows import missing
from wabot.plugins.check.source import Module, place_of_field
from wabot.plugins.configs import secrets_of
from wabot.plugins.declared import Declared
from wabot.plugins.places import place_of

SECRET = frozenset({"senha", "token", "chave", "secret", "password"})
PUBLIC = frozenset({"pix"})
"""A chave Pix is shown to whoever pays."""


def check(declared: Declared, source: list[Module]) -> Iterator[Finding]:
    """Each field, then the versions."""
    config = declared.config
    if config is None:
        return
    labels, secrets = _labels(config.shape), secrets_of(config.shape)
    for field in msgspec.structs.fields(config.shape):
        place = place_of_field(source, config.shape, field.name) or place_of(config.shape)
        if field.encode_name not in labels:
            yield _unlabelled(field, place)
        yield from _default(field, place)
        if field.name not in secrets and _sounds_secret(field):
            yield error(
                "secret",
                f"O campo {field.name} parece um segredo, e seria guardado e mostrado às claras.",
                place,
                f'from wabot import Secret; {field.name}: Annotated[Secret, Meta(title="…")] = ""',
            )
    yield from _migrations(config)


def _labels(shape: type[msgspec.Struct]) -> set[str]:
    """The fields that have a title."""
    schema: Any = msgspec.json.schema(shape)
    properties = schema["$defs"][schema["$ref"].rpartition("/")[2]].get("properties", {})
    return {name for name, about in properties.items() if about.get("title")}


def _unlabelled(field: msgspec.structs.FieldInfo, place: str) -> Finding:
    title = field.name.replace("_", " ").capitalize()
    return warning(
        "no-label",
        f"O campo {field.name} da configuração não tem título: o formulário mostraria o nome do código.",
        place,
        f'{field.name}: Annotated[…, Meta(title="{title}")]',
    )


def _default(field: msgspec.structs.FieldInfo, place: str) -> Iterator[Finding]:
    """msgspec does not hold defaults against their own type."""
    value = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    try:
        msgspec.convert(msgspec.to_builtins(value), field.type)
    except (msgspec.ValidationError, TypeError) as fault:
        yield error(
            "default",
            f"O padrão de {field.name}, {value!r}, não serve para o próprio campo: {in_portuguese(str(fault))}",
            place,
            "mude o padrão ou o limite",
        )


def _sounds_secret(field: msgspec.structs.FieldInfo) -> bool:
    """Only texts: `tem_senha: bool` is none."""
    parts = set(field.name.lower().split("_"))
    return bool(parts & SECRET) and not parts & PUBLIC and _is_text(msgspec.inspect.type_info(field.type))


def _is_text(kind: msgspec.inspect.Type) -> bool:
    if isinstance(kind, msgspec.inspect.Metadata):
        return _is_text(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(_is_text(part) for part in kind.types)
    return isinstance(kind, msgspec.inspect.StrType)


def _migrations(config: Versioned[Any]) -> Iterator[Finding]:
    for version in missing(config.version, config.migrations):
        yield warning(
            "migration-missing",
            f"A configuração está na versão {config.version} e não tem migrations[{version}]: "
            "o que foi guardado naquela versão é lido sem mudança, e o que não serve dá lugar ao padrão.",
            place_of(config.shape),
            f"Versioned({config.shape.__name__}, {config.version}, {{{version}: de_{version}}})",
        )
