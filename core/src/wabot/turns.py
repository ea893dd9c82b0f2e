"""What turns read and write: the statements, for one conversa or for many at once, and values to and from columns."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from wabot.db.engine import DB, literal
from wabot.flow import Event
from wabot.message import Inbound
from wabot.outbox import Claim, encode
from wabot.turn import State, Turn

# From here to the commit the database refuses writes to any other chatbot's rows (see the fence in the migrations).
_WHERE_IT_STANDS = """
SELECT conversa.id, conversa.chatbot, conversa.cliente, flow, etapa, version, data, shown, misses, person, cliente.nome,
    mesclado_em, last_inbound_at, set_config('wabot.chatbots', '{' || conversa.chatbot || '}', true)
"""
_OF_THESE = "FROM conversa JOIN cliente ON cliente.id = conversa.cliente WHERE conversa.id = ANY ($1)"
_LOCKED = "FOR NO KEY UPDATE OF conversa"  # so that foreign keys that point here do not wait for a turn

LOCK = f"{_WHERE_IT_STANDS} {_OF_THESE} {_LOCKED}"

# Of many only those that nobody has in hand, and of one chatbot: the fence is one chatbot's. A round that waits for
# rows another holds is undone before the server would look for a deadlock.
LOCK_FREE = f"""{_WHERE_IT_STANDS}, set_config('lock_timeout', '300ms', true)
{_OF_THESE} AND conversa.chatbot = $2 {_LOCKED} SKIP LOCKED
"""

# Read after the lock, by a snapshot of its own: what was answered until then is not pending any more. `joined`: a
# cliente was merged into this one, and what waits in their conversa must not be overtaken.
OLDEST = """
SELECT oldest.*, EXISTS (SELECT FROM cliente_merge WHERE carry_to = here.cliente) AS joined
FROM unnest((SELECT $1::text::bigint[]), (SELECT $2::text::bigint[])) AS here (conversa, cliente), LATERAL (
    SELECT id, conversa, wamid, raw, received_at, tries, retry_at > now() AS too_early
    FROM inbox WHERE conversa = here.conversa AND state = 'pendente' ORDER BY sent_at, id LIMIT 1) AS oldest
"""

# Meta takes one message every six seconds from a number to a customer, and up to 45 before their time: `pair_at` is
# when all those written so far have had theirs (GCRA). A reply that is too early waits in its row. Of a round ($22)
# the first reply of each turn is claimed in the same breath, where CLAIM would have found nothing before it: one
# statement and one commit less for each message. Its time begins now, not with the transaction.
WRITE = """
WITH turn AS MATERIALIZED (
    SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[],
                         $9::int[], $10::boolean[], $11::timestamptz[], $12::int[], $13::text[], $14::text[])
        AS turn (inbox, conversa, flow, etapa, version, data, shown, misses, person, inbound_at, replies, speaker,
                 led_to)
    WHERE inbox > 0 AND conversa > 0 AND replies >= 0 -- always; see SENT
), answered AS (
    UPDATE inbox SET state = 'atendida', done_at = now(), error = '', etapa = led_to
    FROM turn WHERE inbox.id = turn.inbox
), moved AS (
    UPDATE conversa SET flow = turn.flow, etapa = turn.etapa, version = turn.version, data = turn.data::json,
        shown = turn.shown::text[], misses = turn.misses, person = turn.person,
        last_inbound_at = greatest(last_inbound_at, inbound_at),
        pair_at = greatest(pair_at, now()) + replies * interval '6 seconds'
    FROM turn WHERE conversa.id = turn.conversa
    RETURNING turn.inbox, turn.conversa, cliente, speaker, last_inbound_at,
        pair_at - replies * interval '6 seconds' AS free_at,
        $22 AND NOT EXISTS (SELECT FROM number_hold WHERE chatbot = $1) AND NOT EXISTS (
            SELECT FROM outbox WHERE conversa = turn.conversa AND state IN ('pendente', 'enviando') AND NOT bulk)
            AS nothing_before
), said AS (
    INSERT INTO outbox (chatbot, conversa, inbox, flow, content, retry_at, state, sending_at, tries)
    SELECT $1, conversa, inbox, speaker, content::json, CASE WHEN may_go > now() THEN may_go END,
        CASE WHEN goes THEN 'enviando' ELSE 'pendente' END, CASE WHEN goes THEN clock_timestamp() END, goes::int
    FROM unnest($15::bigint[], $16::int[], $17::text[]) WITH ORDINALITY AS reply (inbox, place, content, nth)
        JOIN moved USING (inbox),
        LATERAL (SELECT free_at + (place - 45) * interval '6 seconds' AS may_go) AS pair,
        LATERAL (SELECT nothing_before AND place = 1 AND may_go <= now() AS goes) AS claim
    ORDER BY nth
    RETURNING id, chatbot, conversa, inbox, content, sending_at, tries, refused, bulk, mailing, flow, other_wa_id
), happened AS (
    INSERT INTO event (chatbot, conversa, inbox, name, fields)
    SELECT $1, conversa, inbox, name, fields::json
    FROM unnest($18::bigint[], $19::bigint[], $20::text[], $21::text[]) WITH ORDINALITY
        AS event (conversa, inbox, name, fields, nth)
    ORDER BY nth
)
SELECT moved.conversa AS answered, EXISTS (
        SELECT FROM inbox WHERE conversa = moved.conversa AND state = 'pendente' AND id <> moved.inbox) AS more,
    said.*, wa_id, bsuid, false AS welcome, false AS too_late, -- as CLAIM tells it
    coalesce(last_inbound_at < now() - interval '24 hours', true) AS closed,
    (SELECT rate FROM number_pace WHERE chatbot = $1) AS rate
