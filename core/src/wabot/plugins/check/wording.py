"""What the plugin says: within WhatsApp's limits, and with its accents. Read from the source, nothing is called."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wabot.message import (
    BUTTONS_BODY_LIMIT,
    CAPTION_LIMIT,
    LIST_BUTTON_LIMIT,
    ROW_DESCRIPTION_LIMIT,
    ROW_TITLE_LIMIT,
    TEXT_LIMIT,
)
from wabot.plugins.check.finding import Finding, warning
from wabot.plugins.check.source import Module, calls, files, modules
from wabot.plugins.check.spelling import misspelt
from wabot.text import shorten, size

TEXTS = "texts"
"""The module that holds what a plugin says."""
TEMPLATES = ("*.html", "*.jinja", "*.j2")


@dataclass(frozen=True)
class Part:
    """One argument that a person reads; `at` is where it stands if it is given without its name."""

    name: str
    at: int | None = None
    what: str = ""
    limit: int = 0
    beyond: str = ""
    """What becomes of longer words."""


CUT = "o cliente lê “{shown}”"
PIECES = "o texto é enviado em mais de uma mensagem, e cada uma é cobrada"
APART = "com botões ou foto, o texto vai antes, em uma mensagem à parte, que é cobrada"

SAID: dict[str, tuple[Part, ...]] = {
    "Option": (
        Part("title", 1, "título de opção", ROW_TITLE_LIMIT, CUT),
        Part("description", 2, "descrição de opção", ROW_DESCRIPTION_LIMIT, CUT),
    ),
    "Choose": (
        Part("text", 0, "pergunta", BUTTONS_BODY_LIMIT, APART),
        Part("among", 1, "título de opção", ROW_TITLE_LIMIT, CUT),
        Part("button", 3, "botão da lista", LIST_BUTTON_LIMIT, CUT),
    ),
    "Ask": (Part("text", 0, "pergunta", TEXT_LIMIT, PIECES),),
    "Go": (Part("say", 1, "texto", TEXT_LIMIT, PIECES),),
    "End": (Part("say", 0, "texto", TEXT_LIMIT, PIECES),),
    "Handover": (Part("say", 0, "texto", TEXT_LIMIT, PIECES),),
    "Say": (Part("text", 0, "texto", TEXT_LIMIT, PIECES),),
    "NotUnderstood": (Part("", 0, "dica", TEXT_LIMIT, PIECES),),
    "Flow": (Part("title", None, "título de fluxo", ROW_TITLE_LIMIT, CUT),),
    "Meta": (Part("title"), Part("description")),
    "Job": (Part("title", 3),),
    "Campaign": (Part("title", 3),),
}
WITH_PICTURE = (Part("text", 0, "pergunta com foto", CAPTION_LIMIT, APART),)


@dataclass(frozen=True)
class Words:
    """A string in the source, and the file it stands in."""

    text: str
    node: ast.expr
    module: Module


def check(package: str) -> list[Finding]:
    """Each thing once, in the order of the files."""
    source = modules(package)
    found = [finding for module in source for finding in _module(module, source)]
    for pattern in TEMPLATES:
        found += [finding for path in files(package, pattern) for finding in _template(path)]
    return list(dict.fromkeys(found))


def _module(module: Module, source: list[Module]) -> Iterator[Finding]:
    if module.path.stem == TEXTS:
        for words in _texts(module):
            yield from _spelt(words)
    for name, call in calls(module, *SAID):
        for part in _parts(name, call):
            for words in _argument(call, part, module, source):
                yield from _spelt(words)
                yield from _fits(words, part)


def _parts(name: str, call: ast.Call) -> tuple[Part, ...]:
    pictured = name == "Ask" and any(keyword.arg == "image" for keyword in call.keywords)
    return WITH_PICTURE if pictured else SAID[name]


def _argument(call: ast.Call, part: Part, module: Module, source: list[Module]) -> Iterator[Words]:
    given = [keyword.value for keyword in call.keywords if keyword.arg == part.name]
    if part.at is not None and part.at < len(call.args):
        given.append(call.args[part.at])
    for node in given:
        yield from _strings(node, module, source)


def _strings(
    node: ast.AST, module: Module, source: Iterable[Module], known: frozenset[str] = frozenset()
) -> Iterator[Words]:
    """The strings an expression is made of; a name means the constant it stands for, unless it is in `known`."""
    match node:
        case ast.Constant(str(text)):
            yield Words(text, node, module)
        case ast.Name(name) if name not in known:
            yield from _constant(name, [module, *(m for m in source if m.path.stem == TEXTS)], known | {name})
        case ast.Attribute(ast.Name(owner), name) if name not in known:
            yield from _constant(name, [m for m in source if m.path.stem == owner], known | {name})
        case ast.Call(ast.Attribute(owner, "format" | "join" | "strip"), args):
            for part in (owner, *args):
                yield from _strings(part, module, source, known)
        case ast.Call() | ast.Compare() | ast.Lambda() | ast.Subscript():
            return
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _strings(child, module, source, known)


def _constant(name: str, where: Iterable[Module], known: frozenset[str]) -> Iterator[Words]:
    """What a name at the top of a file stands for; the first file that has it counts."""
    for module in where:
        for statement in module.tree.body:
            if name in _targets(statement):
                yield from _strings(statement.value, module, (), known)  # type: ignore[attr-defined]
                return


def _texts(module: Module) -> Iterator[Words]:
    """All strings of texts.py but keywords, which are compared without accents, and the keys of dictionaries."""
    for statement in module.tree.body:
        names = _targets(statement)
        if names and not any(re.search("keyword|palavra|word", name, re.IGNORECASE) for name in names):
            yield from _values(statement.value, module)  # type: ignore[attr-defined]


def _values(node: ast.AST, module: Module) -> Iterator[Words]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield Words(node.value, node, module)
        return
    inside: Iterable[ast.AST] = node.values if isinstance(node, ast.Dict) else ast.iter_child_nodes(node)
    for part in inside:
        yield from _values(part, module)


def _targets(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.Assign(targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.AnnAssign(target=ast.Name(name), value=ast.expr()):
            return [name]
        case _:
            return []


def _spelt(words: Words) -> Iterator[Finding]:
    for written, right in misspelt(words.text):
        line = words.module.line_with(words.node, written)
        yield _unaccented(written, right, words.module.at(line))


def _unaccented(written: str, right: str, place: str) -> Finding:
    return warning(
        "spelling", f"“{written}” sem acento em um texto que o cliente lê.", place, f"escreva “{right}”"
    )


def _fits(words: Words, part: Part) -> Iterator[Finding]:
    plain = re.sub(r"\{[^{}]*\}", "", words.text)
    if not part.limit or size(plain) <= part.limit:
        return
    beyond = part.beyond.format(shown=shorten(words.text, part.limit))
    yield warning(
        "too-long",
        f"{part.what.capitalize()} com {size(plain)} caracteres: {beyond}.",
        words.module.at(words.node.lineno),
        f"escreva em até {part.limit} caracteres",
    )


_MARKUP = re.compile(
    r"<(script|style)\b.*?</\1>|\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|<[^>]*>", re.DOTALL | re.IGNORECASE
)


def _template(path: Path) -> Iterator[Finding]:
    """Only what stands between the tags."""
    text = _MARKUP.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), path.read_text(encoding="utf-8"))
    for number, line in enumerate(text.splitlines(), 1):
        for written, right in misspelt(line):
            yield _unaccented(written, right, f"{path}:{number}")
