"""A chat kept as a test: what is written is Python that a formatter leaves alone, and says what was said."""

import ast
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from wabot import Secret
from wabot.db.directory import Bot
from wabot.flow import Chatbot, Flow
from wabot.message import Button, ButtonsMessage, Inbound, ListMessage, Row, TextMessage
from wabot.plugins.runtime import BotRuntime
from wabot.turn import BoundFlow, State, Turn
from wabot_cli.keep import CannotKeep, Kept, is_found_by_pytest, source_of

RUFF = Path(sys.executable).with_name("ruff")
NASTY = {
    "an apostrophe": "copo d'água",
    "double quotes": 'disse "oi"',
    "one of each": "copo d'água e \"x",
    "more double ones": 'd\'água "com gás"',
    "lines": "um\ndois\r\n\ttrês",
    "a backslash": "c:\\novo\\x",
    "a joined emoji": "👨‍👩‍👧 ok",
    "control characters": "a\x07b\u202ec\u2028d",
    "very long words": "palavra " * 60,
    "one word without end": "a" * 300,
    "three quotes": '"""',
}


class Config(msgspec.Struct, frozen=True):
    dias: int = 5
    servicos: list[str] = msgspec.field(default_factory=lambda: ["Corte"])
    senha: Annotated[Secret, "of the agenda"] = ""


def message(words, kind="text", at=datetime(2026, 11, 24, 14, 5, 33, tzinfo=UTC)):
    return Inbound(wamid="w", at=at, kind=kind, text=words)


def heard(*replies, etapa="escolher"):
    return Turn(State(flow="agenda", etapa=etapa), replies)


def runtime(nome="Loja", timezone="America/Sao_Paulo", config=None):
    chatbot = Chatbot(7, nome, timezone)
    bot = Bot(7, nome, "1", "2", "3", timezone, True, "", "", "")
    return BotRuntime(bot, chatbot, flows=(BoundFlow(Flow("agenda", data=Config), config),))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "test_conversas.py"


@pytest.fixture
def kept():
    return Kept("Ana")


def the_calls(file):
    """Every call in the last test, as its name with its arguments."""
    test = ast.parse(file.read_text()).body[-1]
    calls = [node for node in ast.walk(test) if isinstance(node, ast.Call)]
    calls.sort(key=lambda call: call.lineno)
    return [
        (
            ast.unparse(call.func),
            *map(ast.literal_eval, call.args),
            *((key.arg, ast.literal_eval(key.value)) for key in call.keywords),
        )
        for call in calls
    ]


def test_what_was_said_tapped_and_seen_is_written_in_order(kept, file):
    kept.said(message("oi"))
    kept.heard(
        heard(TextMessage("Olá!"), ButtonsMessage("Qual?", (Button("1", "Corte"), Button("2", "Barba"))))
    )
    kept.said(message("Corte", "tap"))
    kept.heard(heard(ListMessage("Quando?", "Ver", (Row("1", "quarta", "cedo"),)), etapa="dia"))
    kept.said(message("tanto faz"))
    kept.heard(heard(etapa=""))
    kept.write(file)
    assert the_calls(file) == [
        ("clock.shows", "2026-11-24 14:05"),
        ("chat", ("nome", "Ana")),
        ("ana.says", "oi"),
        ("ana.sees", "Olá!"),
        ("ana.sees", "Qual?", ("options", ["Corte", "Barba"])),
        ("ana.taps", "Corte"),
        ("ana.sees", "Quando?", ("options", ["quarta"])),
        ("ana.says", "tanto faz"),
        ("ana.sees_nothing",),
        ("ana.is_at", None),
    ]


def test_the_test_says_when_and_with_whom_it_was_kept(kept, file):
    kept.meets(runtime('Bar "do" Zé \\ """'))
    kept.said(message("oi"))
    kept.heard(heard())
    name = kept.write(file)
    test = ast.parse(file.read_text()).body[-1]
    assert test.name == name
    assert "Bar 'do' Zé" in ast.get_docstring(test)
    assert name in {f"test_kept_{day:%Y_%m_%d}" for day in (datetime.now().astimezone(),)}


