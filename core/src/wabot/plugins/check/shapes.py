"""`shapes.json` remembers the shape of what a plugin stores, so that no release changes it without its version."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from wabot.plugins.check.finding import Finding, error, warning
from wabot.plugins.check.project import Project
from wabot.plugins.check.source import Module, place_of_flow
from wabot.plugins.declared import Declared
from wabot.plugins.places import place_of

WORDING = frozenset({"title", "description", "examples", "default", "discriminator"})
"""What a schema says that does not change what is stored."""


class Shape(msgspec.Struct, frozen=True):
    """One version of something stored. `hash` is of its meaning: a class may change its name."""

    version: int
    hash: str
    schema: dict[str, Any]


class Shapes(msgspec.Struct, frozen=True):
    """What `shapes.json` holds."""

    config: Shape | None = None
    flows: dict[str, Shape] = {}

    def by_name(self) -> dict[str, Shape]:
        """Each with the words for it."""
        named = {f"o fluxo {flow}": shape for flow, shape in self.flows.items()}
        return named | ({"a configuração": self.config} if self.config else {})


def file_of(project: Project) -> Path:
    """Beside the module, so that it travels in the wheel."""
    package = Path(project.package)
    return package / "shapes.json" if package.is_dir() else package.with_suffix(".shapes.json")


def check(project: Project, declared: Declared, source: list[Module], update: bool) -> Iterator[Finding]:
    """Compare with what is remembered; `update` remembers what is there now, except what is an error."""
    file = file_of(project)
    try:
        now = shapes_of(declared)
    except TypeError as fault:
        place = project.init
        yield error("shape-unreadable", f"Os dados não podem ser guardados em JSON: {fault}.", place)
        return
    try:
        before = msgspec.json.decode(file.read_bytes(), type=Shapes) if file.is_file() else Shapes()
    except msgspec.DecodeError as fault:
        yield error(
            "shapes",
            f"shapes.json não pode ser lido: {fault}.",
            f"{file}:1",
            "recupere o arquivo anterior",
        )
        return
    places = _places(declared, source)
    findings = _compared(before, now, places, _command(project))
    if update:
        file.write_bytes(_written(before, now, findings))
        findings = {name: found for name, found in findings.items() if found.severity == "error"}
    yield from findings.values()


def shapes_of(declared: Declared) -> Shapes:
    """Of the config and of each flow's data. Raises TypeError for data that has no JSON Schema."""
    config = declared.config
    return Shapes(
        _shape(config.version, config.shape) if config else None,
        {flow.id: _shape(flow.version, flow.data) for flow in declared.flows},
    )


def _shape(version: int, kind: Any) -> Shape:
    schema = _plain(msgspec.json.schema(kind))
    meaning = msgspec.json.encode(parts(schema), order="sorted")
    return Shape(version, hashlib.sha256(meaning).hexdigest()[:16], schema)


def _plain(schema: Any, names: bool = False) -> Any:
    """The schema without its wording. Under `properties` and `$defs` the keys are names, whatever they are."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: sorted(value)
        if key == "required" and not names
        else _plain(value, key in ("properties", "$defs"))
        for key, value in sorted(schema.items())
        if names or key not in WORDING
    }


def parts(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored where: `itens[].preco` → what may stand there."""
    found: dict[str, Any] = {}
    _collect(schema, schema.get("$defs", {}), "", (), found)
    return found


