"""The judge of the chaos run: what it must find, and what it must not call a fault."""

import pytest
from tests.chaos.judge import Heard, Said, heard, judge


def said(words, posted=0.0, accepted=0.1):
    return Said("Ana", words, posted, accepted)


def answer(turn, words, part=1, parts=1, at=1.0):
    return Heard("Ana", at, turn, part, parts, words)


TWO = [said("oi"), said("m1", 1.0, 1.1)]


def test_what_was_accepted_and_answered_once_in_order_is_clean():
    verdict = judge(TWO, [answer(0, "oi"), answer(1, "m1", 1, 2), answer(1, "m1", 2, 2)])
    assert verdict.clean
    assert (verdict.accepted, verdict.answered) == (2, 2)


def test_the_longest_stall_is_from_writing_to_the_last_part_of_the_answer():
    verdict = judge([said("oi", 2.0)], [answer(0, "oi", 1, 2, at=5.0), answer(0, "oi", 2, 2, at=9.0)])
    assert verdict.longest_stall == 7.0


@pytest.mark.parametrize(
    ("messages", "answers", "what"),
    [
        pytest.param(TWO, [answer(0, "oi")], "lost", id="accepted and never answered"),
        pytest.param([said("oi")], [answer(0, "oi", 1, 2)], "lost", id="only half an answer"),
        pytest.param([said("oi")], [answer(0, "oi")] * 2, "twice", id="the same answer twice"),
        pytest.param([said("oi")], [answer(0, "oi"), answer(1, "oi")], "twice", id="one message, two turns"),
        pytest.param(TWO, [answer(1, "m1"), answer(0, "oi")], "disorder", id="answers change places"),
        pytest.param(
            [said("oi")], [answer(0, "oi", 2, 2), answer(0, "oi", 1, 2)], "disorder", id="parts change places"
        ),
        pytest.param(TWO, [answer(0, "m1"), answer(1, "oi")], "disorder", id="the newer one first"),
        pytest.param(TWO, [answer(0, "oi"), answer(0, "m1")], "disorder", id="two turns from one state"),
    ],
)
def test_what_must_not_happen_is_found(messages, answers, what):
    verdict = judge(messages, answers)
    assert getattr(verdict, what)
    assert not verdict.clean


def test_what_was_never_accepted_need_not_be_answered():
    assert judge([said("oi", accepted=None)], []).clean


def test_messages_that_were_on_their_way_together_may_be_taken_in_either_order():
    together = [said("m1", 0.0, 0.5), said("m2", 0.1, 0.4)]
    assert judge(together, [answer(0, "m2"), answer(1, "m1")]).clean


def test_the_answers_of_the_bot_under_test_are_read_from_text_and_picture():
    assert heard("Ana", 1.0, "https://loja.example/turno=2&parte=1/2&ouvi=m5") == answer(2, "m5", 1, 2)
    assert heard("Ana", 1.0, "Tivemos um problema por aqui") is None
