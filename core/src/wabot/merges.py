"""Two clientes that turn out to be one person: one goes on, the other points at it.

History is not moved: orders, events and messages stay with the cliente they were made for. What moves is what leads
to the person from now on (every id) and what still waits (messages to be answered, replies to be sent).

Changes of who is who are made one at a time for each chatbot (`alone`), and never wait for a turn: what a running
turn holds is carried over by the next one. Undoing: wabot.unmerge.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from wabot import audit, consent
from wabot.db.engine import DB
from wabot.errors import WabotError

META = "meta"
"""Who made the merges that no person asked for: Meta said that the two are one."""

# Before any row, for all chatbots at once and in one order, so that two processes cannot block each other.
ALONE = "SELECT pg_advisory_xact_lock(x'7761626f'::int, chatbot) FROM unnest($1::int[]) AS chatbot"

BOTH = """
SELECT id, ativo, aceita_marketing, mesclado_em,
    (SELECT max(last_seen) FROM identifier WHERE identifier.cliente = cliente.id) AS seen
FROM cliente WHERE id = ANY($1) AND chatbot = $2 ORDER BY id FOR NO KEY UPDATE
"""

BEGIN = """
INSERT INTO cliente_merge (chatbot, survivor, absorbed, why, made_by, carry_to, consent, before)
SELECT s.chatbot, s.id, a.id, $3, $4, s.id, coalesce((SELECT max(id) FROM consent), 0),
    json_build_object('survivor', to_json(s), 'absorbed', to_json(a))
FROM cliente s, cliente a WHERE s.id = $1 AND a.id = $2
RETURNING id
"""

# Inactive, so that no campaign writes to one person twice.
ABSORB = "UPDATE cliente SET mesclado_em = $1, ativo = false WHERE id = $2"
REPOINT = "UPDATE cliente SET mesclado_em = $1 WHERE mesclado_em = $2 AND id <> $2 RETURNING id"
LEAD = "UPDATE identifier SET cliente = $1 WHERE cliente = $2 RETURNING kind, value"
CARRY_FURTHER = "UPDATE cliente_merge SET carry_to = $1 WHERE carry_to = $2"

# The newer ids. A phone goes together with the way it is written.
UNITE = """
UPDATE cliente SET bsuid = coalesce(newer.bsuid, older.bsuid),
    parent_bsuid = coalesce(newer.parent_bsuid, older.parent_bsuid),
    phone_key = phone.phone_key, wa_id = phone.wa_id, wa_id_proved = phone.wa_id_proved, telefone = phone.telefone,
    nome = CASE cliente.nome WHEN '' THEN absorbed.nome ELSE cliente.nome END,
    email = CASE cliente.email WHEN '' THEN absorbed.email ELSE cliente.email END,
    ativo = cliente.ativo AND $5, atualizado_em = now()
FROM cliente newer, cliente older, cliente absorbed, cliente phone
WHERE cliente.id = $1 AND absorbed.id = $2 AND newer.id = $3 AND older.id = $4
    AND phone.id = CASE WHEN newer.phone_key IS NULL THEN older.id ELSE newer.id END
"""

DONE = """
UPDATE cliente_merge SET identifiers = $2, clientes = $3, after = (
    SELECT json_build_object('survivor', to_json(s), 'absorbed', to_json(a))
    FROM cliente s, cliente a WHERE s.id = survivor AND a.id = absorbed)
WHERE id = $1
"""

# What an absorbed cliente's conversa may still hold: of all that were merged into one, or of one alone.
LEFT_BEHIND = """
SELECT cliente_merge.id, absorbed, mesclado_em AS survivor, carry_to IS NOT NULL AS first
FROM cliente_merge JOIN cliente ON cliente.id = absorbed
WHERE undone_at IS NULL AND (carry_to = $1 OR absorbed = $2) ORDER BY cliente_merge.id
"""

FREE = "SELECT cliente, id FROM conversa WHERE cliente = ANY($1) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED"

CARRY = """
WITH read AS (
    UPDATE inbox SET conversa = $2 WHERE id = ANY (ARRAY(
        SELECT id FROM inbox WHERE conversa = $3 AND state = 'pendente' ORDER BY id FOR UPDATE)) RETURNING id
), said AS (
    UPDATE outbox SET conversa = $2 WHERE id = ANY (ARRAY(
        SELECT id FROM outbox WHERE conversa = $3 AND state IN ('pendente', 'enviando') ORDER BY id FOR UPDATE))
    RETURNING id
)
UPDATE cliente_merge SET carry_to = NULL, inbox = inbox || ARRAY(SELECT id FROM read),
    outbox = outbox || ARRAY(SELECT id FROM said)