def _collect(
    node: Any, defs: Mapping[str, Any], path: str, inside: tuple[str, ...], found: dict[str, Any]
) -> None:
    if not isinstance(node, dict):
        found[path] = node
        return
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        if name in inside:  # a shape within itself is described already
            found[path] = {"again": len(inside) - inside.index(name)}
        else:
            _collect(defs[name], defs, path, (*inside, name), found)
        return
    own = {k: v for k, v in node.items() if k not in ("$defs", "properties", "items", "additionalProperties")}
    options = own.pop("anyOf", [])
    prefix = own.pop("prefixItems", [])
    found[path] = own
    for name, part in node.get("properties", {}).items():
        _collect(part, defs, f"{path}.{name}" if path else name, inside, found)
    for number, part in enumerate(options):
        _collect(part, defs, f"{path}|{number}", inside, found)
    for number, part in enumerate(prefix):
        _collect(part, defs, f"{path}[{number}]", inside, found)
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(node.get(key), dict):
            _collect(node[key], defs, path + mark, inside, found)


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """The fields that were added, removed or changed, in words."""
    old, new = parts(before), parts(now)
    kinds = {
        "mudou": {path for path in old.keys() & new.keys() if old[path] != new[path]},
        "entrou": new.keys() - old.keys(),
        "saiu": old.keys() - new.keys(),
    }
    said: list[str] = []
    named: set[str] = set()
    for verb, paths in kinds.items():
        fields = {path.partition("|")[0] for path in paths} - {""} - named
        outer = {field for field in fields if not any(_within(field, other) for other in named | fields)}
        if outer:
            said.append(f"{verb} {', '.join(sorted(outer))}")
        named |= outer
    return "; ".join(said) or "mudou o tipo todo"


def _within(field: str, other: str) -> bool:
    """Whether to name `other` is to name the field."""
    return field.startswith((f"{other}.", f"{other}[", f"{other}{{"))


def _compared(before: Shapes, now: Shapes, places: Mapping[str, str], command: str) -> dict[str, Finding]:
    """By name, what is to be said of each shape; nothing for those that are as they were."""
    old, new = before.by_name(), now.by_name()
    if new and not old:
        said = "shapes.json ainda não guarda a forma dos dados: uma mudança passaria sem aviso."
        return {"": warning("shapes-missing", said, "", command)}
    found = {name: _judged(name, old.get(name), shape, places[name], command) for name, shape in new.items()}
    gone = {
        name: warning("shape-gone", f"shapes.json guarda {name}, que não existe mais.", "", command)
        for name in old.keys() - new.keys()
    }
    return {name: finding for name, finding in found.items() if finding} | gone


def _judged(name: str, old: Shape | None, new: Shape, place: str, command: str) -> Finding | None:
    if old is None:
        return warning("shapes-missing", f"shapes.json ainda não guarda {name}.", place, command)
    if new.version < old.version:
        said = f"{_capital(name)} voltou da versão {old.version} para a {new.version}."
        return error("shape-version", said, place, f"version={old.version} ou maior")
    if new.version > old.version:
        said = f"{_capital(name)} passou da versão {old.version} para a {new.version}."
        return warning("shape-raised", said, place, command)
    if new.hash != old.hash:
        return error(
            "shape-changed",
            f"A forma dos dados d{name} mudou, e a versão não: {difference(old.schema, new.schema)}.",
            place,
            f"version={old.version + 1}, migrations={{{old.version}: de_{old.version}}} e depois {command} "
            f"(se a versão {old.version} nunca foi publicada, apague shapes.json antes de --update)",
        )
    return None


def _written(before: Shapes, now: Shapes, findings: Mapping[str, Finding]) -> bytes:
    """An error is not forgotten by remembering what is wrong."""
    wrong = {name for name, finding in findings.items() if finding.severity == "error"}
    kept = before.by_name()
    chosen = {name: kept[name] if name in wrong else shape for name, shape in now.by_name().items()}
    config = chosen.pop("a configuração", None)
    shapes = Shapes(config, {name.removeprefix("o fluxo "): shape for name, shape in chosen.items()})
    return msgspec.json.format(msgspec.json.encode(shapes), indent=2) + b"\n"


def _places(declared: Declared, source: list[Module]) -> dict[str, str]:
    flows = {
        f"o fluxo {flow.id}": place_of(flow.data) or place_of_flow(source, flow.id) for flow in declared.flows
    }
    return flows | ({"a configuração": place_of(declared.config.shape)} if declared.config else {})


def _command(project: Project) -> str:
    return f"wabot plugins check {project.target} --update"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
