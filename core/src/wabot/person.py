"""One person, by the ids Meta tells of them: which clientes they are, and what is learned.

A business-scoped user id (BSUID), or its parent in a managed portfolio, names one person for good. A phone names
whoever had it last, since phones move on to other people. Two clientes become one only because Meta named both as
one person. Everything here is done `alone` (wabot.merges), in a transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from wabot.db.engine import DB
from wabot.merges import alone, merge
from wabot.message import Sender
from wabot.phone import canonical

# They were seen just now: what the trigger that remembers ids finds there already needs no second write. Another
# trigger gives them a conversa.
MAKE = """
WITH made AS (
    INSERT INTO cliente (chatbot, bsuid, parent_bsuid, phone_key, wa_id, telefone, nome)
    SELECT chatbot, bsuid, parent, phone_key, wa_id, coalesce(wa_id, ''), nome
    FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
        AS stranger (chatbot, bsuid, parent, phone_key, wa_id, nome)
    ON CONFLICT DO NOTHING RETURNING id, chatbot, bsuid, parent_bsuid, phone_key
), seen AS (
    INSERT INTO identifier (chatbot, kind, value, cliente, last_seen)
    SELECT chatbot, kind, value, made.id, $7
    FROM made, LATERAL (VALUES ('bsuid', bsuid), ('parent_bsuid', parent_bsuid), ('wa_id', phone_key))
        AS known (kind, value)
    WHERE value <> '' ON CONFLICT DO NOTHING
)
SELECT id FROM made
"""

# Whose each id is. `bare`: nothing but phones was ever known of them, so they are whoever has the phone.
HOLDERS = """
SELECT identifier.kind, identifier.value, identifier.cliente, identifier.last_seen,
    coalesce(identifier.value = CASE identifier.kind WHEN 'wa_id' THEN phone_key END, false) AS current,
    NOT EXISTS (SELECT FROM identifier other WHERE other.cliente = cliente.id AND other.kind <> 'wa_id') AS bare
FROM unnest($2::text[], $3::text[]) AS told (kind, value)
JOIN identifier ON identifier.chatbot = $1 AND identifier.kind = told.kind AND identifier.value = told.value
JOIN cliente ON cliente.id = identifier.cliente
"""

# A phone that moved on: messages to its former owner must not go there.
RELEASE = """
WITH gone AS (DELETE FROM identifier WHERE chatbot = $1 AND kind = 'wa_id' AND value = $2 RETURNING cliente)
UPDATE cliente SET phone_key = NULL, wa_id = NULL, wa_id_proved = false, telefone = '', atualizado_em = now()
FROM gone WHERE id = gone.cliente AND phone_key = $2
"""

CURRENT = """
SELECT kind, last_seen FROM cliente JOIN identifier ON identifier.cliente = cliente.id
    AND value = CASE kind WHEN 'bsuid' THEN bsuid WHEN 'parent_bsuid' THEN parent_bsuid ELSE phone_key END
WHERE cliente.id = $1
"""

BECOME = """
UPDATE cliente SET bsuid = coalesce($2, bsuid), parent_bsuid = coalesce($3, parent_bsuid),
    phone_key = coalesce($4, phone_key), atualizado_em = now(),
    wa_id = CASE WHEN $4 <> coalesce(phone_key, '') THEN $5 ELSE wa_id END,
    telefone = CASE WHEN $4 <> coalesce(phone_key, '') THEN $5 ELSE telefone END,
    wa_id_proved = wa_id_proved AND coalesce($4, phone_key) IS NOT DISTINCT FROM phone_key
WHERE id = $1
"""

REMEMBER = """
INSERT INTO identifier (chatbot, kind, value, cliente, last_seen)
SELECT $1, kind, value, $2, at FROM unnest($3::text[], $4::text[], $5::timestamptz[]) AS told (kind, value, at)
ON CONFLICT (chatbot, kind, value) DO UPDATE SET last_seen = greatest(identifier.last_seen, excluded.last_seen)
"""

NAMED_TOGETHER = "a Meta citou os dois como a mesma pessoa"
SAME_PHONE = "para a Meta, os dois telefones são o mesmo"
CHANGED = "a Meta avisou que o número ou o id mudou"


class Ids(NamedTuple):
    """A sender's ids as the database compares them, named like the kinds of identifiers."""

    bsuid: str | None = None
    parent_bsuid: str | None = None
    wa_id: str | None = None

    def told(self) -> dict[str, str]:
        return {kind: value for kind, value in self._asdict().items() if value}


class Holder(NamedTuple):
    cliente: int
    last_seen: datetime | None
    current: bool
    bare: bool


Holders = Mapping[tuple[str, str], Holder]


def ids_of(sender: Sender) -> Ids:
    return Ids(sender.bsuid or None, sender.parent_bsuid or None, canonical(sender.wa_id) or None)


