"""Where the etapas of a flow lead, read from their source."""

import ast
from collections.abc import Callable, Iterable
from typing import Any, Literal

import msgspec

from wabot.flow import Ask, Choose, End, Flow, Go, Handover
from wabot.plugins.source import Routine, Scope, layers

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
    """It may do more than is said here: its source is missing, or decides as it runs."""


class Graph(msgspec.Struct, frozen=True):
    """A flow as a drawing shows it."""

    flow: str
    title: str
    first: str
    steps: tuple[Step, ...]


def graph_of(flow: Flow[Any]) -> Graph:
    """Read where each etapa of a flow leads. What cannot be read makes its step `unsure`."""
    steps = tuple(_step(flow, code, etapa) for code, etapa in flow.etapas.items())
    return Graph(flow.id, flow.title, next(iter(flow.etapas), ""), steps)


def unreachable(graph: Graph, renamed: Iterable[str] = ()) -> list[str]:
    """Etapas that no path leads to from the first, or from those where `renamed` ones go on.

    Empty if an unsure step is on such a path: it may lead anywhere.
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
    """Etapas that surely neither end, nor hand over, nor go to another one."""
    return [
        step.codigo
        for step in graph.steps
        if not (step.ends or step.hands_over or step.unsure or set(step.to) - {step.codigo})
    ]


def _step(flow: Flow[Any], code: str, etapa: Callable[..., Any]) -> Step:
    written: Any = [etapa, *layers(etapa)][-1]
    module = getattr(written, "__module__", "")
    reader = _Reader(flow, module)
    try:
        reader.read(etapa)
    except Exception:  # noqa: BLE001 - that it cannot be drawn is no reason not to use a plugin
        reader.unsure = True
    return Step(
        code,
        handler=f"{module}:{getattr(written, '__qualname__', code)}",
        title=(getattr(written, "__doc__", "") or "").strip().partition("\n")[0],
        to=tuple(reader.to),
        ends=reader.ends,
        hands_over=reader.hands_over,
        asks=reader.asks,
        unsure=reader.unsure,
    )


class _Reader(ast.NodeVisitor):
    """Reads one etapa, the functions in it, and those of its package that it uses."""

    def __init__(self, flow: Flow[Any], module: str) -> None:
        self.flow, self.package = flow, module.partition(".")[0]
        self.to: dict[str, None] = {}
        self.ends = self.hands_over = self.unsure = False
        self.asks: Asks = ""
        self.scope = Scope(None, {})
        self.visited: set[Routine] = set()
        self.answering: set[Routine] = set()
        self.routines: dict[Any, Routine | None] = {}

    def read(self, etapa: Callable[..., Any]) -> None:
        self.follow(etapa)
        self.gives(etapa)

    # -- everything that is written there --------------------------------------------------------------

    def walk(self, routine: Routine) -> None:
        if routine in self.visited:
            return
        self.visited.add(routine)
        around, self.scope = self.scope, routine.scope
        for node in routine.body:
            self.visit(node)
        self.scope = around

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.walk(Routine(node, self.scope))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.walk(Routine(node, self.scope))

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.walk(Routine(node, self.scope))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        for value in self.scope.values(node.func):
            self.made(value, node)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        self.used(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.used(node)
        self.generic_visit(node)

    def used(self, node: ast.expr) -> None:
        """A name is mentioned: a helper's source counts, as does an outcome made beforehand."""
        for value in self.scope.values(node):
            match value:
                case Go(to):
                    self.lead(to)
                case End() | Handover() | Choose() | Ask():
                    self.outcome(type(value))
            if isinstance(value, Choose | Ask):
                self.follow(value.then)
            elif not self.code_of(value):
                self.follow(value)

    def follow(self, value: Any) -> None:
        for routine in self.routines_of(value):
            if routine:
                self.walk(routine)
