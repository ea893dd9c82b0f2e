"""Phones: one person with and without the ninth digit, and what a log may hold."""

import pytest

from wabot.phone import canonical, digits

SAME = [
    ("a mobile of an old account", "553180000001", "5531980000001"),
    ("as people write it", "+55 (31) 98000-0001", "5531980000001"),
    ("with the ninth digit already", "5511980000004", "5511980000004"),
    ("area code 55 in the South", "555580000001", "5555980000001"),
    ("a landline never had one", "553132220001", "553132220001"),
    ("another country's number stays", "351912345678", "351912345678"),
    ("an area code cannot begin with 0", "550180000001", "550180000001"),
    ("nothing", "", ""),
]


@pytest.mark.parametrize(("phone", "expected"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_the_form_to_compare_by(phone, expected):
    assert canonical(phone) == expected
    assert canonical(expected) == expected


def test_only_the_digits_whatsapp_knows():
    assert digits("+55 (31) 98000-0001") == "5531980000001"
    assert digits("٣1") == "1"
