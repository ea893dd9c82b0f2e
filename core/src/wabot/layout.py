"""How a question looks on WhatsApp: buttons, a list, pages of a list; in one message where the content allows.

Since October 2026 each free-form message beyond 1,000 a month is charged, so words and question travel together.
"""

from collections.abc import Sequence

import msgspec

from wabot import texts
from wabot.errors import FlowFault
from wabot.flow import Ask, Choose, Option, Question, Words, option_of
from wabot.message import (
    BUTTON_ID_LIMIT,
    BUTTON_TITLE_LIMIT,
    BUTTONS_BODY_LIMIT,
    BUTTONS_MOST,
    CAPTION_LIMIT,
    LIST_BODY_LIMIT,
    LIST_BUTTON_LIMIT,
    ROW_DESCRIPTION_LIMIT,
    ROW_ID_LIMIT,
    ROW_TITLE_LIMIT,
    ROWS_MOST,
    TEXT_LIMIT,
    Button,
    ButtonsMessage,
    ImageMessage,
    ListMessage,
    Outbound,
    Row,
    TextMessage,
)
from wabot.text import shorten, size, split

Said = str | Outbound

PAGE_MARK = "~"
"""Begins the key of a row that turns the page; no option's own key may begin with it."""


MESSAGES_MOST = 10
"""Messages one turn may send. A customer who is sent more reports the number, and Meta charges for each."""
OPTIONS_MOST = 500
"""Options of one question: fifty pages that nobody turns."""


class Shown(msgspec.Struct, frozen=True):
    """What was put before the customer: the messages, and the keys of the options in the order shown."""

    messages: tuple[Outbound, ...]
    keys: tuple[str, ...] = ()


def show(question: Question, before: Sequence[Said], place: str, page: int = 0) -> Shown:
    """Lay out a question. `before` is said first; `place` (`pedidos.inicio`) stamps the ids of its options."""
    ahead, words = _parted(before)
    shown = _show(question, words, place, page)
    return Shown((*ahead, *shown.messages), shown.keys)


def _show(question: Question, before: Sequence[str], place: str, page: int) -> Shown:
    if isinstance(question, Ask):
        return Shown(_words_with_picture([*before, question.text], question.image))
    options = [option_of(choice) for choice in question.among]
    _check_keys(options, place)
    if _fit_buttons(options):
        return _buttons(question.text, before, place, options)
    return _list(question, before, place, options, page)


def said(words: Words) -> list[Said]:
    """What an outcome says, piece by piece. Raises FlowFault for what nobody can say."""
    pieces = [words] if isinstance(words, Said) else list(words)
    for piece in pieces:
        if not isinstance(piece, Said):
            raise FlowFault(f"{type(piece).__name__} cannot be said; give a str or a message")
    return pieces


def say(before: Sequence[Said]) -> tuple[Outbound, ...]:
    """All of it, the words in as few messages as they fit. Raises FlowFault for words that would flood the customer."""
    ahead, words = _parted(before)
    return (*ahead, *_texts(words))


def _parted(before: Sequence[Said]) -> tuple[list[Outbound], list[str]]:
    """What goes ahead in messages of its own, and the words at the end, which may travel with a question."""
    ahead: list[Outbound] = []
    words: list[str] = []
    for piece in before:
        if isinstance(piece, str):
            words.append(piece)
        else:
            ahead += [*_texts(words), piece]
            words = []
    return ahead, words


def _texts(before: Sequence[str]) -> tuple[Outbound, ...]:
    words = "\n\n".join(filter(None, before))
    if len(words) > MESSAGES_MOST * TEXT_LIMIT:
        raise FlowFault(f"{len(words)} characters are more than {MESSAGES_MOST} messages")
    return tuple(TextMessage(piece) for piece in split(words, TEXT_LIMIT))


def pages(count: int) -> list[range]:
    """Which options stand on which page: ten rows at most, one or two of them kept for turning pages."""
    if count <= ROWS_MOST:
        return [range(count)]
    found = [range(ROWS_MOST - 1)]
    while found[-1].stop < count:
        start = found[-1].stop
        last = count - start <= ROWS_MOST - 1
        found.append(range(start, count if last else start + ROWS_MOST - 2))
    return found


