"""A conversation held in the terminal, written as a test for the plugin's author."""

import re
from datetime import datetime
from pathlib import Path

from wabot.message import ButtonsMessage, Inbound, ListMessage, Outbound, words_of
from wabot.turn import Turn

WIDTH = 100
MOST = 80
"""Characters of a reply that the test compares: enough to know it by, and the line stays readable."""


class Kept:
    """The lines of the test, written while the conversation goes on."""

    def __init__(self, nome: str) -> None:
        self._nome = nome
        self._at = ""
        self._since: datetime | None = None
        self.lines: list[str] = []

    def add(self, message: Inbound, turn: Turn) -> None:
        """One turn: what was said or tapped, and every reply."""
        self._since = self._since or message.at
        verb = "taps" if message.kind == "tap" else "says"
        self.lines.append(f"await ana.{verb}({_quoted(message.text)})")
        self.lines += [line for reply in turn.replies for line in _seen(reply)] or ["ana.sees_nothing()"]
        self._at = turn.state.etapa

    def write(self, file: Path) -> None:
        """As a new test at the end of the file, which is made if it is not there."""
        now = datetime.now().astimezone()
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        name = _unused(f"test_kept_{now:%Y_%m_%d}", before)
        at = _quoted(self._at) if self._at else "None"
        body = [
            f'clock.shows("{self._since:%Y-%m-%d %H:%M}")  # UTC',
            f"ana = chat(nome={_quoted(self._nome)})",
            *self.lines,
            f"ana.is_at({at})",
        ]
        head = before.rstrip() or f'"""Conversations kept from `wabot chat`, the first on {now:%Y-%m-%d}."""'
        test = "\n".join([f"async def {name}(chat, clock):", *(f"    {line}" for line in body)])
        file.write_text(f"{head}\n\n\n{test}\n", encoding="utf-8")


def _seen(reply: Outbound) -> list[str]:
    titles: list[str] = []
    if isinstance(reply, ButtonsMessage):
        titles = [button.title for button in reply.buttons]
    elif isinstance(reply, ListMessage):
        titles = [row.title for row in reply.rows]
    words, options = _quoted(words_of(reply)[:MOST].rstrip()), [_quoted(title) for title in titles]
    line = f"ana.sees({words}, options=[{', '.join(options)}])" if options else f"ana.sees({words})"
    if len(line) <= WIDTH or not options:
        return [line]
    return [
        "ana.sees(",
        f"    {words},",
        "    options=[",
        *(f"        {option}," for option in options),
        "    ],",
        ")",
    ]


def _quoted(text: str) -> str:
    """As a formatter would write it: in double quotes where that needs no escape."""
    literal = repr(text)
    plain = literal[1:-1]
    return f'"{plain}"' if literal[0] == "'" and '"' not in plain and "\\'" not in plain else literal


def _unused(name: str, text: str) -> str:
    taken = set(re.findall(r"async def (test_\w+)\(", text))
    numbered = (f"{name}_{n}" for n in range(2, 10_000))
    return name if name not in taken else next(n for n in numbered if n not in taken)
