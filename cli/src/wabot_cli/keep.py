"""A conversation held in the terminal, written as a test for the plugin's author.

The lines come out as a formatter would leave them, whatever length of line the author's project has from 88 on.
"""

import ast
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from wabot.errors import WabotError
from wabot.flow import Chatbot
from wabot.message import ButtonsMessage, Inbound, ListMessage, Outbound, words_of
from wabot.plugins.configs import secrets_of
from wabot.plugins.runtime import BotRuntime
from wabot.turn import Turn

WIDTH = 88
INDENT = "    "
MOST = 60
"""Characters of a reply that the test compares: enough to know it by, and the line stays readable."""


class CannotKeep(WabotError):
    """The file is not one that a test can be written to."""


class Kept:
    """The lines of the test, written while the conversation goes on."""

    def __init__(self, nome: str) -> None:
        self._nome, self._bot = nome, Chatbot(1, "Loja")
        self._config: dict[str, Any] = {}
        self._at: str | None = None
        self._since: datetime | None = None
        self._answered = False
        self.lines: list[str] = []

    def meets(self, runtime: BotRuntime) -> None:
        """Whom the conversation is with, and what is set there: without it the test would see another bot."""
        self._bot = runtime.chatbot
        for bound in runtime.flows[:1]:
            self._config = _changed(bound.config)

    def said(self, message: Inbound) -> None:
        """The customer's words or tap. Written before the answer comes: it may be a failure worth a test."""
        self._since = self._since or message.at
        self._answered = False
        self.lines.append(
            _call("await ana.taps" if message.kind == "tap" else "await ana.says", message.text)
        )

    def heard(self, turn: Turn) -> None:
        """Every reply, in order."""
        self._answered = True
        self._at = turn.state.etapa or None
        self.lines += [_seen(reply) for reply in turn.replies] or ["ana.sees_nothing()"]

    def write(self, file: Path) -> str:
        """As a new test at the end of the file, which is made if it is not there. Returns the test's name."""
        now = datetime.now().astimezone()
        before = source_of(file)
        name = _unused(f"test_kept_{now:%Y_%m_%d}", before)
        head = before.rstrip() or f'"""Conversations kept from `wabot chat`, the first on {now:%Y-%m-%d}."""'
        lines = [f"async def {name}(chat, clock):", *self._body(now)]
        file.write_text(f"{head}\n\n\n" + "\n".join(lines) + "\n", encoding="utf-8")
        return name

    def _body(self, now: datetime) -> Iterator[str]:
        at = [_call("ana.is_at", self._at)] if self._answered else []
        for line in (
            f'"""Kept on {now:%Y-%m-%d} at {now:%H:%M} from a chat with {_plain(self._bot.nome)}."""',
            f'clock.shows("{self._since:%Y-%m-%d %H:%M}")  # UTC',
            _call("ana = chat", **self._settings()),
            *self.lines,
            *at,
        ):
            yield from (INDENT + part for part in line.splitlines())

    def _settings(self) -> dict[str, Any]:
        """What differs from the bot that the fixture makes by itself."""
        usual = Chatbot(1, "Loja")
        settings: dict[str, Any] = {"nome": self._nome}
        if self._bot.nome != usual.nome:
            settings["bot"] = self._bot.nome
        if self._bot.timezone != usual.timezone:
            settings["timezone"] = self._bot.timezone
        if self._config:
            settings["config"] = self._config
        return settings


def source_of(file: Path) -> str:
    """What the file holds already. Raises CannotKeep where a test cannot be added: best asked before the chat."""
    if file.suffix != ".py":
        raise CannotKeep(f"{file}: um teste fica em um arquivo .py, como tests/test_conversas.py.")
    if not file.parent.is_dir():
        raise CannotKeep(f"A pasta {file.parent} não existe; crie-a, ou escolha outro arquivo.")
    try:
        source = file.read_text(encoding="utf-8") if file.exists() else ""
        ast.parse(source)
    except (OSError, ValueError, SyntaxError) as error:
        raise CannotKeep(f"Não dá para juntar um teste a {file}: {type(error).__name__}: {error}.") from None
    return source


def is_found_by_pytest(file: Path) -> bool:
    """Whether pytest looks into a file of that name by itself."""
    return file.name.startswith("test_") or file.stem.endswith("_test")


def _changed(config: Any) -> dict[str, Any]:
    """The settings that are not the defaults; never a secret."""
    if config is None:
        return {}
    usual, mine = msgspec.to_builtins(type(config)()), msgspec.to_builtins(config)
    hidden = secrets_of(type(config))
    return {name: value for name, value in mine.items() if name not in hidden and value != usual.get(name)}


def _seen(reply: Outbound) -> str:
    titles: list[str] = []
    if isinstance(reply, ButtonsMessage):
        titles = [button.title for button in reply.buttons]
    elif isinstance(reply, ListMessage):
        titles = [row.title for row in reply.rows]
    words = _first_words(words_of(reply))
    return _call("ana.sees", *filter(None, [words]), **({"options": titles} if titles else {}))


def _first_words(text: str) -> str:
    """The beginning of the first line, up to the end of a word."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= MOST else line[:MOST].rpartition(" ")[0].strip() or line[:MOST]


def _call(function: str, *values: Any, **named: Any) -> str:
    """A call on one line, or, where that is too long, with a line for each argument."""
    arguments = [("", value) for value in values] + [(f"{name}=", value) for name, value in named.items()]
    return _laid_out(f"{function}(", [(lead, value) for lead, value in arguments], ")", len(INDENT))


def _laid_out(head: str, items: Sequence[tuple[str, Any]], tail: str, indent: int) -> str:
    line = head + ", ".join(lead + _literal(value) for lead, value in items) + tail
    if indent + len(line) + 1 <= WIDTH or not items:  # one more for the comma that may follow
        return line
    inner = "\n".join(f"{_item(lead, value, indent + len(INDENT))}," for lead, value in items)
    return f"{head}\n{_indented(inner)}\n{tail}"


def _item(lead: str, value: Any, indent: int) -> str:
    match value:
        case list() if value:
            return _laid_out(f"{lead}[", [("", each) for each in value], "]", indent)
        case dict() if value:
            pairs = [(f"{_literal(key)}: ", each) for key, each in value.items()]
            return _laid_out(f"{lead}{{", pairs, "}", indent)
        case _:
            return lead + _literal(value)


def _indented(text: str) -> str:
    return "\n".join(INDENT + line for line in text.splitlines())


def _literal(value: Any) -> str:
    match value:
        case str():
            return _quoted(value)
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case dict():
            return "{" + ", ".join(f"{_literal(key)}: {_literal(each)}" for key, each in value.items()) + "}"
        case _:
            return repr(value)


def _quoted(text: str) -> str:
    """In double quotes, unless single ones need fewer escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return (
        quote + "".join(f"\\{c}" if c == quote else c if c in "'\"" else repr(c)[1:-1] for c in text) + quote
    )


def _plain(text: str) -> str:
    """As it may stand in a docstring."""
    shown = "".join(c if c.isprintable() else " " for c in text.replace("\\", "/").replace('"', "'"))
    return " ".join(shown.split())[:50]


def _unused(name: str, source: str) -> str:
    taken = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.AsyncFunctionDef)}
    numbered = (f"{name}_{n}" for n in range(2, len(taken) + 3))
    return name if name not in taken else next(n for n in numbered if n not in taken)