async def make(strangers: Iterable[tuple[int, Sender]], at: datetime) -> list[Any]:
    """A cliente for each (chatbot, sender) none of whose ids is another's, seen `at`; the ids of the new rows."""
    rows = [(chatbot, *ids_of(who), who.wa_id or None, who.name) for chatbot, who in strangers]
    return await DB.fetch(MAKE, *zip(*rows, strict=True), at)


async def person_of(chatbot: int, now: Sender, at: datetime, *, was: Sender | None = None) -> int:
    """The cliente who has these ids `now`, and had those others before, if they changed; made if need be."""
    old, told = ids_of(was or Sender()).told(), ids_of(now).told()
    holders = await _holders(chatbot, [*old.items(), *told.items()])
    people = _meant(old, holders) | _meant(told, holders, by_phone=not old)
    told = await _take_phone(chatbot, told, holders, people, at)
    if people:
        cliente = min(people)
        for other in sorted(people - {cliente}):
            await merge(chatbot, cliente, other, CHANGED if was else NAMED_TOGETHER)
        await _become(cliente, told, now.wa_id, at)
    else:
        stranger = now if "wa_id" in told else msgspec.structs.replace(now, wa_id="")
        made = await make([(chatbot, stranger)], at)
        if not made:  # meanwhile, by somebody who need not be alone: the API
            return await person_of(chatbot, now, at, was=was)
        cliente = made[0]["id"]
    await _remember(chatbot, cliente, old, told, at)
    return cliente


async def same_phone(chatbot: int, known: str, returned: str) -> None:
    """Meta calls the phone `known` by another number: whoever is known by nothing but phones is who has that one."""
    async with DB.transaction():
        await alone([chatbot])
        keys = [("wa_id", canonical(known)), ("wa_id", canonical(returned))]
        holders = await _holders(chatbot, keys)
        one, other = (holders.get(key) for key in keys)
        if other is None:
            now = datetime.now(UTC)
            await person_of(chatbot, Sender(wa_id=returned), now, was=Sender(wa_id=known))
        elif one and one.cliente != other.cliente and one.bare:
            await merge(chatbot, other.cliente, one.cliente, SAME_PHONE)


async def _holders(chatbot: int, told: Sequence[tuple[str, str]]) -> Holders:
    kinds, values = zip(*dict.fromkeys(told), strict=True)
    rows = await DB.fetch(HOLDERS, chatbot, kinds, values)
    return {
        (r["kind"], r["value"]): Holder(r["cliente"], r["last_seen"], r["current"], r["bare"]) for r in rows
    }


def _meant(ids: Mapping[str, str], holders: Holders, *, by_phone: bool = True) -> set[int]:
    """The clientes that these ids of one person name. A user id names somebody for good.

    A phone names its holder if nothing else is known of the holder, or nothing else is told (and that counts:
    `by_phone`). Else the phone may have moved on, and its holder is another person.
    """
    users = {holders[known].cliente for known in ids.items() if known[0] != "wa_id" and known in holders}
    holder = holders.get(("wa_id", ids.get("wa_id", "")))
    if holder and ((holder.bare and holder.current) or (by_phone and ids.keys() == {"wa_id"})):
        users.add(holder.cliente)
    return users


async def _take_phone(
    chatbot: int, told: dict[str, str], holders: Holders, people: set[int], at: datetime
) -> dict[str, str]:
    """What is told, without a phone that somebody else has by later news; one they had before is taken from them."""
    holder = holders.get(("wa_id", told.get("wa_id", "")))
    if holder is None or holder.cliente in people:
        return told
    if holder.current and holder.last_seen and at < holder.last_seen:
        return {kind: value for kind, value in told.items() if kind != "wa_id"}
    await DB.execute(RELEASE, chatbot, told["wa_id"])
    return told


async def _become(cliente: int, told: Mapping[str, str], wa_id: str, at: datetime) -> None:
    """The ids that are told become the current ones, unless those were seen later."""
    current = {row["kind"]: row["last_seen"] for row in await DB.fetch(CURRENT, cliente)}
    newer = {kind: value for kind, value in told.items() if not (seen := current.get(kind)) or at >= seen}
    await DB.execute(BECOME, cliente, *(newer.get(kind) for kind in Ids._fields), wa_id or None)


async def _remember(
    chatbot: int, cliente: int, old: Mapping[str, str], told: Mapping[str, str], at: datetime
) -> None:
    """All of them lead to the person from now on: a late message may still carry an old one."""
    rows: list[tuple[str, str, datetime | None]]
    rows = [(kind, value, None) for kind, value in old.items() if told.get(kind) != value]
    rows += [(kind, value, at) for kind, value in told.items()]
    if rows:
        await DB.execute(REMEMBER, chatbot, cliente, *zip(*rows, strict=True))
