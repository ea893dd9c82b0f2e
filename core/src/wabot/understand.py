"""What a customer's message means as the answer to a question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wabot import texts
from wabot.errors import NotUnderstood
from wabot.flow import WORDS, Ask, Choose, Question, option_of
from wabot.layout import PAGE_MARK, page_shown
from wabot.message import Inbound
from wabot.text import fold

_STAMP = re.compile(r"(?P<place>[a-z][a-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*):(?P<key>.+)", re.DOTALL)
_TURNS = {fold(texts.VER_MAIS): 1, "mais": 1, fold(texts.VER_ANTERIORES): -1, "anteriores": -1}
_NUMBER = re.compile(r"(?:(?:opcao|numero|n)\s*)?(\d{1,3})")


@dataclass(frozen=True, slots=True)
class Picked:
    """The answer, as `then` receives it."""

    value: Any


@dataclass(frozen=True, slots=True)
class Page:
    """The customer wants to see another page of the list."""

    number: int


@dataclass(frozen=True, slots=True)
class Missed:
    """Not an answer to this question; `hint` says so to the customer."""

    hint: str


Understood = Picked | Page | Missed


def stamp_of(message: Inbound) -> tuple[str, str] | None:
    """Where a tapped option was offered and its key: (`pedidos.inicio`, `12`). None if no flow of ours offered it."""
    match = _STAMP.fullmatch(message.option)
    return (match["place"], match["key"]) if match else None


def word_of(message: Inbound) -> texts.Word | None:
    """The word that works everywhere, if that is all the customer said."""
    return None if stamp_of(message) else texts.WORDS.get(fold(message.text))


def names_an_option(question: Question, message: Inbound) -> bool:
    """Whether the words are the very title of an option: that beats any word that works everywhere."""
    if not isinstance(question, Choose):
        return False
    return fold(message.text) in {fold(option_of(choice).title) for choice in question.among}


def understand(question: Question, message: Inbound, place: str, shown: Sequence[str]) -> Understood:
    """Read the message as an answer to `question`, asked at `place`, whose options `shown` the customer last saw."""
    if stamp := stamp_of(message):
        return _tapped(question, stamp, place)
    if isinstance(question, Ask):
        return _told(question, message)
    return _chosen(question, message, shown)


def _tapped(question: Question, stamp: tuple[str, str], place: str) -> Understood:
    if stamp[0] != place or not isinstance(question, Choose):
        return Missed(texts.PERGUNTA_ANTERIOR)
    key = stamp[1]
    if key.startswith(PAGE_MARK) and key[1:].isdecimal():
        return Page(int(key[1:]))
    for choice in question.among:
        if option_of(choice).key == key:
            return Picked(choice)
    return Missed(texts.INDISPONIVEL)


def _told(question: Ask[Any], message: Inbound) -> Understood:
    if message.kind not in question.kinds:
        return Missed(texts.PRECISO_DE_TEXTO if question.kinds == WORDS else texts.preciso_de(question.kinds))
    try:
        return Picked(question.check(message.text))
    except NotUnderstood as hint:
        return Missed(str(hint))


def _chosen(question: Choose[Any], message: Inbound, shown: Sequence[str]) -> Understood:
    if message.kind not in ("text", "tap"):
        return Missed(texts.SO_OPCOES)
    words = fold(message.text)
    choices = {option_of(choice).key: choice for choice in question.among}
    titles = {key: fold(option_of(choice).title) for key, choice in choices.items()}
    exact = [key for key, title in titles.items() if title == words]
    if len(exact) == 1:
        return _typed(exact[0], choices, shown)
    if len(shown) < len(choices) and words in _TURNS:
        return Page(max(0, page_shown(question, shown) + _TURNS[words]))
    if number := _NUMBER.fullmatch(words):
        return _numbered(int(number[1]), choices, shown)
    alike = [key for key, title in titles.items() if _alike(words, title)]
    return _typed(alike[0], choices, shown) if len(alike) == 1 else Missed(texts.NAO_ENTENDI_OPCAO)


def _typed(key: str, choices: dict[str, Any], shown: Sequence[str]) -> Understood:
    """An option named by its title. If what was shown is gone, the same title may stand for something else by now."""
    if key not in shown and not choices.keys() >= set(shown):
        return Missed(texts.INDISPONIVEL)
    return Picked(choices[key])


def _numbered(number: int, choices: dict[str, Any], shown: Sequence[str]) -> Understood:
    """A number counts among the options the customer saw, not among those of a menu that has changed since."""
    keys = shown or tuple(choices)
    if not 1 <= number <= len(keys):
        return Missed(texts.NAO_ENTENDI_NUMERO)
    key = keys[number - 1]
    return Picked(choices[key]) if key in choices else Missed(texts.INDISPONIVEL)


def _alike(words: str, title: str) -> bool:
    """`quero a feijoada` names `Feijoada`, and `feijo` begins it. Whole words, so that `não` is not in `canhão`."""
    if len(words) < 3 or len(title) < 3:
        return False
    return f" {title} " in f" {words} " or f" {words}" in f" {title}"
