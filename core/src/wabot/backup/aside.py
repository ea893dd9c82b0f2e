"""What a restored database must not do by itself: send, answer or run anything again.

Nobody can tell what happened after the backup was made: the old installation may have sent every message that waited
in it. So what waited is set aside like a dead letter, with the reason, until somebody decides: `wabot dead`.
"""

from datetime import datetime

import asyncpg
import msgspec

from wabot.dead import RESTORED

ID_LEAP = 1_000_000
"""By how much the ids of what is sent go on. Statuses carry them back, and those of the messages that the old
installation sent after the backup must not be taken for ours."""

OUTBOX = """
UPDATE outbox SET state = 'falhou', error = $1, error_code = NULL, retry_at = NULL
WHERE state IN ('pendente', 'enviando')
"""
INBOX = """
UPDATE inbox SET state = 'morta', error = $1, plugin = '', retry_at = NULL, done_at = now() WHERE state = 'pendente'
"""
# What was due in between, or asked for, may have been done: the next time is worked out from now.
SCHEDULE = """
UPDATE agendamento SET next_run = CASE WHEN next_run > now() THEN next_run END, asked_at = NULL
WHERE next_run <= now() OR asked_at IS NOT NULL
"""
# Whom a campaign wrote to since the backup nobody knows here: its next wave waits for a person.
MAILINGS = "UPDATE mailing SET state = 'pausada', reason = $1 WHERE state = 'aberta'"
# A session that was ended since must not open the panel again.
SESSIONS = "DELETE FROM panel_session"
LEAP = "SELECT setval(pg_get_serial_sequence('outbox', 'id'), nextval(pg_get_serial_sequence('outbox', 'id')) + $1)"


class Aside(msgspec.Struct, frozen=True):
    """How many messages were set aside, and how many due times passed over."""

    inbox: int
    outbox: int
    agendamentos: int


async def set_aside(connection: asyncpg.Connection, made_at: datetime) -> Aside:
    """To be done in the transaction that restores, before anybody else can see a row."""
    why = f"{RESTORED} do backup de {made_at:%d/%m/%Y %H:%M} UTC"
    outbox = await connection.execute(OUTBOX, why)
    inbox = await connection.execute(INBOX, why)
    agendamentos = await connection.execute(SCHEDULE)
    await connection.execute(MAILINGS, why)
    await connection.execute(SESSIONS)
    await connection.execute(LEAP, ID_LEAP)
    return Aside(_count(inbox), _count(outbox), _count(agendamentos))


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
