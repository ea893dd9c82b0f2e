"""Cells of the old database as wabot keeps them. All raise Unfit, whose sentence goes into the report."""

import json
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from wabot.errors import WabotError

MOST_CENTAVOS = 2**31 - 1


class Unfit(WabotError):
    """A row of the old database that cannot be taken over; the text says why."""


def centavos(value: Any) -> int:
    """A decimal number of reais, as PostgreSQL or SQLite hands it over.

    >>> centavos(Decimal("29.90")), centavos(7.9), centavos("12")
    (2990, 790, 1200)
    """
    try:
        exact = Decimal(str(value)) * 100
        whole = int(exact)
    except (InvalidOperation, ValueError, OverflowError):
        raise Unfit(f"o valor {value!r} não é um preço") from None
    if exact != whole or not 0 <= whole <= MOST_CENTAVOS:
        raise Unfit(f"o valor {value} não é um preço em reais e centavos")
    return whole


def moment(value: Any, zone: tzinfo) -> datetime:
    """A time; one without a zone was told in `zone`."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Unfit(f"{value!r} não é uma data") from None
    if not isinstance(value, datetime):
        raise Unfit("não tem data")
    return value if value.tzinfo else value.replace(tzinfo=zone)


def words(value: Any, most: int) -> str:
    """Text without what PostgreSQL refuses, not longer than is kept here."""
    return str(value if value is not None else "").replace("\0", "").strip()[:most]


def document(value: Any) -> dict[str, Any]:
    """A JSON object: PostgreSQL and SQLite both hand it over as text."""
    try:
        found = json.loads(value) if isinstance(value, str | bytes) else value
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Unfit("o conteúdo não é um objeto JSON")
    return found
