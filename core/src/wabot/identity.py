"""Who wrote: finding a cliente by any id Meta has told of them, making one for a stranger, following ids that change.

This is the door, where many come at once: known people cost one statement, strangers are made together, and whoever
has something new about their ids is looked at one by one (wabot.person). Somebody without any id is nobody: their
message is kept only. The rules are in docs/identity.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from wabot.db.engine import DB
from wabot.merges import alone
from wabot.message import Sender
from wabot.person import Ids, ids_of, make, person_of


def _by(kind: str, value: str, name: str) -> str:
    return f"""LEFT JOIN LATERAL (
    SELECT cliente, coalesce(last_seen, '-infinity') AS seen FROM identifier
    WHERE chatbot = who.chatbot AND kind = '{kind}' AND value = {value} LIMIT 1) AS {name} ON true"""  # noqa: S608


# The conversa to which the ids of each `who` lead: null for a stranger. `whole`: all of them lead there, nothing is
# new. LIMIT keeps the planner from joining: a plan made while few were known would read all of them for every webhook
# once there are many.
LED = f"""
SELECT who.n, conversa.id AS conversa,
    (who.bsuid IS NULL OR by_bsuid.cliente IS NOT DISTINCT FROM conversa.cliente)
        AND (who.parent IS NULL OR by_parent.cliente IS NOT DISTINCT FROM conversa.cliente)
        AND (who.phone_key IS NULL OR by_phone.cliente IS NOT DISTINCT FROM conversa.cliente) AS whole,
    least(by_bsuid.seen, by_parent.seen, by_phone.seen) < who.at - interval '1 day' AS unseen
FROM who
{_by("bsuid", "who.bsuid", "by_bsuid")}
{_by("parent_bsuid", "who.parent", "by_parent")}
{_by("wa_id", "who.phone_key", "by_phone")}
LEFT JOIN LATERAL (
    SELECT id, cliente FROM conversa
    WHERE cliente = coalesce(by_bsuid.cliente, by_parent.cliente, by_phone.cliente) LIMIT 1) AS conversa ON true
