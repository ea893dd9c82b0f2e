"""What exists in code stands in the documentation, and the reverse: hooks, settings, commands, events, findings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.docs.pages import PAGES, ROOT, files_shown, name_of, page, section, shell

from wabot import hookspecs, notices, settings
from wabot.plugins import reference
from wabot.testing.chat import Chat
from wabot.testing.simulator import Customer, Faults, Simulator
from wabot.whatsapp import policy
from wabot_cli.main import cli

LATER = "What is not there yet"
ROW = re.compile(r"^\| (.+?) \|", re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")


def first_column(text: str) -> set[str]:
    """Everything in backticks in the first column of the tables."""
    return {code for cell in ROW.findall(text) for code in CODE.findall(cell)}


# -- hooks ---------------------------------------------------------------------------------------------------


def test_the_page_about_the_hooks_is_made_from_the_hooks():
    assert page("docs/hooks.md") == reference.page(), "python -m wabot.plugins.reference > docs/hooks.md"


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_page_speaks_of_a_hook_that_does_not_exist(path):
    text = without_later(path)
    implemented = re.findall(r"^def (wabot_\w+)\(", text, re.MULTILINE)
    headed = re.findall(r"^## `(wabot_\w+)`$", text, re.MULTILINE)
    assert {*implemented, *headed} <= set(vars(hookspecs))


# -- failures ------------------------------------------------------------------------------------------------


def test_the_table_of_failures_is_made_from_the_failures():
    assert page("docs/delivery.md").endswith(f"\n\n{policy.table()}"), "python -m wabot.whatsapp.policy"


# -- settings ------------------------------------------------------------------------------------------------


def variables_read() -> set[str]:
    """Every environment variable that `wabot.settings` reads, told by its own source."""
    source = Path(settings.__file__).read_text(encoding="utf-8")
    return set(re.findall(r'\bget\("([A-Z_]+)"\)', source))


def test_every_setting_is_described_and_no_other():
    assert first_column(page("docs/settings.md")) == variables_read()


def test_the_defaults_told_are_the_defaults(tmp_path):
    loaded = settings.load({"WABOT_HOME": str(tmp_path)})
    table = [line for line in page("docs/settings.md").splitlines() if line.startswith("| `")]
    rows = {CODE.findall(line)[0]: line for line in table}
    told = {
        "GRAPH_API_URL": loaded.graph_api_url,
        "GRAPH_API_VERSION": loaded.graph_api_version,
        "HOST": loaded.host,
        "PORT": str(loaded.port),
        "TIMEZONE": loaded.timezone,
        "LOG_LEVEL": loaded.log_level,
    }
    for variable, default in told.items():
        assert rows[variable].rpartition(" | ")[2] == f"`{default}` |", variable


# -- commands ------------------------------------------------------------------------------------------------


def commands(group: click.Group = cli, prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:
    """Every command by the words that call it."""
    found: dict[tuple[str, ...], click.Command] = {}
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= commands(command, (*prefix, name))
        else:
            found[(*prefix, name)] = command
    return found


ALL = commands()


def without_later(path: Path) -> str:
    """A page without the section that tells what does not exist."""
    text = path.read_text(encoding="utf-8")
    for heading in (LATER, "O que ainda não existe"):
        text = text.replace(section(text, heading) or "\0", "")
    return text


def calls(text: str) -> list[tuple[tuple[str, ...], list[str]]]:
    """The wabot commands a text names, each with the options it gives them. Unknown ones are given as they stand."""
    joined = re.sub(r"\\\n\s*", " ", shell(text))
    lines = [*joined.splitlines(), *CODE.findall(re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))]
    found = []
    for line in lines:
        match = re.search(r"(?:^|[\s/=(])wabot ((?:[a-z-]*[a-z] ?)+)(.*)", line.partition(" #")[0])
        if not match or line.startswith(("wabot.", "pip ")):
            continue
        words = tuple(match[1].split())
        known = next((words[:n] for n in (2, 1) if words[:n] in ALL), words[:2])
        found.append((known, re.findall(r"(?<!\S)\[?(--[a-z-]+)", match[2])))
    return found


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_command_a_page_names_exists_with_its_options(path):
    for words, options in calls(without_later(path)):
        if len(words) == 1 and any(known[0] == words[0] and len(known) > 1 for known in ALL):
            continue  # the group itself, named as such
        assert words in ALL, f"wabot {' '.join(words)}"
        known = {name for param in ALL[words].params for name in param.opts} | {"--help"}
        assert set(options) <= known, f"wabot {' '.join(words)}: {set(options) - known}"


def test_every_command_is_named_somewhere():
    named = {words for path in PAGES for words, _ in calls(without_later(path))}
    assert {" ".join(words) for words in ALL.keys() - named} == set()


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_every_command_helps(words):
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert result.exit_code == 0, result.output
    assert "--help" in result.output


# -- events, findings, faults --------------------------------------------------------------------------------


def sources(*folders: str) -> str:
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_event_is_described_and_no_other():
    emitted = re.findall(r'(?:\bEvent|\.event)\(\s*"([a-z_]+\.[a-z_]+)"', sources("core/src", "plugins"))
    told = {code for code in first_column(page("docs/events.md")) if "." in code}
    assert told == set(emitted)


def events_written() -> Iterator[tuple[str, set[str], bool]]:
    """Each event that some code writes: its name, its fields, and whether these are all."""
    for file in [*(ROOT / "core/src").rglob("*.py"), *(ROOT / "plugins").rglob("src/**/*.py")]:
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from events_of(function)


def events_of(function: ast.AST) -> Iterator[tuple[str, set[str], bool]]:
    named = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(function):
        if not isinstance(call, ast.Call) or not re.search(r"\bEvent$|\.event$", ast.unparse(call.func)):
            continue
        match call.args:
            case [ast.Constant(value=name)]:
                yield name, {str(given.arg) for given in call.keywords} - {"cliente"}, True
            case [ast.Constant(value=name), fields]:
                whole = not isinstance(fields, ast.BinOp)
                literal = fields if whole else fields.left
                literal = named.get(literal.id, literal) if isinstance(literal, ast.Name) else literal
                yield name, {key.value for key in literal.keys}, whole


def test_the_fields_of_every_event_are_described_and_no_others():
    told = {}
    for row in re.findall(
        r"^\| `([a-z_]+\.[a-z_]+)` \| .+? \| (.*)\|$", page("docs/events.md"), re.MULTILINE
    ):
        told[row[0]] = set(CODE.findall(re.sub(r"\([^()]*\)", "", row[1])))
    for name, fields, whole in events_written():
        assert fields == told[name] if whole else fields < told[name], name


def test_every_finding_of_the_doctor_is_described_and_no_other():
    found = set(re.findall(r'\b(?:error|warning)\(\s*"([a-z-]+)"', sources("core/src/wabot/doctor")))
    assert first_column(section(page("docs/operate.md"), "Is it well?")) == found


def test_every_notice_that_is_acted_on_is_described_and_no_other():
    told = section(page("docs/notices.md"), "What wabot acts on")
    assert first_column(told) == set(notices.HANDLERS)


def test_every_fault_of_the_simulator_is_described_and_no_other():
    table = section(page("docs/test-a-plugin.md"), "The simulator").partition("| field | option |")[2]
    assert first_column(table) == set(Faults.__struct_fields__)


@pytest.mark.parametrize("kit", [Chat, Customer])
def test_every_verb_of_the_test_kit_is_described(kit):
    verbs = {name for name, value in vars(kit).items() if not name.startswith("_") and callable(value)}
    assert verbs <= set(re.findall(r"\bana\.(\w+)\(", page("docs/test-a-plugin.md")))


def test_the_test_kit_has_every_verb_described():
    told = re.findall(r"\b(ana|meta)\.(\w+)", page("docs/test-a-plugin.md"))
    meta = Simulator(app_secret="segredo")
    known = {"ana": {*dir(Chat), *vars(Chat()), *dir(Customer)}, "meta": set(dir(meta))}
    assert [f"{who}.{name}" for who, name in told if name not in known[who]] == []


# -- pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_relative_links_lead_somewhere(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        found = (path.parent / target) if target else path
        assert found.exists(), f"{name_of(path)} → {link}"
        if anchor:
            assert anchor in anchors(found.read_text(encoding="utf-8")), f"{name_of(path)} → {link}"


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_decision_is_in_the_list():
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", page("docs/decisions/README.md"))
    assert listed == sorted(file.name for file in (ROOT / "docs/decisions").glob("0*.md"))


def test_every_file_named_in_the_path_of_a_message_exists():
    told = re.findall(
        r"^[ a-z]{6}([\w/]+\.py) ", section(page("README.md"), "The path of a message"), re.MULTILINE
    )
    assert len(told) > 10
    for name in told:
        assert (ROOT / "core/src/wabot" / name).is_file(), name


def test_the_readme_shows_a_whole_plugin():
    assert len(files_shown(page("README.md"))) == 3
