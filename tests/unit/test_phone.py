"""Phones: one person with and without the ninth digit, what people in Brazil write, and what a log may hold."""

import itertools
import re

import pytest

from wabot.phone import canonical, digits, international, other_form

SAME = [
    ("a mobile of an old account", "553180000001", "5531980000001"),
    ("as people write it", "+55 (31) 98000-0001", "5531980000001"),
    ("with the ninth digit already", "5511980000004", "5511980000004"),
    ("area code 55 in the South", "555580000001", "5555980000001"),
    ("a landline never had one", "553132220001", "553132220001"),
    ("another country's number stays", "351912345678", "351912345678"),
    ("an area code cannot begin with 0", "550180000001", "550180000001"),
    ("an area code that was never given out", "552380000001", "552380000001"),
    ("nothing", "", ""),
]

AREAS = re.findall(
    r"\d\d",
    "11 12 13 14 15 16 17 18 19 21 22 24 27 28 31 32 33 34 35 37 38 41 42 43 44 45 46 47 48 49 51 53 54 55 61 62 63 64"
    " 65 66 67 68 69 71 73 74 75 77 79 81 82 83 84 85 86 87 88 89 91 92 93 94 95 96 97 98 99",
)

AS_WRITTEN = [
    "+55 {area} {number}", "+55 ({area}) {number}", "55{area}{number}", "0055 {area} {number}", "({area}) {number}",
    "{area} {number}", "0{area} {number}", "(0{area}) {number}", "0 15 {area} {number}", "0xx{area} {number}",
    "021{area}{number}", " {area}.{number} ", "{area}-{number}",
]  # fmt: skip


@pytest.mark.parametrize(("phone", "expected"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_the_form_to_compare_by(phone, expected):
    assert canonical(phone) == expected
    assert canonical(expected) == expected


def test_only_the_digits_whatsapp_knows():
    assert digits("+55 (31) 98000-0001") == "5531980000001"
    assert digits("٣1") == "1"


def test_there_are_67_area_codes():
    assert len(set(AREAS)) == 67


@pytest.mark.parametrize("written", AS_WRITTEN)
def test_a_mobile_is_one_number_however_it_is_written(written):
    for area, first in itertools.product(AREAS, "6789"):
        short, long = f"{first}123-4567", f"9{first}123-4567"
        met = {canonical(international(written.format(area=area, number=number))) for number in (short, long)}
        assert met == {f"55{area}9{first}1234567"}


@pytest.mark.parametrize("written", AS_WRITTEN)
def test_a_landline_gets_no_ninth_digit(written):
    for area, first in itertools.product(AREAS, "2345"):
        number = international(written.format(area=area, number=f"{first}123-4567"))
        assert number == canonical(number) == f"55{area}{first}1234567"
        assert other_form(number) == ""


def test_a_mobile_has_one_other_form_and_that_has_this_one():
    for area in AREAS:
        long, short = f"55{area}981234567", f"55{area}81234567"
        assert (other_form(long), other_form(short)) == (short, long)
        assert canonical(long) == canonical(short)


def test_a_mobile_that_never_lacked_the_ninth_digit_has_no_other_form():
    assert other_form("5511932220001") == "", "without it, this is somebody's landline"


def test_an_area_code_nobody_has_is_left_as_it_is():
    for area in {f"{n:02d}" for n in range(100)} - set(AREAS):
        assert canonical(f"55{area}81234567") == f"55{area}81234567"
        assert other_form(f"55{area}81234567") == ""


NOT_BRAZILIAN = [
    ("with a plus, another country", "+51 999 990 001", "51999990001"),
    ("dialled abroad", "00 351 912 345 678", "351912345678"),
    ("with its country code", "351912345678", "351912345678"),
    ("free of charge", "0800 123 4567", ""),
    ("a premium number", "0300 123 4567", ""),
    ("an emergency", "190", "190"),
    ("a short code", "4004-1234", "40041234"),
    ("nothing", "", ""),
    ("words", "não tenho", ""),
]


@pytest.mark.parametrize(
    ("written", "expected"), [row[1:] for row in NOT_BRAZILIAN], ids=[row[0] for row in NOT_BRAZILIAN]
)
def test_what_is_no_subscriber_in_brazil_is_left_alone_or_refused(written, expected):
    assert international(written) == expected
    assert canonical(international(written)) == expected