WHERE id = $1
"""

# The person stands where they stood last, in whichever of the two conversas that was.
STAND = """
WITH earlier AS (SELECT * FROM conversa WHERE id = $2), now AS (
    UPDATE conversa SET (flow, etapa, version, data, shown, misses, person, last_inbound_at)
        = (last.flow, last.etapa, last.version, last.data, last.shown, last.misses, last.person, last.last_inbound_at)
    FROM conversa last
    WHERE conversa.id = $2 AND last.id = $3
        AND last.last_inbound_at > coalesce(conversa.last_inbound_at, '-infinity')
    RETURNING conversa.*
)
UPDATE cliente_merge SET stood = to_json(earlier), stands = to_json(now) FROM earlier, now WHERE cliente_merge.id = $1
"""

LIST = """
SELECT id, survivor, absorbed, why, made_by, made_at, undone_at FROM cliente_merge WHERE chatbot = $1 ORDER BY id
"""


STRICTER = "mescla com quem não aceita"


class NotMerged(WabotError):
    """These two cannot be merged: not both clientes of this chatbot, one and the same, or merged already."""


class Merge(msgspec.Struct, frozen=True):
    """That two clientes were found to be one person. Their numbers are those of the API."""

    id: int
    survivor: int
    absorbed: int
    why: str
    made_by: str
    made_at: datetime
    undone_at: datetime | None = None


async def alone(chatbots: Iterable[int]) -> None:
    """Until the end of the transaction nobody else changes who is who in these chatbots."""
    await DB.execute(ALONE, sorted(set(chatbots)))


async def everything(chatbot: int) -> list[Merge]:
    """All merges of a chatbot, the undone ones too, oldest first."""
    rows = await DB.fetch(LIST, chatbot)
    return [Merge(**row) for row in rows]


async def join(chatbot: int, survivor: int, absorbed: int, why: str, by: str) -> Merge:
    """What a person decides: `absorbed` is the same person as `survivor`, who goes on. Raises NotMerged."""
    async with DB.transaction():
        await alone([chatbot])
        number = await merge(chatbot, survivor, absorbed, why, by)
        await audit.record("mesclar", "cliente", absorbed, chatbot=chatbot, campos={"fica": survivor})
    return next(merge for merge in await everything(chatbot) if merge.id == number)


async def merge(chatbot: int, survivor: int, absorbed: int, why: str, by: str = META) -> int:
    """Merge two clientes; the number of the merge. The caller is `alone`. Raises NotMerged."""
    rows = {row["id"]: row for row in await DB.fetch(BOTH, [survivor, absorbed], chatbot)}
    _check(chatbot, survivor, absorbed, rows)
    number = await DB.fetchval(BEGIN, survivor, absorbed, why, by)
    await DB.execute(ABSORB, survivor, absorbed)
    clientes = [row["id"] for row in await DB.fetch(REPOINT, survivor, absorbed)]
    identifiers = [list(row) for row in await DB.fetch(LEAD, survivor, absorbed)]
    ages = sorted((survivor, absorbed), key=lambda cliente: _seen(rows[cliente]), reverse=True)
    await DB.execute(UNITE, survivor, absorbed, *ages, rows[absorbed]["ativo"])
    if rows[survivor]["aceita_marketing"] and not rows[absorbed]["aceita_marketing"]:
        await consent.record(survivor, accepts=False, who=by, how=STRICTER, source=source_of(number))
    await DB.execute(CARRY_FURTHER, survivor, absorbed)
    await DB.execute(DONE, number, msgspec.json.encode(identifiers).decode(), clientes)
    await carry_over(survivor=survivor)
    return int(number)


async def carry_over(*, survivor: int | None = None, absorbed: int | None = None) -> bool:
    """Bring what waits in absorbed clientes' conversas to the survivor's. False if a turn holds one of the two.

    Of a conversa that is held nothing is touched, and nobody waits for it: whoever takes the next turn tries again.
    """
    merges = await DB.fetch(LEFT_BEHIND, survivor, absorbed)
    involved = {row[who] for row in merges for who in ("survivor", "absorbed")}
    free = {row["cliente"]: row["id"] for row in await DB.fetch(FREE, list(involved))}
    for row in merges:
        places = free.get(row["survivor"]), free.get(row["absorbed"])
        if None not in places:
            await DB.execute(CARRY, row["id"], *places)
            if row["first"]:
                await DB.execute(STAND, row["id"], *places)
    return involved <= free.keys()


def source_of(number: int) -> str:
    """What a line of the consent ledger rests on that a merge has written."""
    return f"mescla:{number}"


def _seen(row: Any) -> tuple[bool, Any]:
    """To order by; somebody whom WhatsApp never showed us comes before all others."""
    return row["seen"] is not None, row["seen"] or 0


def _check(chatbot: int, survivor: int, absorbed: int, rows: dict[int, Any]) -> None:
    if survivor == absorbed:
        raise NotMerged(f"{survivor} e {absorbed} são o mesmo cliente.")
    for number in (survivor, absorbed):
        if number not in rows:
            raise NotMerged(f"O chatbot {chatbot} não tem o cliente {number}.")
        if (other := rows[number]["mesclado_em"]) is not None:
            raise NotMerged(f"O cliente {number} já foi mesclado ao cliente {other}.")
