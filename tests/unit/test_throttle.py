"""How long somebody waits who has guessed too often, in words."""

from datetime import timedelta

import pytest

from wabot.throttle import PER_EMAIL, Bucket, TooManyTries


@pytest.mark.parametrize(
    ("wait", "said"), [(0.2, "1 minuto "), (60, "1 minuto "), (61, "2 minutos "), (180, "3 minutos ")]
)
def test_the_wait_is_told_in_whole_minutes_and_never_too_few(wait, said):
    assert f"Espere {said}" in str(TooManyTries(timedelta(seconds=wait)))


def test_a_bucket_is_as_deep_as_the_tries_it_allows_at_once():
    assert Bucket("x", tries=5, every=timedelta(minutes=3)).depth == timedelta(minutes=15)


def test_what_was_typed_is_not_kept_and_one_bucket_is_not_another():
    key = PER_EMAIL.key("ana@loja.com.br")
    assert b"ana" not in key
    assert key != Bucket("address", 1, timedelta(1)).key("ana@loja.com.br")
