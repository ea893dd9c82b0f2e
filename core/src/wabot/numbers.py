"""What Meta last said of each chatbot's number and account: quality, limit, restrictions, bans. One row a fact."""

from collections.abc import Sequence
from datetime import UTC, datetime

from wabot.db.directory import Bot
from wabot.db.engine import DB
from wabot.phone import canonical
from wabot.whatsapp.client import Credentials, Graph
from wabot.whatsapp.facts import ACCOUNT_OK, RESTRICTION, Fact, number_object

# The last one told counts, not the last one that came.
NOTE = """
INSERT INTO number_state AS known (chatbot, fact, value, detail, at, until)
SELECT $1, fact, value, detail, $2, until
FROM unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[]) AS told (fact, value, detail, until)
ON CONFLICT (chatbot, fact) DO UPDATE
SET value = excluded.value, detail = excluded.detail, at = excluded.at, until = excluded.until
WHERE known.at <= excluded.at
"""

# An account that is well again has no restriction left from before. Meta tells no end of one that has no date.
WELL_AGAIN = "DELETE FROM number_state WHERE chatbot = $1 AND at <= $2 AND fact LIKE $3 || '%'"


async def note(chatbot: int, facts: Sequence[Fact], at: datetime) -> bool:
    """Keep what Meta said at that time of this chatbot's number or account; whether any of it concerns it."""
    row = await DB.fetchrow("SELECT numero, phone_number_id FROM chatbot WHERE id = $1", chatbot)
    mine = [fact for fact in facts if row and _concerns(fact, row["numero"], row["phone_number_id"])]
    for fact in mine:
        if (fact.name, fact.value) == ("account", ACCOUNT_OK):
            await DB.execute(WELL_AGAIN, chatbot, at, RESTRICTION)
    told = {fact.name: fact for fact in mine}.values()
    columns = ([getattr(fact, name) for fact in told] for name in ("name", "value", "detail", "until"))
    await DB.execute(NOTE, chatbot, at, *columns)
    return bool(mine)


async def refresh(graph: Graph, bot: Bot) -> str:
    """Ask Meta about this bot's number, and return the quality it has. Raises NotSent and Unclear."""
    asked = datetime.now(UTC)
    facts = number_object(await graph.number(Credentials(bot.phone_number_id, bot.access_token)), asked)
    await note(bot.id, facts, asked)
    return next((fact.value for fact in facts if fact.name == "quality"), "UNKNOWN")


def _concerns(fact: Fact, numero: str, phone_number_id: str) -> bool:
    """A display number may be formatted, or lack the ninth digit."""
    return fact.number in ("", phone_number_id) or canonical(fact.number) == canonical(numero)
