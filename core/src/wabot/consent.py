"""Consent to marketing: a ledger of who agreed or withdrew, when, how and in which words.

Rows are only ever added (LGPD, art. 8: consent must be provable). The database moves `cliente.aceita_marketing` with
them: what was said last decides, whatever arrives last. A service reply stays allowed after a stop.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from wabot import audit, optouts
from wabot.db.engine import DB

STOPPED = 131050
"""Meta's code for: this person has stopped marketing from you. Never try again."""
WORDING_MOST = 1000

# Nobody can have said something in the future: it would outweigh all that follows.
RECORD = """
INSERT INTO consent (chatbot, cliente, accepts, who, how, wording, source, at)
SELECT DISTINCT chatbot, coalesce(mesclado_em, id), $2::boolean, $3, $4, $5, $6, least(coalesce($7, now()), now())
FROM cliente WHERE id = ANY ($1) ORDER BY 2 ON CONFLICT DO NOTHING
"""

# `wabot:ID` is what Meta gives back with every status, so that the answer to a POST and a status are one refusal.
STOP = """
INSERT INTO consent (chatbot, cliente, accepts, who, how, source, at)
SELECT outbox.chatbot, coalesce(mesclado_em, cliente.id), false, 'cliente', 'recusa da Meta (131050)',
    'wabot:' || outbox.id, least(told.at, now())
FROM unnest($1::bigint[], $2::timestamptz[]) AS told (message, at)
JOIN outbox ON outbox.id = message JOIN conversa ON conversa.id = conversa
JOIN cliente ON cliente.id = conversa.cliente
ORDER BY 2 ON CONFLICT DO NOTHING
"""

LEDGER = """
SELECT accepts, who, how, wording, at, consent.cliente FROM consent JOIN cliente ON cliente.id = consent.cliente
WHERE cliente.chatbot = $1 AND coalesce(mesclado_em, cliente.id)
    = (SELECT coalesce(mesclado_em, id) FROM cliente WHERE id = $2 AND chatbot = $1)
ORDER BY at, consent.id
"""


class Entry(msgspec.Struct, frozen=True):
    """That somebody agreed to marketing or withdrew, and the proof of it."""

    at: datetime
    accepts: bool
    who: str
    how: str
    wording: str
    cliente: int


async def ledger(chatbot: int, cliente: int) -> list[Entry]:
    """What a person has said, oldest first, under whichever of the clientes that were merged into one."""
    return [Entry(**row) for row in await DB.fetch(LEDGER, chatbot, cliente)]


async def told(clientes: Sequence[int], *, accepts: bool, how: str) -> None:
    """What a business says its clientes have said, by the API or an import. Who says so is whoever acts here.

    Of a person who was erased while they did not accept marketing, a business cannot say that they do.
    """
    believed = set(clientes) - (await optouts.refused(clientes) if accepts else set())
    await record(sorted(believed), accepts=accepts, who=audit.acts(), how=how)


async def record(
    cliente: int | Sequence[int],
    *,
    accepts: bool,
    who: str,
    how: str,
    wording: str = "",
    source: str = "",
    at: datetime | None = None,
) -> None:
    """Write down that somebody (or each of many) agreed to marketing or withdrew; `cliente.aceita_marketing` follows.

    `who` said it (`cliente`, an operator, an API token), `how` (by which way), in which words, resting on what
    (`source`: a wamid, a notice; one that is told again counts once), and when (else: now). What a cliente says who
    was merged is said by whom they are now. One statement, in the transaction in hand.
    """
    clientes = [cliente] if isinstance(cliente, int) else cliente
    await DB.execute(RECORD, clientes, accepts, who, how, wording[:WORDING_MOST], source, at)


async def stopped(messages: Mapping[int, datetime]) -> None:
    """Meta did not deliver these messages of ours (outbox id, when) since their clientes have stopped marketing."""
    if messages:
        await DB.execute(STOP, list(messages), list(messages.values()))
