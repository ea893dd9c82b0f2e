"""Whom a request is about: every cliente they are known as, their conversas, the ids by which others may name them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.phone import canonical, digits, international, other_form

SHORTEST_PHONE = 8

CLIENTES = """
SELECT cliente.*, conversa.id AS conversa FROM cliente JOIN conversa ON conversa.cliente = cliente.id
WHERE cliente.chatbot = $1 AND coalesce(mesclado_em, cliente.id)
    = (SELECT coalesce(mesclado_em, id) FROM cliente WHERE id = $2 AND chatbot = $1)
ORDER BY mesclado_em NULLS FIRST, cliente.id
"""
IDENTIFIERS = "SELECT kind, value FROM identifier WHERE cliente = ANY ($1)"

CURRENT = {"bsuid": "bsuid", "parent_bsuid": "parent_bsuid", "wa_id": "wa_id", "telefone": "wa_id"}
"""The columns of a cliente that hold an id, and what kind of identifier it is."""


class NoSuchCliente(WabotError):
    """The chatbot has no such cliente (any more)."""


class Subject(msgspec.Struct, frozen=True):
    """Who a request is about. Of clientes that were merged all are meant, and the one who goes on comes first."""

    chatbot: int
    clientes: tuple[int, ...]
    conversas: tuple[int, ...]
    identifiers: frozenset[tuple[str, str]]
    """Kind and value; a phone in its canonical form."""
    accepts: bool
    """Marketing, as it stands."""

    @property
    def known_as(self) -> frozenset[str]:
        """What names them in a text of Meta's: user ids, and every form of every number."""
        return frozenset(
            form
            for kind, value in self.identifiers
            for form in (_forms(value) if kind == "wa_id" else (value,))
        )


async def find(chatbot: int, cliente: int) -> Subject:
    """By any of the clientes they are known as. Raises NoSuchCliente."""
    rows = await DB.fetch(CLIENTES, chatbot, cliente) if 0 < cliente < 2**63 else []
    if not rows:
        raise NoSuchCliente(f"O chatbot {chatbot} não tem o cliente {cliente}.")
    clientes = tuple(row["id"] for row in rows)
    older = {(row["kind"], row["value"]) for row in await DB.fetch(IDENTIFIERS, clientes)}
    return Subject(
        chatbot,
        clientes,
        tuple(row["conversa"] for row in rows),
        frozenset(older.union(*map(identifiers_of, rows))),
        bool(rows[0]["aceita_marketing"]),
    )


def identifiers_of(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The ids that stand in a cliente's own row."""
    for column, kind in CURRENT.items():
        value = row[column] or ""
        if kind == "wa_id":
            value = canonical(international(value) if column == "telefone" else value)
        if len(value) >= SHORTEST_PHONE or (value and kind != "wa_id"):
            yield kind, value


def _forms(phone: str) -> Iterable[str]:
    return filter(None, (digits(phone), canonical(phone), other_form(phone)))
