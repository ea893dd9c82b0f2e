"""Files of ours on their way out: uploaded once, replaced when Meta does not know them any more; and whole chats."""

import asyncio

import msgspec
import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime, says
from tests.live import SECRET, give, platform, until

from wabot import Ask, Context, DocumentMessage, End, Flow, Go, ImageMessage, LocationMessage
from wabot.contents import Location
from wabot.db.engine import DB
from wabot.media import erase, upload
from wabot.media.kept import ChatbotFiles
from wabot.message import Outbound, TextMessage
from wabot.outbox import Outbox, encode
from wabot.storage import STORAGE
from wabot.testing.files import sample
from wabot.testing.simulator import Simulator
from wabot.turn import BoundFlow
from wabot.whatsapp.client import Graph, NotSent

MENU = b"%PDF-1.7 o cardapio"


class Sender:
    """A bot that has something to send, and the outboxes of as many workers as a test wants."""

    def __init__(self, bot, meta):
        self.bot, self.meta = bot, meta
        self.graph = Graph(meta.graph_url, "v26.0")
        self.files = ChatbotFiles(bot.id)
        self.outbox = self.another()

    def another(self):
        return Outbox(self.graph, FixedRuntimes(runtime(self.bot)))

    async def puts(self, message: Outbound) -> int:
        """A message for a new cliente; their conversa."""
        return await says(await add_cliente(self.bot), message)

    async def states(self):
        return [row["state"] for row in await DB.fetch("SELECT state FROM outbox ORDER BY id")]

    @property
    def ids_sent(self):
        return [sent.body["document"]["id"] for sent in self.meta.sent]


@pytest_asyncio.fixture
async def sender(database, tmp_path):
    STORAGE.open(tmp_path)
    async with Simulator(app_secret=SECRET).serve() as meta:
        found = Sender(await add_bot(), meta)
        yield found
        await found.graph.close()
    STORAGE.close()


async def test_many_sends_by_several_workers_upload_once(sender):
    menu = await sender.files.keep(MENU, filename="cardápio.pdf")
    conversas = [await sender.puts(DocumentMessage(file=menu, caption="Hoje")) for _ in range(20)]
    workers = [sender.another() for _ in range(3)]
    await asyncio.gather(*(workers[n % 3].deliver(conversa) for n, conversa in enumerate(conversas)))
    (uploaded,) = sender.meta.media.uploaded
    assert (uploaded.content, uploaded.mime_type) == (MENU, "application/pdf")
    assert sender.ids_sent == [uploaded.id] * 20
    assert sender.meta.sent[0].body["document"] == {
        "id": uploaded.id,
        "caption": "Hoje",
        "filename": "cardápio.pdf",
    }


async def test_within_a_process_nobody_looks_again_and_again_whether_the_upload_is_done(sender, monkeypatch):
    monkeypatch.setattr(upload, "LOOK_AGAIN", 3600)
    menu = DocumentMessage(file=await sender.files.keep(MENU))
    conversas = [await sender.puts(menu) for _ in range(5)]
    async with asyncio.timeout(10):
        await asyncio.gather(*map(sender.outbox.deliver, conversas))
    assert len(sender.meta.sent) == 5


async def test_a_file_that_meta_forgot_is_uploaded_again_in_the_same_try(sender):
    menu = DocumentMessage(file=await sender.files.keep(MENU))
    await sender.outbox.deliver(await sender.puts(menu))
    sender.meta.media.files.clear()
    await sender.outbox.deliver(await sender.puts(menu))
    assert await sender.states() == ["enviada", "enviada"]
    assert sender.ids_sent == [media.id for media in sender.meta.media.uploaded]
    assert len(set(sender.ids_sent)) == 2


async def test_an_id_is_used_for_29_days(sender):
    menu = DocumentMessage(file=await sender.files.keep(MENU))
    await sender.outbox.deliver(await sender.puts(menu))
    await DB.execute("UPDATE media_upload SET expires_at = expires_at - interval '29 days'")
    await sender.outbox.deliver(await sender.puts(menu))
    assert len(sender.meta.media.uploaded) == 2


