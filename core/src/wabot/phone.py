"""Phone numbers: the digits WhatsApp uses, the form they are compared in, and what people in Brazil write."""

import re

_AREA = "(?:1[1-9]|2[12478]|3[1-578]|4[1-9]|5[1345]|6[1-9]|7[134579]|8[1-9]|9[1-9])"
"""The 67 area codes (DDD) that Anatel has given out."""
_NINTH_MISSING = re.compile(rf"55({_AREA})([6-9][0-9]{{7}})")
_NINTH_WRITTEN = re.compile(rf"55({_AREA})9([6-9][0-9]{{7}})")

# As one dials inside the country: 0, perhaps a carrier's two digits, area code, subscriber.
_NATIONAL = re.compile(rf"(?:0(?:[1-9][0-9])??)?({_AREA}(?:9[0-9]{{8}}|[2-9][0-9]{{7}}))")


def digits(phone: str) -> str:
    """Only the digits: `+55 (31) 98000-0001` → `5531980000001`."""
    return phone if phone.isdecimal() and phone.isascii() else re.sub(r"[^0-9]", "", phone)


def international(written: str) -> str:
    """The digits of a number as somebody in Brazil wrote it, country code first; empty if WhatsApp cannot have it.

    What begins with `+` or `00` is taken at its word. A number without country code is a Brazilian one.

    >>> international("(31) 98000-0001"), international("0 15 31 98000-0001"), international("+351 912 345 678")
    ('5531980000001', '5531980000001', '351912345678')
    >>> international("0800 123 4567")
    ''
    """
    plain = digits(written)
    if written.lstrip().startswith("+") or plain.startswith("00"):
        return plain.lstrip("0")
    if match := _NATIONAL.fullmatch(plain):
        return f"55{match[1]}"
    return "" if plain.startswith("0") else plain


def canonical(phone: str) -> str:
    """The form to compare by. WhatsApp keeps many Brazilian mobiles without the ninth digit; people write it.

    >>> canonical("55 31 8000-0001") == canonical("+55 31 98000-0001")
    True
    >>> canonical("55 31 3222-0001")  # a landline never had one
    '553132220001'
    """
    plain = digits(phone)
    match = _NINTH_MISSING.fullmatch(plain)
    return f"55{match[1]}9{match[2]}" if match else plain


def other_form(wa_id: str) -> str:
    """A Brazilian mobile with its ninth digit if it lacks it, without if it has it; empty for any other number.

    >>> other_form("553180000001"), other_form("5531980000001"), other_form("553132220001")
    ('5531980000001', '553180000001', '')
    """
    plain = digits(wa_id)
    if match := _NINTH_WRITTEN.fullmatch(plain):
        return f"55{match[1]}{match[2]}"
    return canonical(plain) if _NINTH_MISSING.fullmatch(plain) else ""
