"""What Meta sent about a person, found and cut out without touching what it says of others."""

import msgspec
import pytest

from wabot.privacy.traces import apart, pattern

ANA, BIA = "5531980000001", "5531980000002"


def names(*ids):
    return pattern(ids)


@pytest.mark.parametrize(
    ("raw", "taken", "rest"),
    [
        ({"people": [{"wa_id": ANA}, {"wa_id": BIA}]}, [{"wa_id": ANA}], {"people": [{"wa_id": BIA}]}),
        ({"people": [{"who": {"wa_id": ANA}, "x": 1}]}, [{"who": {"wa_id": ANA}, "x": 1}], {"people": []}),
        (
            {"entry": [{"id": "1", "messages": [{"from": ANA}, 7]}]},
            [{"from": ANA}],
            {"entry": [{"id": "1", "messages": [7]}]},
        ),
        ({"people": [{"input": f"+{ANA}"}, None]}, [{"input": f"+{ANA}"}], {"people": [None]}),
        ({"list": [int(ANA), 3]}, [int(ANA)], {"list": [3]}),
    ],
)
def test_an_element_of_a_list_that_names_somebody_is_taken_out_alone(raw, taken, rest):
    about, left = apart(msgspec.json.encode(raw), names(ANA))
    assert about == taken
    assert msgspec.json.decode(left) == rest


@pytest.mark.parametrize(
    "raw", [b'{"from": "5531980000001", "text": "oi"}', b"not json 5531980000001", b'{"5531980000001": []}']
)
def test_what_cannot_be_divided_goes_whole(raw):
    about, left = apart(raw, names(ANA))
    assert len(about) == 1
    assert left is None


@pytest.mark.parametrize("longer", ["15531980000001", "55319800000012", "BR.5531980000001"])
def test_a_part_of_a_longer_id_names_nobody(longer):
    assert not names(ANA).search(longer)


def test_a_user_id_that_begins_like_another_is_another():
    assert not names("BR.123").search('"BR.1234"')
    assert names("BR.123").search('"BR.123"')


def test_a_text_written_to_be_unreadable_goes_whole():
    _, left = apart(b'{"a":' * 5000 + b'"5531980000001"' + b"}" * 5000, names(ANA))
    assert left is None