async def test_while_a_file_is_uploaded_no_other_worker_takes_its_message(sender, monkeypatch):
    monkeypatch.setattr("wabot.outbox.UNCLEAR_AFTER", 0.0)
    conversa = await sender.puts(DocumentMessage(file=await sender.files.keep(MENU)))
    slowly, begun, go_on = upload.upload, asyncio.Event(), asyncio.Event()

    async def slow(*args):
        begun.set()
        await go_on.wait()
        return await slowly(*args)

    monkeypatch.setattr(upload, "upload", slow)
    first = asyncio.create_task(sender.outbox.deliver(conversa))
    await begun.wait()
    await sender.another().deliver(conversa)
    assert sender.meta.sent == []
    go_on.set()
    await first
    assert len(sender.meta.sent) == 1


async def test_a_message_that_another_worker_has_taken_is_not_sent_after_the_upload(sender, monkeypatch):
    conversa = await sender.puts(DocumentMessage(file=await sender.files.keep(MENU)))

    async def for_ever(*_):
        await DB.execute("UPDATE outbox SET tries = tries + 1, sending_at = now()")
        return "77"

    monkeypatch.setattr(upload, "upload", for_ever)
    await sender.outbox.deliver(conversa)
    assert sender.meta.sent == []
    assert await sender.states() == ["enviando"]


async def test_an_upload_that_fails_is_tried_again_later(sender, monkeypatch):
    async def away(*_):
        raise NotSent(None, 0, "no connection")

    conversa = await sender.puts(DocumentMessage(file=await sender.files.keep(MENU)))
    with monkeypatch.context() as network:
        network.setattr(upload, "upload", away)
        await sender.outbox.deliver(conversa)
    assert await sender.states() == ["pendente"]
    await DB.execute("UPDATE outbox SET retry_at = NULL")
    await sender.outbox.deliver(conversa)
    assert await sender.states() == ["enviada"]


async def test_what_meta_would_refuse_is_given_up_and_the_next_one_goes(sender):
    page = await sender.files.keep(b"<html>", mime_type="text/html")
    conversa = await sender.puts(ImageMessage(file=page))
    await DB.execute(
        "INSERT INTO outbox (chatbot, conversa, content) VALUES ($1, $2, $3)",
        sender.bot.id,
        conversa,
        *encode([TextMessage("oi")]),
    )
    await sender.outbox.deliver(conversa)
    assert await sender.states() == ["falhou", "enviada"]
    assert "image: text/plain" in await DB.fetchval("SELECT error FROM outbox ORDER BY id LIMIT 1")


async def test_a_file_that_was_erased_meanwhile_is_not_sent(sender):
    cliente = await add_cliente(sender.bot)
    conversa = await conversa_of(cliente)
    receipt = await ChatbotFiles(sender.bot.id, conversa).keep(MENU)
    await erase.mark([conversa])
    await erase.finish()
    await sender.outbox.deliver(await sender.puts(DocumentMessage(file=receipt)))
    assert await sender.states() == ["falhou"]
    assert sender.meta.sent == []


# -- whole chats ---------------------------------------------------------------------------------------------


class Nada(msgspec.Struct):
    pass


conserto = Flow("conserto", data=Nada)


@conserto.etapa
async def pedir_foto(ctx: Context[Nada]):
    async def then(caption: str):
        assert ctx.message.media
        foto = await ctx.files.read(ctx.message.media)
        ctx.event("conserto.foto", bytes=len(foto), caption=caption)
        return Go(agradecer, say=["Recebi.", LocationMessage(Location(-23.5, -46.6, "Oficina"))])

    return Ask("Mande uma foto do defeito.", check=str, then=then, kinds=("image",))


