"""What the names in a function's source may stand for. Nothing of what is read is called."""

import ast
import builtins
import functools
import inspect
import linecache
import sys
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import resolve_name
from types import FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


class Unknown:
    """A value that only running the code would tell."""


UNKNOWN = Unknown()
OPAQUE = ast.Pass()
"""What binds a name to something that is not understood."""


@dataclass(frozen=True, eq=False)
class Scope:
    """The names of a function, and of what it stands in."""

    outer: "Scope | None"
    known: Mapping[str, Any]
    bound: Mapping[str, list[ast.AST]] = field(default_factory=dict)
    """For each name, the source of every value it may be given."""
    insides: "dict[Node, Scope]" = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)

    def inside(self, node: Node) -> "Scope":
        """The scope of a function that is defined in this one."""
        if node not in self.insides:
            self.insides[node] = Scope(self, _imported(node, self.named("__package__")[0]), _bindings(node))
        return self.insides[node]

    def named(self, name: str) -> list[Any]:
        """Everything a name may be."""
        if name in self.known:
            return [self.known[name]]
        if name not in self.bound:
            return self.outer.named(name) if self.outer else [UNKNOWN]
        if name in self.asked:  # x = x or y
            return []
        self.asked.add(name)
        try:
            return [value for node in self.bound[name] for value in self.values(node)]
        finally:
            self.asked.discard(name)

    def values(self, node: ast.AST) -> list[Any]:
        """Everything an expression may be: values that exist, and Routine, Called or UNKNOWN."""
        match node:
            case ast.Constant(value):
                return [value]
            case ast.Name(name):
                return self.named(name)
            case ast.Attribute(owner, name):
                return [_member(value, name) for value in self.values(owner)]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                return [Routine(node, self)]
            case ast.Await(inner) | ast.NamedExpr(_, inner):
                return self.values(inner)
            case ast.IfExp(_, body, orelse):
                return self.values(body) + self.values(orelse)
            case ast.BoolOp(_, parts):
                return self.all_of(parts)
            case ast.Dict(_, parts) | ast.List(parts) | ast.Tuple(parts):
                return [self.all_of(parts)]
            case ast.Subscript(owner, key):
                keys = self.values(key)
                return [item for value in self.values(owner) for item in _items(value, keys)]
            case ast.Call(function, arguments):
                return self.given(node, function, arguments)
            case _:
                return [UNKNOWN]

    def all_of(self, nodes: list[ast.expr]) -> list[Any]:
        return [value for node in nodes for value in self.values(node)]

    def given(self, call: ast.Call, function: ast.expr, arguments: list[ast.expr]) -> list[Any]:
        """What a call may give."""
        match function, arguments:
            case ast.Attribute(owner, "get"), [_, *default] if _containers(found := self.values(owner)):
                return [item for value in found for item in _items(value, [UNKNOWN])] + self.all_of(default)
            case _, [first, *_] if functools.partial in self.values(function):
                return self.values(first)
        return [Called(call, self)]


@dataclass(frozen=True)
class Routine:
    """The source of a function, and where it stands."""

    node: Node
    outer: Scope

    @property
    def scope(self) -> Scope:
        return self.outer.inside(self.node)

    @property
    def body(self) -> list[ast.AST]:
        """What runs when it is called, and the defaults of its arguments."""
        args = self.node.args
        defaults = [default for default in (*args.defaults, *args.kw_defaults) if default]
        return [*defaults, *(self.node.body if isinstance(self.node.body, list) else [self.node.body])]

    def returned(self) -> list[ast.expr]:
        if isinstance(self.node, ast.Lambda):
            return [self.node.body]
        return [node.value for node in _own(self.node) if isinstance(node, ast.Return) and node.value]


@dataclass(frozen=True)
class Called:
    """What a call gives."""

    call: ast.Call
    scope: Scope


def argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    """The source of one argument; None if it is not written there."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    before = call.args[: place + 1]
    return (
        before[place] if len(before) > place and not any(isinstance(a, ast.Starred) for a in before) else None
    )


def layers(value: Any) -> Iterator[FunctionType | MethodType]:
    """The functions of a callable: itself, and what decorators and partial hold."""
    seen: list[Any] = []
    while value is not None and not any(value is other for other in seen):
        seen.append(value)
        if isinstance(value, FunctionType | MethodType):
            yield value
        owner = value.__self__ if isinstance(value, MethodType) else None
        inner = (
            value.func
            if isinstance(value, functools.partial)
            else inspect.getattr_static(
                value.__func__ if isinstance(value, MethodType) else value, "__wrapped__", None
            )
        )
        value = MethodType(inner, owner) if owner is not None and isinstance(inner, FunctionType) else inner


def routine_of(function: FunctionType | MethodType) -> Routine | None:
    """The source of a function that exists, if it can be found."""
    plain: Any = function.__func__ if isinstance(function, MethodType) else function
    node = _node_of(plain) if isinstance(plain, FunctionType) else None
    if node is None:
        return None
    outer = Scope(None, ChainMap(_closure(plain), plain.__globals__, vars(builtins)))
    if isinstance(function, MethodType) and (first := [*node.args.posonlyargs, *node.args.args][:1]):
        inside = outer.inside(node)
        outer.insides[node] = Scope(outer, {**inside.known, first[0].arg: function.__self__}, inside.bound)
    return Routine(node, outer)


def _node_of(function: FunctionType) -> Node | None:
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    found = [
        node
        for node in _functions("".join(lines))
        if getattr(node, "name", "<lambda>") == code.co_name and _line(node) == code.co_firstlineno
    ]
    return found[0] if len(found) == 1 else None


@functools.lru_cache(maxsize=32)
def _functions(source: str) -> list[Node]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    return [node for node in ast.walk(tree) if isinstance(node, Node)]


def _line(node: Node) -> int:
    decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _closure(function: FunctionType) -> dict[str, Any]:
    names = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # bound later, or never
            names[name] = UNKNOWN
    return names


def _member(owner: Any, name: str) -> Any:
    """An attribute, if reading it runs no code."""
    if isinstance(owner, Unknown | Routine | Called):
        return UNKNOWN
    if isinstance(owner, ModuleType):
        return vars(owner).get(name, UNKNOWN)
    found = inspect.getattr_static(owner, name, UNKNOWN)
    if isinstance(found, FunctionType | staticmethod | classmethod | MemberDescriptorType):
        return getattr(owner, name, UNKNOWN)
    return UNKNOWN if hasattr(type(found), "__get__") else found


def _containers(values: list[Any]) -> bool:
    return all(isinstance(value, Mapping | list) for value in values)


def _items(container: Any, keys: list[Any]) -> list[Any]:
    """What indexing may give: the items of the keys that are known, or else all."""
    if isinstance(container, type):  # Choose[Option]
        return [container]
    if isinstance(container, Mapping):
        known = [container[key] for key in keys if isinstance(key, str | int) and key in container]
        return known if len(known) == len(keys) else list(container.values())
    return list(container) if isinstance(container, list | tuple) else [UNKNOWN]


def _own(routine: Node) -> Iterator[ast.AST]:
    """The nodes of a function, without those of the functions in it."""
    ahead: list[ast.AST] = list(routine.body) if isinstance(routine.body, list) else [routine.body]
    while ahead:
        node = ahead.pop()
        yield node
        if not isinstance(node, Node):
            ahead += ast.iter_child_nodes(node)


def _bindings(routine: Node) -> dict[str, list[ast.AST]]:
    """The names that a function gives values to, with the source of each value."""
    bound: dict[str, list[ast.AST]] = {}
    args = routine.args
    for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]:
        if arg:
            bound[arg.arg] = [OPAQUE]
    understood: set[ast.AST] = set()
    for node in _own(routine):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                bound.setdefault(name, []).append(node)
            case ast.Assign(targets=targets, value=value):
                _assign(bound, understood, targets, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target, value):
                _assign(bound, understood, [target], value)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(str(name)) | ast.ExceptHandler(name=str(name)):
                bound.setdefault(name, []).append(OPAQUE)
    for node in _own(routine):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in understood:
            if not _only_annotated(routine, node):
                bound.setdefault(node.id, []).append(OPAQUE)
    return bound


def _assign(
    bound: dict[str, list[ast.AST]], understood: set[ast.AST], targets: list[Any], value: ast.AST
) -> None:
    for target in targets:
        if isinstance(target, ast.Name):
            bound.setdefault(target.id, []).append(value)
            understood.add(target)


def _imported(routine: Node, package: Any) -> dict[str, Any]:
    """What a function imports itself, as far as somebody has imported it before."""
    names: dict[str, Any] = {}
    for node in _own(routine):
        if isinstance(node, ast.Import):
            for alias in node.names:
                module = alias.name if alias.asname else alias.name.partition(".")[0]
                names[alias.asname or module] = sys.modules.get(module, UNKNOWN)
        elif isinstance(node, ast.ImportFrom):
            relative = "." * node.level + (node.module or "")
            full = resolve_name(relative, package) if isinstance(package, str) else relative
            owner = sys.modules.get(full)
            for alias in node.names:
                found = vars(owner).get(alias.name, UNKNOWN) if owner else UNKNOWN
                names[alias.asname or alias.name] = found
    return names