def test_a_reply_is_known_by_the_beginning_of_its_first_line(kept, file):
    kept.said(message("oi"))
    kept.heard(
        heard(TextMessage("\n Combinado, Ana, está tudo anotado para quarta-feira às dez horas\nAté lá!"))
    )
    kept.write(file)
    assert ("ana.sees", "Combinado, Ana, está tudo anotado para quarta-feira às dez") in the_calls(file)


@pytest.mark.parametrize("words", NASTY.values(), ids=NASTY)
def test_words_come_back_as_they_were(kept, file, words):
    kept.said(message(words))
    kept.heard(heard(ButtonsMessage(words, (Button("1", words[:20]),)), etapa="dia"))
    kept.write(file)
    calls = dict(call[:2] for call in the_calls(file) if call[1:])
    assert calls["ana.says"] == words
    assert calls["ana.sees"] in words
    assert ("options", [words[:20]]) in [part for call in the_calls(file) for part in call]


@pytest.mark.parametrize("width", [88, 110])
def test_a_formatter_leaves_it_alone(file, width):
    for words in NASTY.values():
        kept = Kept(words[:30])
        kept.meets(runtime(words[:50], "America/Manaus", Config(servicos=[words[:40]] * 5, dias=3)))
        kept.said(message(words))
        rows = tuple(Row(str(n), f"{words[:15]}{n}") for n in range(9))
        kept.heard(
            heard(TextMessage(words), ListMessage(words, "Ver", rows), ButtonsMessage(words, rows[:1]))
        )
        kept.write(file)
    options = ("--isolated", "--line-length", str(width))
    done = subprocess.run([RUFF, "format", "--diff", *options, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    done = subprocess.run([RUFF, "check", *options, "--ignore", "E501", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_what_is_set_for_the_bot_is_kept_and_a_secret_is_not(kept, file):
    kept.meets(runtime("Salão", "America/Manaus", Config(dias=3, senha="abre-te")))
    kept.said(message("oi"))
    kept.heard(heard())
    kept.write(file)
    bot = ("bot", "Salão"), ("timezone", "America/Manaus"), ("config", {"dias": 3})
    assert ("chat", ("nome", "Ana"), *bot) in the_calls(file)
    assert "abre-te" not in file.read_text()


def test_what_is_not_set_is_not_written(kept, file):
    kept.meets(runtime(config=Config()))
    kept.said(message("oi"))
    kept.heard(heard())
    kept.write(file)
    assert ("chat", ("nome", "Ana")) in the_calls(file)


def test_a_message_that_broke_the_flow_ends_the_test(kept, file):
    kept.said(message("oi"))
    kept.heard(heard(TextMessage("Olá!")))
    kept.said(message("0"))
    kept.write(file)
    assert the_calls(file)[-2:] == [("ana.sees", "Olá!"), ("ana.says", "0")]


def test_a_second_chat_goes_to_the_end_of_the_file_under_a_name_of_its_own(kept, file):
    file.write_text("import os\n\n\ndef test_mine():\n    assert os")  # no line end
    kept.said(message("oi"))
    kept.heard(heard())
    names = [kept.write(file) for _ in range(3)]
    assert len(set(names)) == 3
    tree = ast.parse(file.read_text())
    assert [node.name for node in tree.body if hasattr(node, "name")] == ["test_mine", *names]
    assert file.read_text().startswith("import os\n\n\ndef test_mine():\n    assert os\n\n\nasync def")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("conversa.txt", None, "arquivo .py"),
        ("nada/test_x.py", None, "não existe"),
        ("test_x.py", "def (", "SyntaxError"),
    ],
    ids=["not Python", "no such folder", "Python that is broken"],
)
def test_a_file_that_cannot_hold_a_test_is_refused_with_a_sentence(tmp_path, name, content, told):
    if content:
        (tmp_path / name).write_text(content)
    with pytest.raises(CannotKeep, match=told):
        source_of(tmp_path / name)


def test_files_that_pytest_finds_by_itself_are_known():
    assert [is_found_by_pytest(Path(name)) for name in ("test_a.py", "a_test.py", "kept.py")] == [
        True,
        True,
        False,
    ]
