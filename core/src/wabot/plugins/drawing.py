"""A flow's graph as a picture: Mermaid for documents, SVG for pages."""

from collections.abc import Sequence
from html import escape

from wabot.plugins.graph import Graph, Step

FIM, PESSOA = "--fim", "--pessoa"
"""What ends a flow; no etapa can be called so."""
LABELS = {FIM: "fim", PESSOA: "uma pessoa"}
Place = tuple[float, float]

BOX, HEIGHT, ACROSS, DOWN, MARGIN = 190, 40, 210, 90, 24
LANE = 20
"""How much further out an arrow bends for each box it passes."""
STYLE = """
text { font: 14px system-ui, sans-serif; fill: #1f2937 }
rect { fill: #ecfdf5; stroke: #059669; stroke-width: 1.5 }
.end { fill: #f3f4f6; stroke: #6b7280 }
path { fill: none; stroke: #6b7280; stroke-width: 1.5 }
.back { stroke-dasharray: 5 4 }
marker path { fill: #6b7280; stroke: none }
@media (prefers-color-scheme: dark) {
    text { fill: #e5e7eb }
    rect { fill: #064e3b; stroke: #34d399 }
    .end { fill: #374151; stroke: #9ca3af }
    path { stroke: #9ca3af }
}
"""


def edges(graph: Graph) -> list[tuple[str, str]]:
    """Every arrow, those to the end and to a person included."""
    return [(step.codigo, to) for step in graph.steps for to in _leads(step)]


def leads(graph: Graph) -> dict[str, list[str]]:
    """What each etapa leads to, in words: the drawing for whoever does not see it."""
    return {step.codigo: [LABELS.get(to, to) for to in _leads(step)] for step in graph.steps}


def mermaid(graph: Graph) -> str:
    """A flowchart as GitHub draws it."""
    lines = ["flowchart TD", f"    %% {graph.flow}"]
    for step in graph.steps:
        left, right = ("([", "])") if step.codigo == graph.first else ("[", "]")
        lines.append(f"    {_node(step.codigo)}{left}{step.codigo}{right}")
    arrows = edges(graph)
    for end, label in LABELS.items():
        if any(to == end for _, to in arrows):
            lines.append(f"    {_node(end)}(({label}))")
    lines += [f"    {_node(source)} --> {_node(to)}" for source, to in arrows]
    return "\n".join(lines)


def _node(name: str) -> str:
    """Mermaid keeps words such as `end` for itself."""
    return name.replace("--", "x_") if name in LABELS else f"e_{name}"


def svg(graph: Graph, *, alone: bool = True) -> str:
    """A drawing: readable in light and dark, no scripts, nothing fetched.

    One that does not stand alone takes its style from the page around, which may forbid any other.
    """
    arrows = edges(graph)
    places = _places(graph, arrows)
    side = MARGIN + LANE * len(places)
    width = max(x for x, _ in places.values()) + BOX + 2 * side
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    box = f"{-side:g} 0 {width:g} {height:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="{box}" width="{width:g}">',
        f"<title>{escape(graph.title)}</title>",
        f"<desc>{escape('; '.join(f'{a} leva a {LABELS.get(b, b)}' for a, b in arrows))}</desc>",
        *([f"<style>{STYLE}</style>"] if alone else []),
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        *(_line(places[source], places[to]) for source, to in arrows),
        *(_box(name, place) for name, place in places.items()),
        "</svg>",
    ]
    return "\n".join(parts)


def _leads(step: Step) -> tuple[str, ...]:
    return (*step.to, *([FIM] if step.ends else []), *([PESSOA] if step.hands_over else []))


def _places(graph: Graph, arrows: Sequence[tuple[str, str]]) -> dict[str, Place]:
    """From the top down as the flow is written; what it ends with stands below."""
    names = [step.codigo for step in graph.steps]
    ends = [end for end in LABELS if any(to == end for _, to in arrows)]
    middle = ACROSS * max(len(ends) - 1, 0) / 2
    places = {name: (middle, float(MARGIN + DOWN * n)) for n, name in enumerate(names)}
    return places | {
        end: (float(ACROSS * n), float(MARGIN + DOWN * len(names))) for n, end in enumerate(ends)
    }


def _line(source: Place, to: Place) -> str:
    """Straight down to the next one; past others on the left, and back up on the right."""
    (x1, y1), (x2, y2) = source, to
    passed = round((y2 - y1) / DOWN)
    if passed == 0:
        right = x1 + BOX
        return _path(
            f"M{right:g} {y1 + 30:g} C{right + 36:g} {y1 + 34:g} {right + 36:g} {y1 + 6:g} {right + 2:g} {y1 + 10:g}"
        )
    if passed == 1:
        return _path(f"M{x1 + BOX / 2:g} {y1 + HEIGHT:g} L{x2 + BOX / 2:g} {y2 - 2:g}")
    bend = 30 + LANE * abs(passed)
    start, end = y1 + HEIGHT * 0.65, y2 + HEIGHT * 0.35
    if passed > 0:
        return _path(f"M{x1:g} {start:g} C{x1 - bend:g} {start:g} {x2 - bend:g} {end:g} {x2 - 2:g} {end:g}")
    right, back = x1 + BOX, x2 + BOX
    d = f"M{right:g} {start:g} C{right + bend:g} {start:g} {back + bend:g} {end:g} {back + 2:g} {end:g}"
    return _path(d, ' class="back"')


def _path(d: str, kind: str = "") -> str:
    return f'<path{kind} d="{d}" marker-end="url(#tip)"/>'


def _box(name: str, place: Place) -> str:
    x, y = place
    kind = ' class="end"' if name in LABELS else ""
    label = escape(LABELS.get(name, name))
    return (
        f'<g><rect{kind} x="{x:g}" y="{y:g}" width="{BOX}" height="{HEIGHT}" rx="{20 if kind else 8}"/>'
        f'<text x="{x + BOX / 2:g}" y="{y + HEIGHT / 2 + 5:g}" text-anchor="middle">{label}</text></g>'
    )
