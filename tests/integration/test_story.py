"""What became of a message is told from its rows: when, by whom, and what Meta said; what was written only if asked."""

import logging

import pytest
import pytest_asyncio
from tests.bots import add_bot, add_cliente, says
from tests.live import platform, until

from wabot import story
from wabot.db.engine import DB


@pytest_asyncio.fixture
async def live(database_uri, tmp_path):
    async with platform(database_uri, tmp_path) as running:
        yield running


async def read(live):
    """Ana has written, was answered, and the answer has been read."""
    ana = live.simulator.customer("5511987654321")
    await ana.says("quero o segredo")
    await until(_is("SELECT bool_and(state = 'enviada') FROM outbox"))
    await until(_is("SELECT bool_and(state = 'aplicada') AND count(*) >= 2 FROM receipt"))


def _is(sql):
    async def true():
        return bool(await DB.fetchval(sql))

    return true


async def test_the_whole_way_of_a_message_from_the_webhook_to_the_status(live):
    await read(live)
    told = await story.tell("inbox-1")
    whats = [step.what for step in told.steps]
    for what in ("written", "stored", "answered", "reply", "sending", "status", "enviada"):
        assert what in whats
    assert whats.index("stored") < whats.index("answered") <= whats.index("sending")
    [answered] = [step for step in told.steps if step.what == "answered"]
    assert "pedidos" in answered.message


async def test_the_same_story_by_any_of_its_ids(live):
    await read(live)
    outbox, theirs = await DB.fetchrow("SELECT id, wamid FROM outbox LIMIT 1")
    wamid = await DB.fetchval("SELECT wamid FROM inbox")
    whole = await story.tell("1")
    for name in ("inbox-1", wamid, f"outbox-{outbox}", f"wabot:{outbox}", theirs):
        assert await story.tell(name) == whole


async def test_what_was_written_is_told_only_if_asked_for(live):
    await read(live)
    assert not any(step.text for step in (await story.tell("1")).steps)
    assert "quero o segredo" in [step.text for step in (await story.tell("1", texts=True)).steps]


@pytest.mark.parametrize(
    "id", ["inbox-999", "outbox-999", "wabot:999", "wamid.XYZ", "outra-coisa", "", "9" * 30]
)
async def test_an_id_that_nobody_has_is_said_in_words(database, id):
    with pytest.raises(story.NoSuchMessage):
        await story.tell(id)


async def test_what_meta_refused_is_told_with_its_code_and_what_it_means(database):
    await says(await add_cliente(await add_bot()), "oi")
    await DB.execute(
        "UPDATE outbox SET state = 'falhou', error_code = 131026, error = 'Undeliverable', tries = 1"
    )
    [_, last] = (await story.tell("outbox-1")).steps
    assert "131026" in last.message
    assert "Undeliverable" in last.message


async def test_each_step_is_a_line_with_ids_and_nothing_about_anybody(live, caplog):
    caplog.set_level(logging.INFO, "wabot")
    await read(live)
    lines = {record.getMessage(): record.ids for record in caplog.records if hasattr(record, "ids")}
    assert lines["stored"] == {"chatbot": live.bot.id, "conversa": 1, "inbox": 1}
    assert lines["turn"]["inbox"] == 1
    assert lines["turn"]["etapa"].startswith("pedidos")
    assert lines["sent"]["conversa"] == 1
    assert lines["status"]["outbox"] == lines["sent"]["outbox"]
    assert "98765" not in caplog.text
    assert "segredo" not in caplog.text
