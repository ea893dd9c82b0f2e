"""Meta's signature: our vectors, and what must not pass for one."""

import json
from pathlib import Path

import pytest

from wabot.whatsapp.signature import is_signed, sign

SAMPLES = Path(__file__).parents[1] / "payloads/samples/composed"
VECTORS = [
    (vector["secret"], vector["raw_body"].encode(), vector["x_hub_signature_256"])
    for vector in json.loads((SAMPLES / "vectors__signature.json").read_bytes())
]
SECRET, BODY, HEADER = VECTORS[0]


def test_the_vectors_are_those_computed_by_hand():
    assert HEADER == "sha256=dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"


@pytest.mark.parametrize(("secret", "body", "header"), VECTORS)
def test_a_vector_is_signed_by_its_secret(secret, body, header):
    assert sign(secret, body) == header
    assert is_signed(secret, body, header)


REFUSED = [
    ("another secret", "otro_secreto", BODY, HEADER),
    ("a space more in the body", SECRET, BODY + b" ", HEADER),
    ("no header", SECRET, BODY, ""),
    ("a header without its prefix", SECRET, BODY, HEADER.removeprefix("sha256=")),
    ("the legacy SHA-1", SECRET, BODY, "sha1=" + "0" * 40),
    ("a digit short", SECRET, BODY, HEADER[:-1]),
    ("a digit long", SECRET, BODY, HEADER + "0"),
    ("letters beyond f", SECRET, BODY, "sha256=" + "g" * 64),
    ("digits that are not ASCII", SECRET, BODY, "sha256=" + "٣" * 64),
    ("two headers in one", SECRET, BODY, f"{HEADER},{HEADER}"),
]


@pytest.mark.parametrize(
    ("secret", "body", "header"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_is_not_signed(secret, body, header):
    assert not is_signed(secret, body, header)


def test_the_case_of_the_digits_does_not_matter():
    assert is_signed(SECRET, BODY, HEADER.upper().replace("SHA256", "sha256"))
