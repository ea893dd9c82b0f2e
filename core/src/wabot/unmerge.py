"""Undoing a merge: both clientes as they were, but for what has happened since."""

from typing import Any

import msgspec

from wabot import audit, consent
from wabot.db.engine import DB
from wabot.errors import WabotError
from wabot.merges import alone, source_of

MERGE = "SELECT * FROM cliente_merge WHERE id = $1 AND chatbot = $2"

# Unlike a merge this waits for the turns of both, so it takes their conversas before it makes others wait.
HOLD = "SELECT cliente, id FROM conversa WHERE cliente = ANY($1) ORDER BY id FOR NO KEY UPDATE"

LATER = """
SELECT min(id) FROM cliente_merge
WHERE undone_at IS NULL AND id > $1 AND ($2 IN (survivor, absorbed) OR $3 IN (survivor, absorbed))
"""

LEAD_BACK = """
UPDATE identifier SET cliente = $1 FROM json_array_elements($3) AS moved (id)
WHERE cliente = $2 AND kind = moved.id ->> 0 AND identifier.value = moved.id ->> 1
"""
LEADS = "SELECT cliente, kind, value FROM identifier WHERE cliente = ANY($1)"
ROWS = "SELECT id, to_json(cliente) AS shown FROM cliente WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE"

RESTORE = """
UPDATE cliente SET (bsuid, parent_bsuid, wa_id, wa_id_proved, phone_key, telefone, nome, email, ativo,
        aceita_marketing, mesclado_em, atualizado_em)
    = (SELECT bsuid, parent_bsuid, wa_id, wa_id_proved, phone_key, telefone, nome, email, ativo,
        aceita_marketing, mesclado_em, atualizado_em FROM json_populate_record(NULL::cliente, $2))
WHERE id = $1
"""

REPOINT_BACK = "UPDATE cliente SET mesclado_em = $1 WHERE id = ANY($2) AND mesclado_em = $3"

CARRY_TO_WHOM = """
UPDATE cliente_merge SET carry_to = mesclado_em FROM cliente WHERE carry_to = $1 AND cliente.id = absorbed
"""

# Where the person stood, unless they have gone on from there.
STAND_BACK = """
UPDATE conversa SET (flow, etapa, version, data, shown, misses, person, last_inbound_at)
    = (SELECT flow, etapa, version, data, shown, misses, person, last_inbound_at
       FROM json_populate_record(NULL::conversa, $2))
WHERE id = $1 AND to_json(conversa)::text = $3::text
"""

CARRY_BACK = """
WITH read AS (
    UPDATE inbox SET conversa = $1 WHERE id = ANY($3) AND conversa = $2 AND state = 'pendente'
)
UPDATE outbox SET conversa = $1 WHERE id = ANY (ARRAY(
    SELECT id FROM outbox WHERE id = ANY($4) AND conversa = $2 AND state IN ('pendente', 'enviando')
    ORDER BY id FOR UPDATE))
"""

OPTED_OUT = """
SELECT EXISTS (SELECT FROM consent WHERE cliente = ANY($1) AND id > $2 AND NOT accepts AND source NOT LIKE 'mescla:%')
"""
SINCE = "pediu enquanto os dois eram um só"
AGAIN = "mescla desfeita: volta a valer o que valia"
UNDONE = "UPDATE cliente_merge SET undone_at = now(), carry_to = NULL WHERE id = $1"

KINDS = {"bsuid": "bsuid", "parent_bsuid": "parent_bsuid", "phone_key": "wa_id"}
"""The columns of a cliente that hold an id, each with the kind of identifier it is."""

Row = dict[str, Any]


class NotUndone(WabotError):
    """There is no such merge, or it is undone already, or a later one has to be undone first."""


async def unmerge(chatbot: int, number: int) -> None:
    """Undo a merge. An opt-out since then holds for both; an id that went to somebody else stays there.

    Raises NotUndone.
    """
    async with DB.transaction():
        made = await _made(chatbot, number)
        places = {
            row["cliente"]: row["id"] for row in await DB.fetch(HOLD, [made["survivor"], made["absorbed"]])
        }
        await alone([chatbot])
        made = await _made(chatbot, number)
        survivor, absorbed = made["survivor"], made["absorbed"]
        if later := await DB.fetchval(LATER, number, survivor, absorbed):
            raise NotUndone(f"Desfaça antes a mescla {later}, que veio depois.")
        opted_out = await DB.fetchval(OPTED_OUT, [survivor, absorbed], made["consent"])
        await DB.execute(LEAD_BACK, absorbed, survivor, made["identifiers"])
        await _restore(made, opted_out=opted_out)
        await DB.execute(REPOINT_BACK, absorbed, made["clientes"], survivor)
        await DB.execute(CARRY_TO_WHOM, survivor)
        if made["stood"]:
            await DB.execute(STAND_BACK, places[survivor], made["stood"], made["stands"])
        await DB.execute(CARRY_BACK, places[absorbed], places[survivor], made["inbox"], made["outbox"])
        await DB.execute(UNDONE, number)
        await audit.record("separar", "cliente", absorbed, chatbot=chatbot, campos={"de": survivor})


async def _made(chatbot: int, number: int) -> Any:
    made = await DB.fetchrow(MERGE, number, chatbot)
    if made is None:
        raise NotUndone(f"O chatbot {chatbot} não tem a mescla {number}.")
    if made["undone_at"] is not None:
        raise NotUndone(f"A mescla {number} já foi desfeita.")
    return made


async def _restore(made: Any, *, opted_out: bool) -> None:
    """The survivor first: it gives up the ids that the other takes again."""
    both = [made["survivor"], made["absorbed"]]
    now = {row["id"]: msgspec.json.decode(row["shown"]) for row in await DB.fetch(ROWS, both)}
    leads = {tuple(row) for row in await DB.fetch(LEADS, both)}
    before, after = (msgspec.json.decode(made[name]) for name in ("before", "after"))
    for cliente, name in zip(both, ("survivor", "absorbed"), strict=True):
        row = _as_before(now[cliente], before[name], after[name])
        _without_lost_ids(row, leads)
        row["aceita_marketing"] &= not opted_out
        await DB.execute(RESTORE, cliente, msgspec.json.encode(row).decode())
        if opted_out:
            await consent.record(
                cliente, accepts=False, who="cliente", how=SINCE, source=f"desfeita:{made['id']}"
            )
        elif row["aceita_marketing"] and not after[name]["aceita_marketing"]:
            source = f"{source_of(made['id'])}:desfeita"
            await consent.record(cliente, accepts=True, who=made["made_by"], how=AGAIN, source=source)


def _as_before(now: Row, before: Row, after: Row) -> Row:
    """What the merge changed, and nobody since, is as before; everything else is as it is now."""
    return {name: before[name] if value == after[name] else value for name, value in now.items()}


def _without_lost_ids(row: Row, leads: set[tuple[Any, ...]]) -> None:
    """Meta may have given a phone to somebody else in the meantime."""
    for column, kind in KINDS.items():
        if row[column] and (row["id"], kind, row[column]) not in leads:
            row[column] = None
            if kind == "wa_id":
                row |= {"wa_id": None, "telefone": ""}