@conserto.etapa
async def agradecer(ctx: Context[Nada]):
    menu = await ctx.files.keep(MENU, filename="preços.pdf")
    return End(["Estes são os preços:", DocumentMessage(file=menu), "Até já!"])


@pytest_asyncio.fixture
async def live(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, plugin=None) as running:
        await give(running.process, flows=(BoundFlow(conserto),))
        yield running


async def test_a_customer_sends_a_picture_and_gets_a_place_and_a_document(live):
    ana = live.simulator.customer("Ana")
    await ana.says("oi")
    await ana.sees("Mande uma foto")
    await ana.says("está quebrado")
    await ana.sees("Aqui preciso de uma foto")
    await ana.sends("image", "o motor")
    await ana.sees("Recebi.")
    assert (await ana.sees("Oficina")).type == "location"
    await ana.sees("Estes são os preços:")
    assert (await ana.sees()).header == "preços.pdf"
    await ana.sees("Até já!")
    fields = await DB.fetchval("SELECT fields FROM event WHERE name = 'conserto.foto'")
    assert msgspec.json.decode(fields) == {"bytes": len(sample("image")), "caption": "o motor"}


async def test_a_message_that_is_delivered_again_brings_no_erased_file_back(live):
    live.simulator.faults.duplicate = 2
    ana = live.simulator.customer("Ana")
    await ana.sends("document", file=b"%PDF-1.7 do cliente", filename="nota.pdf")
    await ana.sees("Mande uma foto")

    async def fetched():
        return await DB.fetchval("SELECT state FROM media") == "guardada"

    await until(fetched)
    await erase.mark([await DB.fetchval("SELECT id FROM conversa")])
    await erase.finish()
    wamid = await DB.fetchval("SELECT wamid FROM inbox")
    raw = await DB.fetchval("SELECT raw FROM inbox")
    value = {
        "metadata": {"phone_number_id": live.bot.phone_number_id},
        "messages": [msgspec.json.decode(raw)],
    }
    answer = await live.deliver({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]})
    assert answer.status_code == 200
    assert await DB.fetchval("SELECT count(*) FROM inbox WHERE wamid = $1", wamid) == 1
    assert await DB.fetchval("SELECT count(*) FROM media") == 0


async def test_an_edit_and_a_deletion_mark_the_original_and_are_not_answered(live):
    ana = live.simulator.customer("Ana")
    first = await ana.says("oi")
    await ana.sees("Mande uma foto")
    edit, revoke = await ana.edits(first, "olá"), await ana.deletes(first)

    async def attended():
        sql = "SELECT count(*) FROM inbox WHERE wamid = ANY ($1) AND state = 'atendida'"
        return await DB.fetchval(sql, [edit, revoke]) == 2

    await until(attended)
    row = await DB.fetchrow("SELECT * FROM inbox WHERE wamid = $1", first)
    assert row["edited_text"] == "olá"
    assert row["edited_at"]
    assert row["revoked_at"]
    assert len(live.simulator.sent) == 1


async def test_nobody_edits_what_somebody_else_wrote(live):
    ana, bia = live.simulator.customer("Ana"), live.simulator.customer("Bia")
    first = await ana.says("oi")
    edit = await bia.edits(first, "outra coisa")

    async def attended():
        return await DB.fetchval("SELECT state FROM inbox WHERE wamid = $1", edit) == "atendida"

    await until(attended)
    assert await DB.fetchval("SELECT edited_at FROM inbox WHERE wamid = $1", first) is None


@pytest.mark.parametrize("kind", ["image", "audio", "video", "document", "sticker"])
async def test_every_class_of_file_is_fetched_as_soon_as_it_comes(live, kind):
    ana = live.simulator.customer("Ana")
    await ana.sends(kind)

    async def fetched():
        row = await DB.fetchrow("SELECT state, size FROM media")
        return tuple(row or ()) == ("guardada", len(sample(kind)))

    await until(fetched)
