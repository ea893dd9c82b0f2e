"""A plugin's source, read and never run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

APART = frozenset({"tests", "__pycache__", "testing.py"})
"""What no customer meets."""


@dataclass(frozen=True)
class Module:
    """One file of Python."""

    path: Path
    tree: ast.Module
    lines: tuple[str, ...]

    def at(self, line: int) -> str:
        return f"{self.path}:{line}"

    def line_with(self, node: ast.expr, words: str) -> int:
        """The line of a string on which these words stand: a string may be written over many."""
        last = node.end_lineno or node.lineno
        for number in range(node.lineno, last + 1):
            if words in self.lines[number - 1]:
                return number
        return node.lineno


def modules(package: str) -> list[Module]:
    """Every file that can be read; what is wrong with the others, importing them tells."""
    return [module for path in files(package, "*.py") if (module := _read(path))]


def files(package: str, pattern: str) -> list[Path]:
    """The package's files of a kind."""
    path = Path(package)
    if not path.is_dir():
        return [path] if path.match(pattern) else []
    return sorted(p for p in path.rglob(pattern) if not APART & set(p.relative_to(path).parts))


def calls(module: Module, *names: str) -> Iterator[tuple[str, ast.Call]]:
    """The calls of functions or classes with these names, however they were imported."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and (name := _name(node.func)) in names:
            yield name, node


def place_of_field(source: list[Module], shape: type, field: str) -> str:
    """Where a class, or one it inherits from, defines a field."""
    wanted = [kind.__name__ for kind in shape.__mro__]
    for module in source:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and node.name in wanted:
                for line in node.body:
                    if isinstance(line, ast.AnnAssign) and _name(line.target) == field:
                        return module.at(line.lineno)
    return ""


def place_of_flow(source: list[Module], id: str) -> str:
    """Where `Flow("id", …)` stands."""
    for module in source:
        for _, call in calls(module, "Flow"):
            if call.args and isinstance(call.args[0], ast.Constant) and call.args[0].value == id:
                return module.at(call.lineno)
    return ""


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value):  # Choose[Option](…)
            return _name(value)
        case _:
            return ""


def _read(path: Path) -> Module | None:
    try:
        text = path.read_text(encoding="utf-8")
        return Module(path, ast.parse(text), tuple(text.splitlines()))
    except (OSError, SyntaxError, ValueError):
        return None
