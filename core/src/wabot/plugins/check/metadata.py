"""What the distribution says of itself: names that agree, a wabot it works with, and what a reader looks for."""

import ast
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import version as version_of
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wabot.parts import NAME
from wabot.plugins.check.finding import Finding, error, warning
from wabot.plugins.check.project import Project
from wabot.plugins.places import place_in

PROJECT = r"\[project\]|^Name:"
LOWER, UPPER = frozenset({">=", ">", "~=", "=="}), frozenset({"<", "<=", "~=", "=="})


def check(project: Project) -> Iterator[Finding]:
    """All that can be told without importing the plugin."""
    yield from _entry_points(project)
    yield from _names(project)
    yield from _wabot(project)
    yield from _version(project)
    yield from _reader(project)


def required_wabot(requires: Iterable[str]) -> SpecifierSet | None:
    """Which wabot the distribution asks for; None if it does not say."""
    for text in requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if canonicalize_name(requirement.name) == "wabot":
            return requirement.specifier
    return None


def lowest_wabot(requires: Iterable[str]) -> Version | None:
    """The oldest wabot the distribution asks for."""
    bounds = [
        Version(part.version.removesuffix(".*"))
        for part in required_wabot(requires) or ()
        if part.operator in LOWER
    ]
    return max(bounds, default=None)


def _entry_points(project: Project) -> Iterator[Finding]:
    count = len(project.entry_points)
    if count == 1:
        return
    place = place_in(project.file, "entry-points", PROJECT)
    yield error(
        "entry-point",
        "Nenhum ponto de entrada no grupo wabot: o plugin não seria encontrado."
        if not count
        else f"{count} pontos de entrada no grupo wabot: uma distribuição é um plugin.",
        place,
        f'[project.entry-points.wabot] {_id(project)} = "wabot_{_id(project)}"'
        if not count
        else f"deixe só {project.id}, e faça uma distribuição para cada um dos outros",
    )


def _names(project: Project) -> Iterator[Finding]:
    plugin = project.id
    if not plugin:
        return
    entry = place_in(project.file, rf"^\s*['\"]?{re.escape(plugin)}['\"]?\s*=")
    if not NAME.fullmatch(plugin):
        yield error(
            "plugin-id", f"O id {plugin!r} não serve.", entry, "use letras minúsculas, números e _, até 40"
        )
        return
    wanted = f"wabot-{plugin.replace('_', '-')}"
    if canonicalize_name(project.distribution) != wanted:
        place = place_in(project.file, r"^\s*name\s*=|^Name:")
        yield error(
            "distribution-name",
            f"A distribuição do plugin {plugin} se chama {project.distribution or '(sem nome)'}.",
            place,
            f'name = "{wanted}"',
        )
    if project.module != f"wabot_{plugin}":
        yield error(
            "module-name",
            f"O módulo do plugin {plugin} se chama {project.module}.",
            entry,
            f'{plugin} = "wabot_{plugin}"',
        )
    if not project.package:
        where = f"{project.path}/wabot_{plugin}" if project.path else f"wabot_{plugin}"
        yield error(
            "module-missing", f"O módulo {project.module} não existe.", entry, f"crie {where}/__init__.py"
        )


def _wabot(project: Project) -> Iterator[Finding]:
    """Read before anything is imported: it decides whether a release can be used at all."""
    here = Version(version_of("wabot"))
    if "dependencies" in project.dynamic:
        return
    wanted = required_wabot(project.requires)
    place = place_in(
        project.file, *([r"(?i)wabot\s*[<>=~!]"] if wanted else []), r"^\s*dependencies", PROJECT
    )
    fix = f'dependencies = ["wabot>={here.major}.{here.minor},<{here.major + 1}"]'
    operators = {part.operator for part in wanted or ()}
    if wanted is None:
        yield error("requires-wabot", "A distribuição não diz de que wabot precisa.", place, fix)
    elif not operators & LOWER or not operators & UPPER:
        missing = "mínimo" if not operators & LOWER else "máximo"
        yield error("requires-wabot", f"wabot{wanted} não tem limite {missing}.", place, fix)
    elif not wanted.contains(here, prereleases=True):
        yield error("requires-wabot", f"wabot{wanted} não inclui este wabot, o {here}.", place, fix)


def _version(project: Project) -> Iterator[Finding]:
    if "version" in project.dynamic:
        return
    try:
        Version(project.version)
    except InvalidVersion:
        place = place_in(project.file, r"^\s*version\s*=|^Version:", PROJECT)
        said = f"A versão {project.version!r} não segue a PEP 440." if project.version else "Falta a versão."
        yield error("version", said, place, 'version = "1.0.0"')


def _reader(project: Project) -> Iterator[Finding]:
    place = place_in(project.file, PROJECT)
    if not project.readme:
        fix = 'escreva um README.md e ponha: readme = "README.md"'
        yield warning("readme", "Falta o README: quem instala não sabe o que o plugin faz.", place, fix)
    if not _is_specifier(project.requires_python):
        fix = 'requires-python = ">=3.11"'
        yield warning("requires-python", "Falta dizer de que Python o plugin precisa.", place, fix)
    if project.package and not _docstring(project.init).strip():
        yield warning(
            "no-title",
            "O módulo não tem docstring: a primeira linha dela, até os dois-pontos, é o título do plugin.",
            f"{project.init}:1",
            f'"""{project.id.replace("_", " ").capitalize()}: o que o plugin faz, em uma linha."""',
        )


def _is_specifier(text: str) -> bool:
    try:
        return bool(text and SpecifierSet(text))
    except InvalidSpecifier:
        return False


def _docstring(file: str) -> str:
    try:
        return ast.get_docstring(ast.parse(Path(file).read_bytes())) or ""
    except (OSError, SyntaxError, ValueError):
        return "?"  # importing it tells what is wrong


def _id(project: Project) -> str:
    return canonicalize_name(project.distribution).removeprefix("wabot-").replace("-", "_") or "meu_plugin"
