"""To which form of a number messages go: WhatsApp's own, and the other one once when nothing arrives."""

import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, conversa_of, runtime

from wabot import receipts
from wabot.db.engine import DB
from wabot.identity import conversas_of
from wabot.message import Sender, TextMessage
from wabot.outbox import Outbox, encode
from wabot.whatsapp.client import Accepted, NotSent

LONG, SHORT = "5531980000001", "553180000001"


class Meta:
    """Stands in for the Graph API: knows some addresses, each by a name of its own, and refuses all others."""

    def __init__(self, **known: str) -> None:
        self.known = {f"+{form}": calls for form, calls in known.items()}
        self.tried: list[str] = []

    async def send(self, _, body):
        self.tried.append(body.get("to") or body["recipient"])
        if (to := body.get("to")) is None:
            return Accepted(f"wamid.{len(self.tried)}", user_id=self.known[f"+{body['recipient']}"])
        if to not in self.known:
            raise NotSent(131026, 400, "Message undeliverable")
        return Accepted(f"wamid.{len(self.tried)}", wa_id=self.known[to])


@pytest_asyncio.fixture
async def bot(database):
    return await add_bot()


async def written_down(bot, telefone=LONG, bsuid=None):
    """A cliente the shop added by the number it knows."""
    return await DB.fetchval(
        """INSERT INTO cliente (chatbot, telefone, wa_id, phone_key, bsuid)
           VALUES ($1, $2, nullif($2, ''), nullif($2, ''), $3) RETURNING id""",
        bot.id,
        telefone,
        bsuid,
    )


async def goes_to(bot, meta, cliente, words="oi"):
    """One message to this cliente; the addresses it was tried at."""
    before, conversa = len(meta.tried), await conversa_of(cliente)
    await DB.execute("UPDATE conversa SET last_inbound_at = now() WHERE id = $1", conversa)
    await DB.execute(
        "INSERT INTO outbox (chatbot, conversa, content) VALUES ($1, $2, $3)",
        bot.id,
        conversa,
        *encode([TextMessage(words)]),
    )
    await Outbox(meta, FixedRuntimes(runtime(bot))).deliver(conversa)
    return meta.tried[before:]


async def is_told(bot, status, code=None):
    """A status of the message that was sent last. Returns the conversas in which something may go now."""
    last = await DB.fetchrow("SELECT id, wamid FROM outbox WHERE wamid IS NOT NULL ORDER BY id DESC LIMIT 1")
    await DB.execute(
        """INSERT INTO receipt (chatbot, wamid, status, recipient, outbox, at, error_code, raw)
           SELECT $1, $2, $3, count(*)::text, $4, now(), $5, '' FROM receipt""",
        bot.id,
        last["wamid"],
        status,
        last["id"],
        code,
    )
    return await receipts.apply()


async def form_of(cliente):
    return await DB.fetchval("SELECT wa_id FROM cliente WHERE id = $1", cliente)


async def states():
    return [row["state"] for row in await DB.fetch("SELECT state FROM outbox ORDER BY id")]


async def test_what_whatsapp_calls_somebody_is_kept_beside_what_was_written_down(bot):
    ana, meta = await written_down(bot), Meta(**{LONG: SHORT, SHORT: SHORT})
    assert await goes_to(bot, meta, ana) == [f"+{LONG}"]
    assert await goes_to(bot, meta, ana) == [f"+{SHORT}"]
    assert await DB.fetchval("SELECT telefone FROM cliente WHERE id = $1", ana) == LONG


@pytest.mark.parametrize(("known", "works"), [(LONG, SHORT), (SHORT, LONG)])
async def test_what_cannot_be_delivered_goes_once_to_the_other_form_and_stays_with_what_works(
    bot, known, works
):
    [conversa] = await conversas_of([(bot.id, Sender(wa_id=known))])
    ana = await DB.fetchval("SELECT cliente FROM conversa WHERE id = $1", conversa)
    meta = Meta(**{works: works})
    assert await goes_to(bot, meta, ana) == [f"+{known}", f"+{works}"]
    assert await form_of(ana) == known, "that it was taken does not mean that it arrived"
    await is_told(bot, "delivered")
    assert await form_of(ana) == works
    assert await goes_to(bot, meta, ana) == [f"+{works}"]


async def test_where_neither_form_works_it_has_failed(bot):
    ana, meta = await written_down(bot), Meta()
    assert await goes_to(bot, meta, ana) == [f"+{LONG}", f"+{SHORT}"]
    assert await states() == ["falhou"]


async def test_a_landline_has_no_other_form_to_try(bot):
    ana, meta = await written_down(bot, "553132220001"), Meta()
    assert await goes_to(bot, meta, ana) == ["+553132220001"]
    assert await states() == ["falhou"]


async def test_what_a_status_says_was_undeliverable_goes_once_to_the_other_form(bot):
    ana, meta = await written_down(bot), Meta(**{LONG: LONG, SHORT: SHORT})
    await goes_to(bot, meta, ana)
    assert await is_told(bot, "failed", 131026) == [await conversa_of(ana)]
    assert await is_told(bot, "failed", 131026) == [], "a status that comes twice"
    await Outbox(meta, FixedRuntimes(runtime(bot))).deliver(await conversa_of(ana))
    assert meta.tried == [f"+{LONG}", f"+{SHORT}"]
    assert await is_told(bot, "failed", 131026) == []
    assert await states() == ["falhou", "falhou"]


async def test_other_failures_are_not_tried_elsewhere(bot):
    ana, meta = await written_down(bot), Meta(**{LONG: LONG})
    await goes_to(bot, meta, ana)
    assert await is_told(bot, "failed", 131047) == []
    assert await states() == ["falhou"]


async def test_an_answer_does_not_undo_what_a_delivered_message_has_shown(bot):
    ana, meta = await written_down(bot, SHORT), Meta(**{LONG: SHORT})
    await DB.execute("UPDATE cliente SET phone_key = $1 WHERE id = $2", LONG, ana)
    await goes_to(bot, meta, ana)
    await is_told(bot, "delivered")
    assert await goes_to(bot, meta, ana) == [f"+{LONG}"]
    assert await form_of(ana) == LONG, "the answer still calls it by the form that does not work"


async def test_another_user_id_in_the_answer_is_the_same_person(bot):
    ana = await written_down(bot, "", "BR.1")
    assert await goes_to(bot, Meta(**{"BR.1": "BR.2"}), ana) == ["BR.1"]
    assert await conversas_of([(bot.id, Sender(bsuid="BR.2"))]) == [await conversa_of(ana)]


async def test_a_number_whatsapp_calls_by_another_one_leads_to_the_same_person(bot):
    mexican, answered = "5215512345678", "525512345678"
    ana = await written_down(bot, mexican)
    await goes_to(bot, Meta(**{mexican: answered}), ana)
    assert await form_of(ana) == answered
    assert await conversas_of([(bot.id, Sender(answered, "MX.1"))]) == [await conversa_of(ana)]


async def test_who_wrote_from_that_number_is_found_to_be_the_one_who_was_written_down(bot):
    mexican, answered = "5215512345678", "525512345678"
    [wrote] = await conversas_of([(bot.id, Sender(answered, "MX.1"))])
    await goes_to(bot, Meta(**{mexican: answered}), await written_down(bot, mexican))
    assert await conversas_of([(bot.id, Sender(mexican))]) == [wrote]
