"""A plugin's configuration for one bot: checked field by field, migrated, its secrets apart and encrypted."""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from wabot.errors import WrongFields
from wabot.explain import in_portuguese
from wabot.parts import Versioned
from wabot.vault import Vault, WrongKey

log = logging.getLogger(__name__)


class BadConfig(WrongFields):
    """A plugin's configuration has a field that does not exist or a value that does not fit."""


class Stored(msgspec.Struct, frozen=True):
    """A configuration as its row holds it."""

    config: bytes = b"{}"
    secrets: str = ""
    version: int = 1


def secrets_of(shape: type[msgspec.Struct]) -> frozenset[str]:
    """The names of the fields that are secrets."""
    info: Any = msgspec.inspect.type_info(shape)
    return frozenset(field.name for field in info.fields if _is_secret(field.type))


def buried_secrets(shape: type[msgspec.Struct]) -> list[str]:
    """The fields that are no secrets themselves and have some inside: those would be kept in the clear."""
    hidden = secrets_of(shape)
    schemas = {field.name: str(msgspec.json.schema(field.type)) for field in msgspec.structs.fields(shape)}
    return [name for name, schema in schemas.items() if name not in hidden and "'writeOnly': True" in schema]


def _is_secret(kind: Any) -> bool:
    if isinstance(kind, msgspec.inspect.UnionType):
        return any(_is_secret(part) for part in kind.types)
    if not isinstance(kind, msgspec.inspect.Metadata):
        return False
    return bool((kind.extra or {}).get("secret")) or _is_secret(kind.type)


def change(config: Versioned[Any] | None, kept: Stored, given: Mapping[str, Any], vault: Vault) -> Stored:
    """The stored configuration with `given` put in. Values may be strings, as the command line gives them.

    Raises BadConfig, naming every wrong field.
    """
    if config is None:
        if given:
            raise BadConfig(dict.fromkeys(given, "este plugin não tem configuração"))
        return Stored()
    values = fitted(config.shape, _migrated(config, kept, vault) | dict(given))
    hidden = secrets_of(config.shape)
    private = {name: value for name, value in values.items() if name in hidden and value}
    public = {name: value for name, value in values.items() if name not in hidden}
    sealed = vault.encrypt(msgspec.json.encode(private).decode()) if private else ""
    return Stored(msgspec.json.encode(public), sealed, config.version)


class Shown(msgspec.Struct, frozen=True):
    """A configuration as a person may see it: without the secrets, but saying which ones there are."""

    values: dict[str, Any]
    secrets: list[str]


def show(config: Versioned[Any] | None, kept: Stored, vault: Vault) -> Shown:
    """Of a plugin that is not loaded (`config` None), what is stored."""
    if config is None:
        return Shown(msgspec.json.decode(kept.config), [])
    hidden = secrets_of(config.shape)
    values = msgspec.to_builtins(read(config, kept, vault))
    public = {name: value for name, value in values.items() if name not in hidden}
    return Shown(public, sorted(name for name in hidden if values.get(name)))


def differences(before: Stored, after: Stored, vault: Vault) -> list[str]:
    """The names of the fields that are not the same in both."""
    old, new = (
        {**msgspec.json.decode(kept.config), **_opened(kept.secrets, vault)} for kept in (before, after)
    )
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def read(config: Versioned[Any] | None, kept: Stored, vault: Vault) -> Any:
    """What flows find in `ctx.config`. A stored value that does not fit any more gives way to its default."""
    if config is None:
        return None
    return made(config.shape, _migrated(config, kept, vault))


def made(shape: type[msgspec.Struct], stored: Mapping[str, Any]) -> Any:
    """An instance of what is stored. What does not fit any more gives way to its default."""
    fields = {field.name: field for field in msgspec.structs.fields(shape)}
    values: dict[str, Any] = {}
    for name, value in stored.items():
        try:
            values[name] = msgspec.convert(value, fields[name].type)
        except (KeyError, msgspec.ValidationError) as error:
            log.warning("%s: the stored %s is not used: %s", shape.__module__, name, type(error).__name__)
    return shape(**values)


def fitted(shape: type[msgspec.Struct], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as `shape` has them, which may be strings, as the command line gives them.

    Raises BadConfig, naming every wrong field: msgspec itself stops at the first.
    """
    known = {field.name: field for field in msgspec.structs.fields(shape)}
    fits, wrong = {}, {}
    for name, value in values.items():
        if name not in known:
            wrong[name] = f"não existe; há {', '.join(known)}"
            continue
        try:
            fits[name] = msgspec.convert(value, known[name].type, strict=False)
        except msgspec.ValidationError as error:
            wrong[name] = in_portuguese(str(error))
    if wrong:
        raise BadConfig(wrong)
    try:
        msgspec.convert(fits, shape)
    except msgspec.ValidationError as error:
        raise BadConfig({"configuração": in_portuguese(str(error))}) from None
    return fits


def _migrated(config: Versioned[Any], kept: Stored, vault: Vault) -> dict[str, Any]:
    """All stored values, secrets included, in the shape of this release."""
    values: dict[str, Any] = {**msgspec.json.decode(kept.config), **_opened(kept.secrets, vault)}
    for version in range(kept.version, config.version):
        if migration := config.migrations.get(version):
            try:
                values = migration(values)
            except Exception as error:  # noqa: BLE001 - the defaults are better than no bot
                log.error(
                    "%s: migration %s failed: %s", config.shape.__module__, version, type(error).__name__
                )
    names = {field.name for field in msgspec.structs.fields(config.shape)}
    return {name: value for name, value in values.items() if name in names}


def _opened(secrets: str, vault: Vault) -> dict[str, Any]:
    if not secrets:
        return {}
    try:
        opened: dict[str, Any] = msgspec.json.decode(vault.decrypt(secrets))
    except WrongKey as error:
        log.error("secrets of a plugin left out: %s", error)
        return {}
    return opened
