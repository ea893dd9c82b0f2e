"""The audit trail: who changed what, from where and when. Written with the change, and never rewritten."""

from collections.abc import Collection, Iterable, Mapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Literal

import msgspec

from wabot.db.engine import DB

MOST = 200
"""Entries in one page."""


class Actor(msgspec.Struct, frozen=True):
    """Who acts: a person in the browser, a program with a token, whoever sits at the command line, or wabot itself."""

    kind: Literal["pessoa", "token", "terminal", "sistema"]
    id: int | None = None
    name: str = ""
    """As people know it: an e-mail, the token's name, the account at the command line."""
    address: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One line of the trail."""

    id: int
    em: datetime
    quem: str
    quem_tipo: str
    quem_id: int | None
    endereco: str
    acao: str
    objeto: str
    objeto_id: str
    chatbot: int | None
    campos: dict[str, Any]


_WABOT = Actor("sistema")
_actor: ContextVar[Actor] = ContextVar("actor", default=_WABOT)


def acting(actor: Actor) -> None:
    """From here on, in this task, what is recorded was done by `actor`."""
    _actor.set(actor)


def acts() -> str:
    """Who acts in this task, as proof of what they did has it: `token erp`, `pessoa ana@example.com`."""
    actor = _actor.get()
    return " ".join(filter(None, [actor.kind, actor.name]))


async def record(
    acao: str,
    objeto: str,
    id: int | str,
    *,
    chatbot: int | None = None,
    campos: Mapping[str, Any] | Iterable[str] = (),
) -> None:
    """Note a change in the transaction that makes it: both are committed, or neither.

    `campos`: the names of the changed fields; a mapping keeps their new values too. The trail cannot be corrected or
    erased, so no secret and nothing about a cliente may be among the values. Raises RuntimeError outside a transaction.
    """
    if not DB.transaction_exists():
        raise RuntimeError("audit.record belongs in the transaction of the change")
    changed = dict(campos) if isinstance(campos, Mapping) else dict.fromkeys(campos)
    who = _actor.get()
    await DB.execute(
        """INSERT INTO auditoria (quem_tipo, quem_id, quem, endereco, acao, objeto, objeto_id, chatbot, campos)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        who.kind,
        who.id,
        who.name,
        who.address,
        acao,
        objeto,
        str(id),
        chatbot,
        msgspec.json.encode(changed).decode(),
    )


async def entries(
    chatbots: Collection[int] | None = None, *, before: int | None = None, limit: int = 50
) -> list[Entry]:
    """The newest entries first, of these chatbots or of everything; `before` an id, for the next page."""
    rows = await DB.fetch(
        """SELECT * FROM auditoria WHERE ($1::int[] IS NULL OR chatbot = ANY ($1)) AND ($2::bigint IS NULL OR id < $2)
           ORDER BY id DESC LIMIT $3""",
        None if chatbots is None else list(chatbots),
        before,
        min(limit, MOST),
    )
    return [_entry(row) for row in rows]


def _entry(row: Any) -> Entry:
    fields = {name: row[name] for name in Entry.__struct_fields__}
    return Entry(**fields | {"campos": msgspec.json.decode(row["campos"])})