"""  # noqa: S608 - of constants

FIND = f"""
WITH who AS (
    SELECT * FROM unnest((SELECT $1::int[]), $2::text[], $3::text[], $4::text[], $5::timestamptz[]) WITH ORDINALITY
        AS who (chatbot, bsuid, parent, phone_key, at, n)
)
{LED}
"""  # noqa: S608

# To the day, so that it costs no write per message. Whoever else is writing the same row saw the same person.
SEEN = """
WITH seen AS (
    SELECT chatbot, kind, value, max(at) AS at
    FROM unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[]) AS seen (chatbot, kind, value, at)
    GROUP BY chatbot, kind, value
), free AS (
    SELECT identifier.*, at FROM identifier JOIN seen USING (chatbot, kind, value)
    ORDER BY chatbot, kind, value FOR UPDATE OF identifier SKIP LOCKED
)
UPDATE identifier SET last_seen = greatest(identifier.last_seen, free.at) FROM free
WHERE identifier.chatbot = free.chatbot AND identifier.kind = free.kind AND identifier.value = free.value
"""


# Where these clientes go on, merged or not.
GO_ON = """
SELECT cliente.id AS cliente, conversa.id AS conversa
FROM cliente JOIN conversa ON conversa.cliente = coalesce(mesclado_em, cliente.id) WHERE cliente.id = ANY($1)
"""


class Sighting(NamedTuple):
    """That somebody was seen, by what ids, when, and by what ids they are known from then on, if those changed."""

    chatbot: int
    sender: Sender
    at: datetime | None = None
    becomes: Sender | None = None


class _Key(NamedTuple):
    """What makes two sightings the same."""

    chatbot: int
    ids: Ids
    becomes: Ids = Ids()


async def conversas_of(seen: Sequence[Sighting | tuple[int, Sender]]) -> list[int | None]:
    """The conversa of each (chatbot, sender), in order, made if need be; None for a sender without any id.

    What Meta tells of changed ids (`becomes`) counts for all of them, in whatever order they came.
    """
    sightings = [Sighting(*one) for one in seen]
    keys = [_Key(s.chatbot, ids_of(s.sender), ids_of(s.becomes or Sender())) for s in sightings]
    people = {key: s for key, s in zip(keys, sightings, strict=True) if any(key.ids) or any(key.becomes)}
    found, _ = await _find({key: s for key, s in people.items() if not s.becomes})
    if people.keys() - found.keys():
        async with DB.transaction():
            found = await _settle(people)
    return [found.get(key) for key in keys]


async def meet(people: Iterable[Sighting]) -> None:
    """Make clientes for those of whom no id was known a moment ago. In a transaction, which is `alone` from here on."""
    strangers = [one for one in people if any(ids_of(one.sender))]
    await alone(one.chatbot for one in strangers)
    await _make(strangers)


async def user_id_changed(
    chatbot: int, previous: str, current: str, wa_id: str = "", at: datetime | None = None
) -> int | None:
    """Meta says (field `user_id_update`) that a person has another BSUID now. Returns their conversa.

    `wa_id` is their phone, if it is told. Does nothing without a `current` id.
    """
    if not current:
        return None
    was = Sender(bsuid=previous) if previous else Sender(wa_id=wa_id)
    [conversa] = await conversas_of([Sighting(chatbot, was, at, Sender(bsuid=current, wa_id=wa_id))])
    return conversa


def _when(sighting: Sighting) -> datetime:
    """Never in the future, whatever a time stamp says: it would outdate all that follows."""
    now = datetime.now(UTC)
    return min(sighting.at or now, now)


async def _find(people: Mapping[_Key, Sighting]) -> tuple[dict[_Key, int], list[_Key]]:
    """The conversas of those of whom nothing is new, and those of whom no id is known."""
    keys = list(people)
    if not keys:
        return {}, []
    rows = await DB.fetch(FIND, *zip(*(ids_told(people[key]) for key in keys), strict=True))
    at = {row["n"]: keys[row["n"] - 1] for row in rows}
    await note_seen([people[at[row["n"]]] for row in rows if row["whole"] and row["unseen"]])
    found = {at[row["n"]]: row["conversa"] for row in rows if row["whole"] and row["conversa"]}
    return found, [at[row["n"]] for row in rows if row["conversa"] is None]


def ids_told(sighting: Sighting) -> tuple[Any, ...]:
    """What FIND asks of somebody: chatbot, BSUID, its parent, phone, and when they were seen."""
    return (sighting.chatbot, *ids_of(sighting.sender), _when(sighting))


async def note_seen(people: Iterable[Sighting]) -> None:
    """They were last seen more than a day ago, as far as is written."""
    rows = [
        (one.chatbot, *known, _when(one)) for one in people for known in ids_of(one.sender).told().items()
    ]
    if rows:
        await DB.execute(SEEN, *zip(*rows, strict=True))


async def _settle(people: Mapping[_Key, Sighting]) -> dict[_Key, int]:
    """Changes first, then strangers, many at once; then, one by one, those of whom something is new."""
    await alone(key.chatbot for key in people)
    clientes = {key: await _person(s) for key, s in people.items() if s.becomes}
    rest = {key: s for key, s in people.items() if not s.becomes}
    found, strangers = await _find(rest)
    if strangers:
        await _make([people[key] for key in strangers])
        found, _ = await _find(rest)
    clientes |= {key: await _person(s) for key, s in rest.items() if key not in found}
    if clientes:  # they may have become one with somebody found before
        found, _ = await _find(rest)
        conversas = {
            row["cliente"]: row["conversa"] for row in await DB.fetch(GO_ON, list(clientes.values()))
        }
        found |= {key: conversas[cliente] for key, cliente in clientes.items()}
    return found


async def _make(strangers: Sequence[Sighting]) -> None:
    if strangers:
        earliest = min(map(_when, strangers))  # whoever was seen later is noted as such
        await make(((one.chatbot, one.sender) for one in strangers), earliest)


async def _person(sighting: Sighting) -> int:
    was, now = (sighting.sender, sighting.becomes) if sighting.becomes else (None, sighting.sender)
    return await person_of(sighting.chatbot, now, _when(sighting), was=was)