FROM moved LEFT JOIN said ON said.inbox = moved.inbox AND said.sending_at IS NOT NULL
    LEFT JOIN cliente ON cliente.id = moved.cliente
"""

FAILED = """
UPDATE inbox SET tries = tries + 1, error = $2, plugin = $3, retry_at = now() + make_interval(secs => $4) WHERE id = $1
"""

SET_ASIDE = """
WITH dead AS (
    UPDATE inbox SET state = 'morta', tries = tries + 1, error = $2, plugin = $3, done_at = now()
    WHERE id = $1 AND state = 'pendente' RETURNING chatbot, conversa, id, sent_at
), moved AS (
    UPDATE conversa SET last_inbound_at = greatest(last_inbound_at, sent_at),
        pair_at = greatest(pair_at, now()) + interval '6 seconds'
    FROM dead WHERE conversa.id = dead.conversa
)
INSERT INTO outbox (chatbot, conversa, inbox, content) SELECT chatbot, conversa, id, $4 FROM dead
"""

ERASED = "DELETE FROM inbox WHERE conversa = $1"

OVERDUE = """
SELECT DISTINCT chatbot, conversa FROM inbox
WHERE state = 'pendente' AND coalesce(retry_at, received_at + make_interval(secs => $1)) <= now()
LIMIT $2
"""


class Taken(NamedTuple):
    """A turn that was taken and is not written yet."""

    conversa: int
    message: int
    received_at: datetime
    inbound: Inbound
    turn: Turn
    events: Sequence[Event]

    @property
    def led_to(self) -> str:
        """The etapa where the conversa stands now; after its end, the flow that spoke."""
        state = self.turn.state
        return f"{state.flow or self.turn.flow}.{state.etapa}".strip(".")


async def oldest(rows: Sequence[Any]) -> list[Any]:
    """The oldest message that waits in each of the locked conversas, where any does."""
    found: list[Any] = await DB.fetch(
        OLDEST, literal(row["id"] for row in rows), literal(row["cliente"] for row in rows)
    )
    return found


class Written(NamedTuple):
    """A turn that is written, if its transaction commits."""

    more: bool
    """Whether more waits in its conversa."""
    claim: Claim | None = None
    """Its first reply, which is ours to send."""


async def write(chatbot: int, taken: Sequence[Taken], *, claiming: bool) -> dict[int, Written]:
    """State, replies and events of these turns, in one statement; what came of them, by conversa."""
    columns = zip(*map(_columns, taken), strict=True)
    replies = [
        (t.message, place, said) for t in taken for place, said in enumerate(encode(t.turn.replies), 1)
    ]
    events = [
        (t.conversa, t.message, event.name, msgspec.json.encode(event.fields).decode())
        for t in taken
        for event in t.events
    ]
    lists = (*_transposed(replies, 3), *_transposed(events, 4))
    at = time.monotonic()
    rows = await DB.fetch(WRITE, chatbot, *columns, *lists, claiming)
    return {row["answered"]: Written(row["more"], Claim(row, at) if row["id"] else None) for row in rows}


def counted(row: Any, message: Any, inbound: Inbound, turn: Turn) -> Iterator[Event]:
    """One event with all that reports count of a message, since each event is a row more to write."""
    if not inbound.expects_answer:
        return
    names = {event.name for event in turn.events}
    waited = datetime.now(UTC) - message["received_at"]
    fields = {
        "tipo": inbound.kind,
        "flow": row["flow"],
        "etapa": row["etapa"],
        "caminho": turn.path,
        "iniciada": "conversa.iniciada" in names,
        "encerrada": "conversa.encerrada" in names,
        "primeira": row["last_inbound_at"] is None,
        "espera": max(0, waited // timedelta(milliseconds=1)),
        "respostas": len(turn.replies),
    }
    yield Event("mensagem.atendida", fields)


def state_of(row: Any) -> State:
    """Where a locked conversa stands."""
    return State(
        flow=row["flow"],
        etapa=row["etapa"],
        version=row["version"],
        data=row["data"].encode(),
        shown=tuple(row["shown"]),
        misses=row["misses"],
        person=row["person"],
    )


def _columns(taken: Taken) -> tuple[Any, ...]:
    state, inbound = taken.turn.state, taken.inbound
    return (
        taken.message,
        taken.conversa,
        state.flow,
        state.etapa,
        state.version,
        state.data.decode(),
        literal(map(_quoted, state.shown)),  # unnest would take lists of lists apart
        state.misses,
        state.person,
        None if inbound.kind in ("system", "group") else inbound.at,  # what WhatsApp reports opens no window
        len(taken.turn.replies),
        taken.turn.flow,
        taken.led_to,
    )


def _quoted(word: str) -> str:
    return f'"{word.translate(_ESCAPED)}"'


_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"'})


def _transposed(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[n] for row in rows] for n in range(width)]
