"""Cells of the old database: money, times and text as PostgreSQL and SQLite hand them over."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from wabot.legacy.values import Unfit, centavos, document, moment, words

SAO_PAULO = ZoneInfo("America/Sao_Paulo")


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (Decimal("29.90"), 2990),
        (29.9, 2990),  # SQLite's REAL, which is not quite 29.9
        ("7.90", 790),
        (12, 1200),
        (0, 0),
        (Decimal("0.10"), 10),
    ],
)
def test_reais_become_centavos(told, kept):
    assert centavos(told) == kept


@pytest.mark.parametrize("told", [-1, "1.234", "abc", None, "NaN", "Infinity", 1e12])
def test_what_is_no_price_is_said_to_be_none(told):
    with pytest.raises(Unfit, match="preço"):
        centavos(told)


def test_a_time_without_a_zone_is_the_shops():
    assert moment("2025-03-01 12:00:00", SAO_PAULO) == datetime(2025, 3, 1, 15, tzinfo=UTC)
    assert moment(datetime(2025, 3, 1, 12), SAO_PAULO) == datetime(2025, 3, 1, 15, tzinfo=UTC)  # noqa: DTZ001


def test_a_time_with_one_keeps_it():
    told = datetime(2025, 3, 1, 15, tzinfo=UTC)
    assert moment(told, SAO_PAULO) == told


@pytest.mark.parametrize("told", [None, "ontem", 3])
def test_what_is_no_time_is_said_to_be_none(told):
    with pytest.raises(Unfit, match="data"):
        moment(told, SAO_PAULO)


def test_text_loses_what_postgresql_refuses():
    assert words(" a\0b ", 10) == "ab"
    assert words(None, 10) == ""
    assert words("abc", 2) == "ab"


@pytest.mark.parametrize("told", ["[]", "{", None, 3])
def test_content_is_an_object(told):
    with pytest.raises(Unfit, match="JSON"):
        document(told)
