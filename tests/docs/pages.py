"""The documentation as the tests see it: pages, tables, fenced blocks, files shown in full."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "plugins").glob("*/README.md")],
)

_FILE = re.compile(r"^`(?P<path>[\w./-]+)`\n\n```\w+\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def files_shown(text: str) -> dict[str, str]:
    """The files a page shows in full: a path alone in backticks, then the fenced text."""
    return {match["path"]: match["text"] for match in _FILE.finditer(text)}


def shell(text: str) -> str:
    """All that a page tells its reader to type."""
    return "\n".join(_SHELL.findall(text))


def shell_blocks(text: str) -> list[str]:
    """The same, block by block."""
    return _SHELL.findall(text)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))
