"""Which chatbots' turns are quick enough to share a transaction."""

from wabot.tempo import Tempo


def paced(*turns, lock=0.001):
    tempo = Tempo()
    for turn in turns:
        for _ in range(10):
            tempo.locked(lock)
        tempo.taken(1, turn)
    return tempo


def test_a_chatbot_nobody_knows_yet_is_quick():
    assert Tempo().is_quick(1)


def test_turns_that_only_ask_the_database_are_quick():
    assert paced(*[0.004] * 50).is_quick(1)


def test_turns_that_wait_for_another_service_are_not():
    assert not paced(*[0.3] * 5).is_quick(1)
    assert paced(*[0.3] * 5).is_quick(2)


def test_after_one_slow_turn_it_takes_some_quick_ones_to_be_quick_again():
    assert not paced(*[0.004] * 50, 1).is_quick(1)
    assert paced(*[0.004] * 50, 1, *[0.004] * 10).is_quick(1)


def test_on_a_machine_where_everything_takes_long_turns_may_too():
    assert paced(*[0.4] * 50, lock=0.1).is_quick(1)
