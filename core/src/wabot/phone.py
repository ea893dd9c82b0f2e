"""Phone numbers: the digits WhatsApp uses, and the form they are compared in."""

import re

_NINTH_MISSING = re.compile(r"55([1-9][0-9])([6-9][0-9]{7})")


def digits(phone: str) -> str:
    """Only the digits: `+55 (31) 98000-0001` → `5531980000001`."""
    return re.sub(r"[^0-9]", "", phone)


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
