"""People who were erased and did not accept marketing: a business that adds them again cannot make them accept it.

Nothing is left of them but keyed digests of their ids. Whoever is added is looked for among those.
"""

from collections import defaultdict
from collections.abc import Collection

from wabot.db.engine import DB
from wabot.digests import DIGESTS

REFUSED = """
SELECT chatbot, unnest(identificadores) AS digest FROM apagamento
WHERE recusou AND chatbot IN (SELECT chatbot FROM cliente WHERE id = ANY ($1))
"""
IDENTIFIERS = "SELECT chatbot, cliente, kind, value FROM identifier WHERE cliente = ANY ($1)"


async def refused(clientes: Collection[int]) -> set[int]:
    """Which of these clientes were erased once, not accepting marketing."""
    digests: dict[int, set[bytes]] = defaultdict(set)
    for row in await DB.fetch(REFUSED, list(clientes)):
        digests[row["chatbot"]].add(row["digest"])
    found = set[int]()
    for chatbot, known in digests.items():
        rows = [row for row in await DB.fetch(IDENTIFIERS, list(clientes)) if row["chatbot"] == chatbot]
        theirs = await DIGESTS.of(chatbot, ((row["kind"], row["value"]) for row in rows))
        found |= {row["cliente"] for row, digest in zip(rows, theirs, strict=True) if digest in known}
    return found
