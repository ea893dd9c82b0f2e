"""Who wrote: finding a cliente by business-scoped user id or phone, and making one for a stranger.

A business-scoped user id (BSUID) names one person; a phone is compared in its canonical form, since WhatsApp leaves
out the ninth digit of many Brazilian mobiles. Somebody with neither id is nobody: their message is kept only.
"""

from collections.abc import Sequence

import msgspec

from wabot.db.engine import DB
from wabot.message import Sender
from wabot.phone import canonical

# The person each (chatbot, bsuid, phone) names. The BSUID decides where both are known.
FIND = """
SELECT who.n - 1 AS n, coalesce(by_bsuid.id, by_phone.id) AS cliente, conversa.id AS conversa,
       coalesce(by_bsuid.bsuid, by_phone.bsuid) AS bsuid, coalesce(by_bsuid.phone_key, by_phone.phone_key) AS phone_key
FROM unnest($1::int[], $2::text[], $3::text[]) WITH ORDINALITY AS who (chatbot, bsuid, phone_key, n)
LEFT JOIN cliente by_bsuid ON by_bsuid.chatbot = who.chatbot AND by_bsuid.bsuid = who.bsuid
LEFT JOIN cliente by_phone ON by_phone.chatbot = who.chatbot AND by_phone.phone_key = who.phone_key
    AND (by_phone.bsuid IS NULL OR who.bsuid IS NULL OR by_phone.bsuid = who.bsuid)
JOIN conversa ON conversa.cliente = coalesce(by_bsuid.id, by_phone.id)
"""

# Strangers. Somebody else may have made them meanwhile; then FIND knows them the next time it looks.
MAKE = """
INSERT INTO cliente (chatbot, bsuid, phone_key, wa_id, telefone, nome)
SELECT chatbot, bsuid, phone_key, wa_id, coalesce(wa_id, ''), nome
FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[])
    AS stranger (chatbot, bsuid, phone_key, wa_id, nome)
ON CONFLICT DO NOTHING
"""

# The other id of a person, learned later: somebody known by phone gets a BSUID, or the other way round.
LEARN = """
UPDATE cliente SET bsuid = coalesce(cliente.bsuid, $2), phone_key = coalesce(cliente.phone_key, $3),
    wa_id = coalesce(cliente.wa_id, $4), atualizado_em = now()
WHERE id = $1 AND NOT EXISTS (
    SELECT FROM cliente other WHERE other.chatbot = cliente.chatbot AND other.id <> cliente.id
        AND (other.bsuid = $2 OR other.phone_key = $3))
"""


class _Key(msgspec.Struct, frozen=True):
    """A sender as the database compares them."""

    chatbot: int
    bsuid: str | None
    phone_key: str | None

    @property
    def names_somebody(self) -> bool:
        return bool(self.bsuid or self.phone_key)


async def conversas_of(senders: Sequence[tuple[int, Sender]]) -> list[int | None]:
    """The conversa of each (chatbot, sender), in order, made if need be; None for a sender without any id."""
    keys = [_key(chatbot, sender) for chatbot, sender in senders]
    people = {key: sender for key, (_, sender) in zip(keys, senders, strict=True) if key.names_somebody}
    found = await _find(people)
    for with_phone in (
        True,
        False,
    ):  # a phone that is somebody else's by now must not leave its new owner unanswered
        if not (strangers := {key: sender for key, sender in people.items() if key not in found}):
            break
        await _make(strangers, with_phone=with_phone)
        found |= await _find(strangers)
    return [found.get(key) for key in keys]


def _key(chatbot: int, sender: Sender) -> _Key:
    return _Key(chatbot, sender.bsuid or None, canonical(sender.wa_id) or None)


async def _find(people: dict[_Key, Sender]) -> dict[_Key, int]:
    keys = list(people)
    if not keys:
        return {}
    rows = await DB.fetch(
        FIND, [k.chatbot for k in keys], [k.bsuid for k in keys], [k.phone_key for k in keys]
    )
    for row in rows:
        key = keys[row["n"]]
        if (key.bsuid and not row["bsuid"]) or (key.phone_key and not row["phone_key"]):
            await DB.execute(LEARN, row["cliente"], key.bsuid, key.phone_key, people[key].wa_id or None)
    return {keys[row["n"]]: row["conversa"] for row in rows}


async def _make(strangers: dict[_Key, Sender], *, with_phone: bool) -> None:
    # in one order everywhere, so that two processes that meet the same strangers cannot block each other
    rows = sorted(
        ((k.chatbot, k.bsuid or "", k.phone_key or "", s.wa_id, s.name) for k, s in strangers.items()),
    )
    chatbots, bsuids, phones, wa_ids, names = zip(*rows, strict=True)
    await DB.execute(
        MAKE,
        chatbots,
        [bsuid or None for bsuid in bsuids],
        [(phone or None) if with_phone else None for phone in phones],
        [wa_id or None for wa_id in wa_ids],
        names,
    )
