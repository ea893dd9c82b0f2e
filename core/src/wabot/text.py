"""Words as people write them: comparing them, fitting them into limits, showing money."""

import re
import unicodedata

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def clean(words: str) -> str:
    """Somebody's words without what PostgreSQL or a screen cannot hold: control characters and lone surrogates."""
    if words.isprintable():  # nearly always, and ten times cheaper than to go through them
        return words
    return _CONTROL.sub("", words).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def fold(words: str) -> str:
    """The same words for comparing: no accents, no case, single spaces, no punctuation at the edges.

    >>> fold("  Cardápio!! ")
    'cardapio'
    """
    plain = unicodedata.normalize("NFKD", words).casefold()
    plain = " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())
    return _without_edges(plain) or plain  # "👍" is all edge, and is not "👎"


def _without_edges(plain: str) -> str:
    """Not a regular expression: `[\\W_]+$` takes quadratic time over a customer's thousands of "!"."""
    first = next((i for i, c in enumerate(plain) if c.isalnum()), len(plain))
    last = next((i for i in range(len(plain), first, -1) if plain[i - 1].isalnum()), first)
    return plain[first:last]


def size(words: str) -> int:
    """Length in UTF-16 units. Meta does not say how it counts; this is the strictest way in use for emoji."""
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


def _head(words: str, limit: int) -> str:
    """The longest beginning that fits into `limit` units, never half an emoji."""
    return words.encode("utf-16-le", "surrogatepass")[: 2 * limit].decode("utf-16-le", "ignore")


def shorten(words: str, limit: int) -> str:
    """The words, cut with an ellipsis so that they fit into `limit` UTF-16 units."""
    return words if size(words) <= limit else _head(words, limit - 1).rstrip() + "…"


def split(words: str, limit: int) -> list[str]:
    """The words in pieces of at most `limit` units, broken between lines or words where there are any.

    No piece is blank: Meta refuses a message without words.
    """
    pieces = []
    while size(words) > limit:
        head = _head(words, limit) or words[0]
        cut = _break(head)
        pieces.append(words[:cut].rstrip())
        words = words[cut:].lstrip()
    return [piece for piece in (*pieces, words) if piece.strip()]


def _break(head: str) -> int:
    """Where to break: after a line, else after a word, unless that would leave most of a (charged) piece empty."""
    for mark in ("\n", " "):
        cut = head.rfind(mark)
        if cut > len(head) // 4 and head[:cut].strip():
            return cut
    return len(head)


def reais(centavos: int) -> str:
    """Money as Brazilians read it. The only formatter.

    >>> reais(123456)
    'R$ 1.234,56'
    """
    sign = "-" if centavos < 0 else ""
    inteiros, resto = divmod(abs(centavos), 100)
    return f"{sign}R$ {inteiros:,}".replace(",", ".") + f",{resto:02d}"
