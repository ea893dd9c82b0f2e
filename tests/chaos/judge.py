"""What the customers said and heard, and the verdict: lost, answered twice, out of order. Pure."""

import itertools
import re
from collections import Counter, defaultdict

import msgspec

_ANSWER = re.compile(r"turno=(?P<turn>\d+)&parte=(?P<part>\d+)/(?P<parts>\d+)&ouvi=(?P<heard>\S+)")


class Said(msgspec.Struct):
    """One message of a customer. Moments are seconds of one clock; `accepted` None: the platform never said 200."""

    customer: str
    words: str
    posted: float
    accepted: float | None = None


class Heard(msgspec.Struct, frozen=True):
    """One message that Meta accepted from the bot. `turn` counts the turns of the conversation, from 0."""

    customer: str
    at: float
    turn: int
    part: int
    parts: int
    words: str


class Verdict(msgspec.Struct):
    """The counts that must be zero, and how many there were of what."""

    accepted: int = 0
    answered: int = 0
    lost: list[str] = []
    twice: list[str] = []
    disorder: list[str] = []
    longest_stall: float = 0.0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.twice or self.disorder)


def heard(customer: str, at: float, text: str) -> Heard | None:
    """What the bot under test said; None if it said something else (an apology, say)."""
    match = _ANSWER.search(text)
    if match is None:
        return None
    turn, part, parts = (int(match[name]) for name in ("turn", "part", "parts"))
    return Heard(customer, at, turn, part, parts, match["heard"])


def judge(said: list[Said], answers: list[Heard]) -> Verdict:
    """Every accepted message is answered, once, in order; `answers` are in the order in which Meta took them."""
    verdict = Verdict(accepted=sum(one.accepted is not None for one in said))
    theirs: dict[str, list[Heard]] = defaultdict(list)
    for answer in answers:
        theirs[answer.customer].append(answer)
    people: dict[str, list[Said]] = defaultdict(list)
    for one in said:
        people[one.customer].append(one)
    for customer, messages in people.items():
        _judge_one(customer, messages, theirs[customer], verdict)
    return verdict


def _judge_one(customer: str, said: list[Said], answers: list[Heard], verdict: Verdict) -> None:
    whole = {answer.words: answer for answer in answers if answer.part == answer.parts}
    for one in said:
        if one.words in whole:
            verdict.answered += 1
            verdict.longest_stall = max(verdict.longest_stall, whole[one.words].at - one.posted)
        elif one.accepted is not None:
            verdict.lost.append(f"{customer} {one.words}")
    counted = Counter((answer.words, answer.part) for answer in answers)
    verdict.twice += [
        f"{customer} {words} {part} × {count}" for (words, part), count in counted.items() if count > 1
    ]
    verdict.disorder += [f"{customer} {why}" for why in _disorder(said, answers)]


def _disorder(said: list[Said], answers: list[Heard]) -> list[str]:
    found = []
    places = [(answer.turn, answer.part) for answer in _once(answers)]
    for before, after in itertools.pairwise(places):
        if after <= before:
            found.append(f"turn {after} was heard after {before}")
    for turn, words in _twice_counted(answers):
        found.append(f"turn {turn} answers {words}")
    turns = {answer.words: answer.turn for answer in answers}
    known = sorted((one for one in said if one.words in turns and one.accepted), key=lambda one: one.posted)
    for older, newer in itertools.pairwise(known):
        # only what was stored before the other was even written had to be answered first
        if older.accepted and older.accepted < newer.posted and turns[older.words] > turns[newer.words]:
            found.append(f"{newer.words} was answered before {older.words}")
    return found


def _once(answers: list[Heard]) -> list[Heard]:
    """Without repetitions, which are counted as such."""
    seen: set[tuple[int, int]] = set()
    first = []
    for answer in answers:
        if (answer.turn, answer.part) not in seen:
            seen.add((answer.turn, answer.part))
            first.append(answer)
    return first


def _twice_counted(answers: list[Heard]) -> list[tuple[int, str]]:
    """Turns whose number answers more than one message: two workers took them from the same state."""
    words: dict[int, set[str]] = defaultdict(set)
    for answer in answers:
        words[answer.turn].add(answer.words)
    return [(turn, " and ".join(sorted(several))) for turn, several in words.items() if len(several) > 1]
