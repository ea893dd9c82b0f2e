"""Dead letters: messages whose turn failed too often, and replies that Meta did not take. Seen, and tried again.

Nothing here returns what anybody wrote: ids, when, which plugin, and what went wrong.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from wabot.db.engine import DB
from wabot.errors import WabotError

Box = Literal["inbox", "outbox"]

MOST = 200
"""Dead letters on one page."""
AT_ONCE = 1000
"""Dead letters put back in one statement."""
RESTORED, DROPPED = "separada na restauração", "descartada depois da restauração"
"""How the reason begins of what waited when a backup was made and was set aside when it was restored; and of what
somebody then decided not to send. The old installation may have answered or sent it."""

# A reply that is no template may be sent for 24 hours after the customer's last message (Meta's customer service
# window), so an older letter cannot be answered any more. A bulk message is nobody's answer, and never goes twice.
DEAD = """
WITH letter AS (
    SELECT 'inbox' AS box, id, chatbot, conversa, done_at AS at, kind, plugin, NULL::int AS code, error, tries,
        false AS bulk
    FROM inbox WHERE state = 'morta' AND ($1::int[] IS NULL OR chatbot = ANY ($1))
    UNION ALL
    SELECT 'outbox', id, chatbot, conversa, coalesce(sending_at, created_at), content ->> 'type', '', error_code,
        error, tries, bulk
    FROM outbox WHERE state = 'falhou' AND ($1::int[] IS NULL OR chatbot = ANY ($1))
), dead AS (
    SELECT letter.*, CASE
        WHEN bulk THEN 'bulk'
        WHEN kind = 'template' OR last_inbound_at > now() - interval '24 hours' THEN ''
        ELSE 'window' END AS hindrance
    FROM letter JOIN conversa ON conversa.id = letter.conversa
)
"""
PAGE, ONE, COUNT, RETRIABLE = (
    " ".join((DEAD, select))
    for select in (
        "SELECT * FROM dead ORDER BY at DESC, box, id DESC LIMIT $2 OFFSET $3",
        "SELECT * FROM dead WHERE box = $2 AND id = $3",
        "SELECT count(*) FROM dead",
        "SELECT box, id FROM dead WHERE hindrance = '' AND (box, id) > ($2, $3) AND starts_with(error, $5) = $6"
        " AND NOT starts_with(error, $7) ORDER BY box, id LIMIT $4",
    )
)

# Its state is asked for again under the row's lock: of two who retry the same letter, one does.
RETRY = {
    "inbox": """
UPDATE inbox SET state = 'pendente', tries = 0, retry_at = NULL, done_at = NULL, error = '', plugin = ''
WHERE id = ANY ($1) AND state = 'morta' AND ($2::int[] IS NULL OR chatbot = ANY ($2))
RETURNING id
""",
    "outbox": """
UPDATE outbox SET state = 'pendente', refused = 0, retry_at = NULL, sending_at = NULL, error = '', error_code = NULL,
    wamid = NULL, status = '', sent_at = NULL, delivered_at = NULL, read_at = NULL
WHERE id = ANY ($1) AND state = 'falhou' AND NOT bulk AND ($2::int[] IS NULL OR chatbot = ANY ($2))
RETURNING id
""",
}

# A message received is kept, so that Meta's repeating it is recognised; a reply stays as one that failed.
DROP = """
WITH received AS (
    UPDATE inbox SET state = 'guardada', error = $3
    WHERE state = 'morta' AND starts_with(error, $2) AND ($1::int[] IS NULL OR chatbot = ANY ($1)) RETURNING id
), written AS (
    UPDATE outbox SET error = $3
    WHERE state = 'falhou' AND starts_with(error, $2) AND ($1::int[] IS NULL OR chatbot = ANY ($1)) RETURNING id
)
SELECT (SELECT count(*) FROM received) + (SELECT count(*) FROM written)
"""


class NoSuchLetter(WabotError):
    """No dead letter has that id, or it is none of the caller's."""


class Letter(msgspec.Struct, frozen=True):
    """What is known of a dead letter, without its text."""

    box: Box
    number: int
    chatbot: int
    conversa: int
    at: datetime
    kind: str
    plugin: str
    """Whose code failed; empty if none of a plugin's did."""
    code: int | None
    """Meta's, for a reply that was refused."""
    error: str
    tries: int
    hindrance: Literal["", "bulk", "window"]
    """Why it cannot be tried again."""

    @property
    def id(self) -> str:
        return f"{self.box}-{self.number}"


def read_id(text: str) -> tuple[Box, int]:
    """`inbox-812`, `outbox-97`, or a number alone, which is a message received. Raises NoSuchLetter."""
    box, _, number = text.rpartition("-")
    if number.isascii() and number.isdecimal() and len(number) < 19:
        if box in ("", "inbox"):
            return "inbox", int(number)
        if box == "outbox":
            return "outbox", int(number)
    raise NoSuchLetter(f"{text!r} não é um id; use, por exemplo, inbox-812 ou outbox-97.")


async def page(chatbots: Collection[int] | None = None, *, limit: int = 50, offset: int = 0) -> list[Letter]:
    """The latest first. `chatbots` None: of all of them. At most MOST."""
    rows = await DB.fetch(PAGE, _list(chatbots), min(limit, MOST), offset)
    return [_letter(row) for row in rows]


async def count(chatbots: Collection[int] | None = None) -> int:
    return int(await DB.fetchval(COUNT, _list(chatbots)))


async def find(id: str, chatbots: Collection[int] | None = None) -> Letter:
    """Raises NoSuchLetter."""
    row = await DB.fetchrow(ONE, _list(chatbots), *read_id(id))
    if row is None:
        raise NoSuchLetter(f"Não há mensagem parada {id}.")
    return _letter(row)


async def retry(id: str, chatbots: Collection[int] | None = None) -> bool:
    """Put one back where it waits in its conversa's order; a worker's sweeper finds it within seconds.

    False if it cannot be tried again, or somebody else has just done it. Raises NoSuchLetter.
    """
    letter = await find(id, chatbots)
    if letter.hindrance:
        return False
    return bool(await DB.fetch(RETRY[letter.box], [letter.number], _list(chatbots)))


async def retry_all(chatbots: Collection[int] | None = None, *, restored: bool = False) -> int:
    """All that can be tried again; how many they were. What dies anew meanwhile is not taken twice.

    What was set aside at a restore is left where it is, since it may have been sent; with `restored`, only that.
    """
    done, last = 0, ("", 0)
    while rows := await DB.fetch(RETRIABLE, _list(chatbots), *last, AT_ONCE, RESTORED, restored, DROPPED):
        for box, statement in RETRY.items():
            numbers = [row["id"] for row in rows if row["box"] == box]
            done += len(await DB.fetch(statement, numbers, _list(chatbots))) if numbers else 0
        last = (rows[-1]["box"], rows[-1]["id"])
    return done


async def drop_restored(chatbots: Collection[int] | None = None) -> int:
    """Decide that what was set aside at a restore is never answered or sent; how many they were."""
    return int(await DB.fetchval(DROP, _list(chatbots), RESTORED, DROPPED))


def _list(chatbots: Collection[int] | None) -> Sequence[int] | None:
    return None if chatbots is None else sorted(chatbots)


def _letter(row: msgspec.Struct) -> Letter:
    fields = {name: row[name] for name in Letter.__struct_fields__ if name != "number"}  # type: ignore[index]
    return Letter(**fields, number=row["id"])  # type: ignore[index]
