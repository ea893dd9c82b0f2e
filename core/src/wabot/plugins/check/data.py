"""What a plugin keeps in the database: in its own schema, for one chatbot, and erased when a person asks."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from wabot.db.piccolo_app import APP_CONFIG as CORE
from wabot.plugins.check.finding import Finding, error, warning
from wabot.plugins.check.source import Module, files
from wabot.plugins.declared import Declared
from wabot.plugins.places import place_of

PERSONAL = frozenset({"cliente", "telefone"})
"""Columns that tell whose row it is."""
BOT = "chatbot"

_CREATE = re.compile(
    r"\bCREATE\s+(?:UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.\"]+)\s*\(", re.IGNORECASE
)
_ADD = re.compile(
    r"\bALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?([\w.\"]+)\s+ADD\s+(?:COLUMN\s+)?(?:IF\s+NOT\s+EXISTS\s+)?(\w+)",
    re.IGNORECASE,
)
_SCHEMA = re.compile(r"\bCREATE\s+SCHEMA\s+(?:IF\s+NOT\s+EXISTS\s+)?\"?(\w+)", re.IGNORECASE)
_REFERENCES = re.compile(r"\bREFERENCES\s+([\w.\"]+)", re.IGNORECASE)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_CONSTRAINTS = frozenset({"constraint", "primary", "unique", "foreign", "check", "exclude", "like"})


@dataclass(frozen=True)
class Stored:
    """A table, as one of the places that describe it does."""

    name: str
    columns: frozenset[str]
    references: frozenset[str]
    place: str


@dataclass(frozen=True)
class Sql:
    """A text that may hold SQL, and where its lines stand."""

    text: str
    file: str
    line: int
    last: int

    def at(self, position: int) -> str:
        return f"{self.file}:{min(self.line + self.text.count(chr(10), 0, position), self.last)}"


def check(plugin: str, package: str, declared: Declared, source: list[Module]) -> Iterator[Finding]:
    """Nothing, for a plugin without tables."""
    if declared.tables is None:
        return
    sql = _sql(package, source)
    tables = [
        *(table for text in sql for table in _created(text)),
        *map(_of_class, declared.tables.table_classes),
    ]
    yield from _privacy(tables, declared)
    yield from _of_bots(plugin, tables)
    yield from _schemas(plugin, tables, sql)


def _sql(package: str, source: list[Module]) -> list[Sql]:
    """The strings of the source, and files of SQL; what is commented out says nothing."""
    found = [
        Sql(_blank(node.value), str(module.path), node.lineno, node.end_lineno or node.lineno)
        for module in source
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    texts = [(path, path.read_text(encoding="utf-8")) for path in files(package, "*.sql")]
    return found + [Sql(_blank(text), str(path), 1, text.count("\n") + 1) for path, text in texts]


def _blank(text: str) -> str:
    return _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _created(sql: Sql) -> Iterator[Stored]:
    """Tables, and columns that come later."""
    for match in _CREATE.finditer(sql.text):
        items = list(_items(sql.text[match.end() :]))
        columns = {item.split()[0].strip('"').lower() for item in items} - _CONSTRAINTS
        references = frozenset(_bare(name) for item in items for name in _REFERENCES.findall(item))
        yield Stored(_bare(match[1]), frozenset(columns), references, sql.at(match.start()))
    for match in _ADD.finditer(sql.text):
        yield Stored(
            _bare(match[1]), frozenset({match[2].lower()}) - _CONSTRAINTS, frozenset(), sql.at(match.start())
        )


def _items(text: str) -> Iterator[str]:
    """What stands between commas, up to the parenthesis that closes."""
    depth, start = 0, 0
    for index, sign in enumerate(text):
        if sign == ")" and depth == 0:
            text = text[:index]
            break
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            yield from filter(None, [text[start:index].strip()])
            start = index + 1
    yield from filter(None, [text[start:].strip()])


def _bare(name: str) -> str:
    return name.replace('"', "").lower()


def _of_class(table: Any) -> Stored:
    meta = table._meta
    keys = [column._foreign_key_meta.resolved_references._meta for column in meta.foreign_key_columns]
    columns = frozenset(column._meta.db_column_name for column in meta.columns)
    return Stored(_full(meta), columns, frozenset(map(_full, keys)), place_of(table))


def _full(meta: Any) -> str:
    return ".".join(filter(None, [meta.schema, meta.tablename]))


def _privacy(tables: list[Stored], declared: Declared) -> Iterator[Finding]:
    """LGPD: who keeps something of a person must be able to hand it over and to erase it."""
    personal = next((table for table in tables if table.columns & PERSONAL), None)
    if personal and declared.privacy is None:
        column = min(personal.columns & PERSONAL)
        yield error(
            "privacy-missing",
            f"A tabela {personal.name} guarda dados de uma pessoa ({column}), e o plugin não diz como entregá-los "
            "nem como apagá-los.",
            personal.place,
            "@hookimpl def wabot_privacy() -> Privacy: return Privacy(export=exportar, erase=apagar)",
        )


def _of_bots(plugin: str, tables: list[Stored]) -> Iterator[Finding]:
    columns: dict[str, set[str]] = {name: {BOT} for name in _core()}
    references: dict[str, set[str]] = {}
    for table in tables:
        columns.setdefault(table.name, set()).update(table.columns)
        references.setdefault(table.name, set()).update(table.references)
    first = {table.name: table.place for table in reversed(tables)}
    for name in dict.fromkeys(table.name for table in tables):
        if not _has_bot(name, columns, references, {name}):
            yield warning(
                "no-chatbot",
                f"A tabela {name} não tem a coluna chatbot, nem pertence a uma que tem: nada separa os dados de um "
                "negócio dos de outro.",
                first[name],
                f"chatbot integer NOT NULL REFERENCES public.chatbot ON DELETE CASCADE ({plugin} filtra por ela)",
            )


def _has_bot(
    name: str, columns: dict[str, set[str]], references: dict[str, set[str]], seen: set[str]
) -> bool:
    """A line of an order belongs to the order's chatbot."""
    if BOT in columns.get(name, ()):
        return True
    ahead = references.get(name, set()) - seen
    return any(_has_bot(other, columns, references, seen | ahead) for other in ahead)


def _core() -> Iterable[str]:
    """The core's own tables whose rows belong to a chatbot, with and without their schema."""
    for table in CORE.table_classes:
        if BOT in {column._meta.db_column_name for column in table._meta.columns}:
            yield from (table._meta.tablename, f"public.{table._meta.tablename}")


def _schemas(plugin: str, tables: list[Stored], sql: list[Sql]) -> Iterator[Finding]:
    made = [
        (match[1].lower(), text.at(match.start())) for text in sql for match in _SCHEMA.finditer(text.text)
    ]
    named = [(table.name.rpartition(".")[0], table.place) for table in tables]
    for schema, place in dict((*reversed(named), *reversed(made))).items():
        if schema != plugin:
            yield error(
                "schema-name",
                f"O plugin {plugin} guarda dados no esquema {schema or 'public'}, que não é o dele.",
                place,
                f'CREATE SCHEMA {plugin}; CREATE TABLE {plugin}.…; e nas classes: schema="{plugin}"',
            )
