"""Which of PostgreSQL's errors mean that it is away, which that a person must act, and which are a plugin's own."""

import asyncpg
import pytest

from wabot.db.away import Refused, away, is_away
from wabot.errors import Away

CODES = [
    ("08006", "não responde", "the connection broke"),
    ("57P01", "não responde", "the server is being stopped"),
    ("57P02", "não responde", "it crashed"),
    ("57P03", "não responde", "it is starting"),
    ("25006", "somente para leitura", "a failover"),
    ("53300", "max_connections", "too many connections"),
    ("53100", "disco", "its disk is full"),
    ("28P01", "usuário ou a senha", "the password is wrong"),
    ("28000", "usuário ou a senha", "the user may not come in from here"),
    ("3D000", "não existe", "there is no such database"),
]
OWN = [
    ("57014", "a query was cancelled, by a time limit of the plugin's"),
    ("23505", "a duplicate key"),
    ("42P01", "no such table"),
    ("40P01", "a deadlock"),
    ("WB001", "the fence"),
]


def raised(code):
    return asyncpg.PostgresError.new({"C": code, "M": "x"})


@pytest.mark.parametrize(("code", "words", "what"), CODES, ids=[what for *_, what in CODES])
def test_it_is_away(code, words, what):
    assert is_away(raised(code))
    told = away(raised(code))
    assert words in str(told)
    assert isinstance(told, Refused) == (code[:2] in ("28", "3D"))


@pytest.mark.parametrize(("code", "what"), OWN, ids=[what for _, what in OWN])
def test_it_is_somebodys_own_fault(code, what):
    assert not is_away(raised(code))


def test_a_connection_that_is_closed_is_away_and_one_that_is_used_wrongly_is_not():
    assert is_away(asyncpg.InterfaceError("connection is closed"))
    assert is_away(asyncpg.InterfaceError("pool is closing"))
    assert not is_away(asyncpg.InterfaceError("the server expects 1 argument for this query, 0 were passed"))
    assert not is_away(asyncpg.exceptions._base.DataError("invalid input for query argument $1"))


def test_a_plugins_own_connection_trouble_is_its_own():
    assert not is_away(ConnectionRefusedError())
    assert not is_away(TimeoutError())


def test_what_was_told_once_keeps_its_words():
    assert away(Away("Isto.")).args == ("Isto.",)
