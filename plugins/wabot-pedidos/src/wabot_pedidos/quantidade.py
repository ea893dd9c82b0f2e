"""How many: a number as people type it."""

import re

from wabot import fold

_WORDS = {
    "um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7, "oito": 8,
    "nove": 9, "dez": 10, "onze": 11, "doze": 12, "quinze": 15, "vinte": 20, "meia duzia": 6, "uma duzia": 12,
    "duzia": 12, "um par": 2, "par": 2,
}  # fmt: skip
_POLITE = re.compile(
    r"^(?:eu )?(?:quero|queria|vou querer|me ve|pode ser|manda|so|apenas)\s+|\s+(?:por favor|pf|pfv)$"
)
_NUMBER = re.compile(
    r"(?P<number>\d{1,6}|"
    + "|".join(sorted(_WORDS, key=len, reverse=True))
    + r")(?:\s*(?:x|un|und|unid|unidades?|porcoes|porcao|pratos?|itens|item|copos?|garrafas?|latas?))?\.?"
)


def quantidade(words: str) -> int | None:
    """The number somebody means, or None. "2,5" and "-1" are no quantities.

    >>> [quantidade(words) for words in ("2", "quero duas", "meia dúzia", "3 unidades", "2,5")]
    [2, 2, 6, 3, None]
    """
    if "-" in words or "," in words:
        return None
    plain = _POLITE.sub("", _POLITE.sub("", fold(words)))
    match = _NUMBER.fullmatch(plain)
    if match is None:
        return None
    return _WORDS.get(match["number"]) or int(match["number"])