def page_shown(question: Question, shown: Sequence[str]) -> int:
    """Which page the customer has before them, told by the first option they saw."""
    if not isinstance(question, Choose) or not shown:
        return 0
    keys = [option_of(choice).key for choice in question.among]
    index = keys.index(shown[0]) if shown[0] in keys else 0
    return next(number for number, page in enumerate(pages(len(keys))) if index in page)


def _words_with_picture(before: Sequence[str], image: str) -> tuple[Outbound, ...]:
    words = "\n\n".join(filter(None, before))
    if not image:
        return _texts([words])
    if size(words) <= CAPTION_LIMIT:
        return (ImageMessage(image, words),)
    return (ImageMessage(image), *_texts([words]))


def _check_keys(options: Sequence[Option], place: str) -> None:
    if not options:
        raise FlowFault(f"{place}: Choose has no options; say so to the customer and End or Go instead")
    if len(options) > OPTIONS_MOST:
        raise FlowFault(f"{place}: {len(options)} options; at most {OPTIONS_MOST} can be offered")
    keys = {option.key for option in options}
    if len(keys) < len(options):
        raise FlowFault(f"{place}: two options have the same key")
    for key in keys:
        if (
            not key
            or key.startswith(PAGE_MARK)
            or size(f"{place}:{key}") > min(ROW_ID_LIMIT, BUTTON_ID_LIMIT)
        ):
            raise FlowFault(
                f"{place}: the option key {key[:40]!r} is empty, too long or begins with {PAGE_MARK}"
            )


def _fit_buttons(options: Sequence[Option]) -> bool:
    titles = {option.title for option in options}
    return (
        len(options) <= BUTTONS_MOST
        and len(titles) == len(options)  # Meta refuses two buttons with one title
        and all(size(o.title) <= BUTTON_TITLE_LIMIT and not o.description for o in options)
    )


def _buttons(text: str, before: Sequence[str], place: str, options: Sequence[Option]) -> Shown:
    first, body = _body(before, text, BUTTONS_BODY_LIMIT)
    buttons = tuple(Button(f"{place}:{option.key}", option.title) for option in options)
    return Shown((*first, ButtonsMessage(body, buttons)), tuple(option.key for option in options))


def _list(
    question: Choose[str], before: Sequence[str], place: str, options: Sequence[Option], page: int
) -> Shown:
    numbered = pages(len(options))
    page = min(page, len(numbered) - 1)
    here = [options[index] for index in numbered[page]]
    rows = [_row(place, option) for option in here]
    if page + 1 < len(numbered):
        rows.append(Row(f"{place}:{PAGE_MARK}{page + 1}", texts.VER_MAIS))
    if page > 0:
        rows.append(Row(f"{place}:{PAGE_MARK}{page - 1}", texts.VER_ANTERIORES))
    first, body = _body(before, question.text, LIST_BODY_LIMIT)
    message = ListMessage(body, shorten(question.button, LIST_BUTTON_LIMIT), tuple(rows))
    return Shown((*first, message), tuple(option.key for option in here))


def _row(place: str, option: Option) -> Row:
    title, description = option.title, option.description
    if size(title) > ROW_TITLE_LIMIT:  # the whole name still has to be readable somewhere
        description = _with_name(title, description)
    return Row(
        f"{place}:{option.key}", shorten(title, ROW_TITLE_LIMIT), shorten(description, ROW_DESCRIPTION_LIMIT)
    )


def _with_name(title: str, description: str) -> str:
    """The name before what is said of it; the name gives way, since a price cut in half is worse."""
    if not description:
        return title
    room = ROW_DESCRIPTION_LIMIT - size(f" · {description}")
    return f"{shorten(title, room)} · {description}" if room > ROW_TITLE_LIMIT else description


def _body(before: Sequence[str], text: str, limit: int) -> tuple[tuple[Outbound, ...], str]:
    """What has to go ahead in a message of its own, and the body of the question."""
    together = "\n\n".join(filter(None, [*before, text]))
    if size(together) <= limit:
        return (), together
    if size(text) <= limit:
        return _texts(before), text
    return _texts([*before, text]), texts.ESCOLHA
