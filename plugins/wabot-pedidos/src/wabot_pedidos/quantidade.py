"""How many: a number as people type it."""

import re

from wabot import fold

_WORDS = {
    "um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7, "oito": 8,
    "nove": 9, "dez": 10, "onze": 11, "doze": 12, "treze": 13, "quatorze": 14, "catorze": 14, "quinze": 15,
    "dezesseis": 16, "dezessete": 17, "dezoito": 18, "dezenove": 19, "vinte": 20, "trinta": 30, "quarenta": 40,
    "cinquenta": 50, "cem": 100, "meia duzia": 6, "uma duzia": 12, "duzia": 12, "duas duzias": 24, "um par": 2,
    "par": 2,
}  # fmt: skip
_NO_COUNT = re.compile(r"[-−–]\s*\d|\d\s*,\s*\d")
"""A minus or a decimal comma: "-1" and "2,5" are no quantities, "meia-dúzia" and "duas, por favor" are."""
_POLITE = re.compile(
    r"^(?:eu )?(?:quero|queria|vou querer|me ve|pode ser|manda|so|apenas)\s+|\s+(?:por favor|pf|pfv)$"
)
_NUMBER = re.compile(
    r"(?P<number>\d{1,6}|"
    + "|".join(sorted(_WORDS, key=len, reverse=True))
    + r")(?:\s*(?:x|un|und|unid|unidades?|porcoes|porcao|pratos?|itens|item|copos?|garrafas?|latas?))?\.?"
)


def quantidade(words: str, produto: str = "") -> int | None:
    """The number somebody means, or None; they may name the `produto` they were asked about.

    >>> [quantidade(words) for words in ("2", "quero duas", "meia dúzia", "3 unidades", "2,5")]
    [2, 2, 6, 3, None]
    >>> quantidade("duas feijoadas, por favor", "Feijoada")
    2
    """
    if _NO_COUNT.search(words):
        return None
    plain = fold(re.sub(r"[-,]", " ", words))
    plain = _POLITE.sub("", _POLITE.sub("", plain))
    if produto:
        named = fold(re.sub(r"[-,]", " ", produto))
        plain = re.sub(rf"\s+(?:de )?{re.escape(named)}s?$", "", plain)
    match = _NUMBER.fullmatch(plain)
    if match is None:
        return None
    return _WORDS.get(match["number"]) or int(match["number"])
