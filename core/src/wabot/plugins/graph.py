"""Where a flow's etapas lead, read from their source: nothing of the plugin is called."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any, Literal, TypeGuard, cast

import msgspec

from wabot.flow import Ask, Choose, End, Flow, Go, Handover

OUTCOMES = (Choose, Ask, Go, End, Handover)
Asks = Literal["choose", "ask", "both", ""]


class Step(msgspec.Struct, frozen=True):
    """An etapa, and what may come after it."""

    codigo: str
    handler: str
    title: str = ""
    to: tuple[str, ...] = ()
    """The etapas it may go to, in the order in which its source names them."""
    ends: bool = False
    hands_over: bool = False
    asks: Asks = ""
    unsure: bool = False
    """It may do more than what is said here: its source is missing, or decides as it runs."""


class Graph(msgspec.Struct, frozen=True):
    """A flow as a drawing shows it."""

    flow: str
    title: str
    first: str
    steps: tuple[Step, ...]


def graph_of(flow: Flow[Any]) -> Graph:
    """Where each etapa of the flow leads. What cannot be read leaves a step without edges, and `unsure`."""
    steps = tuple(_step(flow, code, etapa) for code, etapa in flow.etapas.items())
    return Graph(flow.id, flow.title, next(iter(flow.etapas), ""), steps)


def unreachable(graph: Graph, renamed: Iterable[str] = ()) -> list[str]:
    """Etapas that no path leads to from the first one, nor from those that renamed ones go on at.

    None, if a step on such a path is unsure: it may lead anywhere.
    """
    steps = {step.codigo: step for step in graph.steps}
    reached: set[str] = set()
    ahead = [graph.first, *renamed]
    while ahead:
        step = steps.get(ahead.pop())
        if step is None or step.codigo in reached:
            continue
        if step.unsure:
            return []
        reached.add(step.codigo)
        ahead += step.to
    return [code for code in steps if code not in reached]


def dead_ends(graph: Graph) -> list[str]:
    """Etapas that surely lead nowhere but to themselves, and neither end nor hand over."""
    return [
        step.codigo
        for step in graph.steps
        if not (step.ends or step.hands_over or step.unsure or set(step.to) - {step.codigo})
    ]


def _step(flow: Flow[Any], code: str, etapa: Any) -> Step:
    etapa = inspect.unwrap(etapa)
    reader = _Reader(flow)
    reader.read(etapa)
    title = (etapa.__doc__ or "").strip().partition("\n")[0]
    asks = cast(Asks, "both" if len(reader.asks) == 2 else "".join(reader.asks))
    to = tuple(dict.fromkeys(reader.to))
    handler = f"{etapa.__module__}:{etapa.__qualname__}"
    return Step(code, handler, title, to, reader.ends, reader.hands_over, asks, reader.unsure)


class _Reader:
    """Reads an etapa's source, and that of the functions of its own module that it calls."""

    def __init__(self, flow: Flow[Any]) -> None:
        self._codes = {inspect.unwrap(etapa): code for code, etapa in flow.etapas.items()}
        self._known = set(flow.etapas)
        self._read: set[Any] = set()
        self.to: list[str] = []
        self.asks: set[str] = set()
        self.ends = self.hands_over = self.unsure = False

    def read(self, function: Any) -> None:
        first = not self._read
        self._read.add(function)
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, TypeError, SyntaxError):
            self.unsure = True
            return
        names = _names(function)
        for node in sorted(
            filter(_is_placed, ast.walk(tree)), key=lambda node: (node.lineno, node.col_offset)
        ):
            if isinstance(node, ast.Call):
                self._call(node, names)
            elif isinstance(node, ast.Name):
                self._named(names.get(node.id), function.__module__)
        if first:
            self.unsure |= any(not self._is_read(given, names) for given in _given(tree.body[0]))

    def _named(self, value: Any, module: str) -> None:
        """An outcome made once for all, or a function of the same module that makes one."""
        self.ends |= isinstance(value, End)
        self.hands_over |= isinstance(value, Handover)
        ours = isinstance(value, FunctionType) and value.__module__ == module
        if ours and value not in self._read and value not in self._codes:
            self.read(value)

    def _is_read(self, given: ast.expr | None, names: Mapping[str, Any]) -> bool:
        """Whether what an etapa returns was made in source that has been read."""
        given = given.value if isinstance(given, ast.Await) else given
        if isinstance(given, ast.IfExp):
            return self._is_read(given.body, names) and self._is_read(given.orelse, names)
        if isinstance(given, ast.Call):
            called = _value(given.func, names)
            return called in OUTCOMES or called in self._read
        return isinstance(_value(given, names), OUTCOMES)

    def _call(self, call: ast.Call, names: Mapping[str, Any]) -> None:
        called = _value(call.func, names)
        if called is Go:
            to = next((k.value for k in call.keywords if k.arg == "to"), call.args[0] if call.args else None)
            self._lead(to, names)
        elif called is End:
            self.ends = True
        elif called is Handover:
            self.hands_over = True
        elif called in (Choose, Ask):
            self.asks.add(called.__name__.lower())

    def _lead(self, to: ast.expr | None, names: Mapping[str, Any]) -> None:
        if isinstance(to, ast.IfExp):
            self._lead(to.body, names)
            self._lead(to.orelse, names)
            return
        target = _value(to, names)
        code = target if isinstance(target, str) else self._codes.get(_unwrapped(target))
        if code in self._known:
            self.to.append(str(code))
        else:
            self.unsure = True


def _names(function: Any) -> dict[str, Any]:
    """What the names in a function's source stand for, as far as that is settled before it runs."""
    try:
        closure = inspect.getclosurevars(function)
    except (TypeError, ValueError):
        return dict(getattr(function, "__globals__", {}))
    return {**closure.builtins, **function.__globals__, **closure.nonlocals}


def _value(node: ast.expr | None, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(id=name):
            return names.get(name)
        case ast.Attribute(owner, name) if isinstance(found := _value(owner, names), ModuleType):
            return vars(found).get(name)  # of anything else, looking might run the plugin's code
    return None


def _given(function: ast.AST) -> Iterator[ast.expr | None]:
    """What a function returns itself, not what the functions inside it do."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.Return):
            yield node.value
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _given(node)


def _is_placed(node: ast.AST) -> TypeGuard[ast.expr | ast.stmt]:
    return hasattr(node, "lineno")


def _unwrapped(target: Any) -> Any:
    return inspect.unwrap(target) if isinstance(target, FunctionType) else None
