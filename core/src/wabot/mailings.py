"""Mailings: the messages of one wave of a campaign, which are held, let go and withdrawn together.

What has been put in the outbox waits there, for minutes or for hours. A mailing is a row that says how its messages
stand, and every one of them asks it before it goes: so a pause, the end of a campaign and the hours in which nobody is
written to hold for what waits as for what is still to come.
"""

from typing import Any, ClassVar

import msgspec

from wabot.db.engine import DB
from wabot.parts import Horario

SPAM = 131048
"""Meta's code for: people block or report this number, or its quality is low. Sending on makes it worse."""
SPAM_SAID = (
    "A Meta limitou o número por denúncias ou baixa qualidade (131048). Reveja o público e o texto antes de "
    "retomar."
)
RED_SAID = "A qualidade do número caiu para vermelha na Meta. Espere que se recupere antes de retomar."
WITHDRAWN = "retirada: a campanha foi encerrada"
"""What stands in the outbox beside a message that was withdrawn before it went."""

START = "INSERT INTO mailing (chatbot, plugin, quiet_from, quiet_until) VALUES ($1, $2, $3, $4) RETURNING id"
QUIET = "UPDATE mailing SET quiet_from = $3, quiet_until = $4 WHERE chatbot = $1 AND id = $2"
STATE = "UPDATE mailing SET state = $3, reason = $4 WHERE chatbot = $1 AND id = $2 AND state <> 'encerrada'"
BRAKE = """
UPDATE mailing SET state = 'pausada', reason = $2 WHERE chatbot = $1 AND state = 'aberta' RETURNING id
"""

# Always after the mailing's own row: whoever holds a message back takes the two in the same order.
KEEP_BACK = """
UPDATE outbox SET retry_at = 'infinity' WHERE chatbot = $1 AND bulk AND state = 'pendente'
    AND mailing = ANY ($2)
"""
LET_GO = """
UPDATE outbox SET retry_at = NULL WHERE chatbot = $1 AND bulk AND state = 'pendente' AND mailing = $2
    AND retry_at = 'infinity'
"""
WITHDRAW = """
WITH gone AS (
    UPDATE outbox SET state = 'falhou', error = $3
    WHERE chatbot = $1 AND bulk AND state = 'pendente' AND mailing = $2 RETURNING 1
)
SELECT count(*) FROM gone
"""

# A message in hand whose mailing does not let it go now, and until when. The lock waits for whoever is resuming the
# mailing: else this one would be put back for good just after the others were let go. An open one is not locked.
HOLD_BACK = """
WITH clock AS (
    SELECT mailing.id, timezone, now() AT TIME ZONE timezone AS here
    FROM mailing JOIN chatbot ON chatbot.id = mailing.chatbot WHERE mailing.id = $3
), held AS (
    SELECT state, CASE state WHEN 'aberta' THEN (date_trunc('day', here) + quiet_until
            + CASE WHEN here::time >= quiet_until THEN interval '1 day' ELSE '0' END) AT TIME ZONE timezone
        ELSE 'infinity' END AS until
    FROM mailing JOIN clock USING (id)
    WHERE state <> 'aberta' OR CASE
        WHEN quiet_from < quiet_until THEN here::time >= quiet_from AND here::time < quiet_until
        WHEN quiet_from > quiet_until THEN here::time >= quiet_from OR here::time < quiet_until
        ELSE false END
    FOR SHARE OF mailing
)
UPDATE outbox SET state = CASE held.state WHEN 'encerrada' THEN 'falhou' ELSE 'pendente' END, retry_at = held.until,
    error = CASE held.state WHEN 'encerrada' THEN $4 ELSE '' END
FROM held WHERE outbox.id = $1 AND outbox.state = 'enviando' AND wamid IS NULL AND tries = $2
RETURNING outbox.state = 'falhou' AS over
"""


class Mailing(msgspec.Struct, frozen=True):
    """The messages that a plugin sends as one: `Recipient(cliente, template, mailing.id)` puts one of them in it."""

    chatbot: int
    id: int

    WITHDRAWN: ClassVar[str] = WITHDRAWN

    @classmethod
    async def start(cls, chatbot: int, plugin: str, quiet: Horario) -> "Mailing":
        """A new one, whose messages go at any time but in those hours of the bot's own zone."""
        return cls(chatbot, await DB.fetchval(START, chatbot, plugin, quiet.das, quiet.ate))

    async def keep_quiet(self, quiet: Horario) -> None:
        """Other hours in which nobody is written to. From and until the same: none."""
        await DB.execute(QUIET, self.chatbot, self.id, quiet.das, quiet.ate)

    async def pause(self, reason: str = "") -> None:
        """Hold back what waits, and whatever comes, until it is resumed."""
        async with DB.transaction():
            await DB.execute(STATE, self.chatbot, self.id, "pausada", reason)
            await DB.execute(KEEP_BACK, self.chatbot, [self.id])

    async def resume(self) -> None:
        """What was held back goes on, in its order."""
        async with DB.transaction():
            await DB.execute(STATE, self.chatbot, self.id, "aberta", "")
            await DB.execute(LET_GO, self.chatbot, self.id)

    async def withdraw(self) -> int:
        """For good: nothing of it is sent any more. Returns how many messages waited. They are `falhou`, WITHDRAWN."""
        async with DB.transaction():
            await DB.execute(STATE, self.chatbot, self.id, "encerrada", "")
            return int(await DB.fetchval(WITHDRAW, self.chatbot, self.id, WITHDRAWN))


async def brake(chatbot: int, reason: str) -> None:
    """Pause every mailing of this chatbot: its number has come into danger. A person resumes them."""
    async with DB.transaction():
        stopped = [row["id"] for row in await DB.fetch(BRAKE, chatbot, reason)]
        if stopped:
            await DB.execute(KEEP_BACK, chatbot, stopped)


async def held_back(row: Any) -> bool | None:
    """Put a claimed message back (False) or end it (True) if its mailing does not let it go now. None: it may go."""
    if row["mailing"] is None:
        return None
    over: bool | None = await DB.fetchval(HOLD_BACK, row["id"], row["tries"], row["mailing"], WITHDRAWN)
    return over
