"""Fetching what customers send: whatever goes wrong at Meta, on the way or here, and that it happens once."""

import asyncio
import hashlib

import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime
from tests.live import SECRET

from wabot.contents import Media
from wabot.db.engine import DB
from wabot.errors import NoFile, NoFileYet
from wabot.media import fetch, incoming, kept
from wabot.media.erase import erase_older, finish, mark
from wabot.media.fetch import Fetcher
from wabot.media.kept import ChatbotFiles
from wabot.storage import STORAGE, Folder
from wabot.testing.files import sample
from wabot.testing.simulator import Simulator
from wabot.whatsapp.client import Graph, NotSent

FOTO = sample("image")


class Killed(BaseException):
    """The process ends here."""


class Shop:
    """A bot, a cliente with a conversa, and the folder its files are in."""

    def __init__(self, bot, cliente, conversa, meta, home):
        self.bot, self.cliente, self.conversa, self.meta, self.home = bot, cliente, conversa, meta, home
        self.graph = Graph(meta.graph_url, "v26.0")
        self.fetcher = self.another()
        self.files = ChatbotFiles(bot.id, conversa)
        self._count = 0

    def another(self):
        return Fetcher(self.graph, FixedRuntimes(runtime(self.bot)))

    async def receives(self, content=FOTO, mime="image/jpeg", conversa=None, **about):
        """A message with a file, stored; what it says of the file."""
        self._count += 1
        at_meta = self.meta.media.add(mime, content)
        media = Media(at_meta.id, mime, at_meta.sha256, **about)
        await incoming.store([(self.bot.id, conversa or self.conversa, f"wamid.{self._count}", media)])
        return media

    async def row(self, media):
        return await DB.fetchrow("SELECT * FROM media WHERE media_id = $1", media.id)

    def kept(self):
        """The files on the disk."""
        root = self.home / "media"
        return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())

    async def leases_run_out(self):
        await DB.execute("UPDATE media SET retry_at = now() WHERE state = 'pendente'")


@pytest_asyncio.fixture
async def shop(database, tmp_path):
    STORAGE.open(tmp_path)
    async with Simulator(app_secret=SECRET).serve() as meta:
        bot = await add_bot()
        cliente = await add_cliente(bot)
        found = Shop(bot, cliente, await conversa_of(cliente), meta, tmp_path)
        yield found
        await found.graph.close()
    STORAGE.close()


def key(shop, content=FOTO):
    sha256 = hashlib.sha256(content).hexdigest()
    return f"{shop.bot.id}/{sha256[:2]}/{sha256}"


async def test_a_picture_is_fetched_and_kept_under_the_name_of_what_is_in_it(shop):
    media = await shop.receives(filename="../../etc/passwd")
    assert await shop.fetcher.look()
    row = await shop.row(media)
    assert (row["state"], row["size"], row["mime_type"]) == ("guardada", len(FOTO), "image/jpeg")
    assert shop.kept() == [key(shop)]
    assert await shop.files.read(media) == FOTO
    assert not await shop.fetcher.look()


async def test_what_a_file_is_comes_from_its_bytes(shop):
    page = await shop.receives(b"<html><script>", mime="image/jpeg")
    await shop.fetcher.look()
    assert (await shop.row(page))["mime_type"] == "application/octet-stream"


async def test_the_same_picture_twice_is_kept_once_and_never_shared_between_businesses(shop):
    await shop.receives()
    await shop.receives()
    other = Shop(await add_bot(2), 0, None, shop.meta, shop.home)
    theirs = await other.receives()
    while await shop.fetcher.look() or await other.fetcher.look():
        pass
    await shop.leases_run_out()
    await other.fetcher.look()
    await other.graph.close()
    assert shop.kept() == sorted([key(shop), key(other)])
    with pytest.raises(NoFile):
        await shop.files.read(theirs)


async def test_an_address_that_expired_is_asked_for_again(shop, monkeypatch):
    media = await shop.receives()
    given = shop.meta.media.address

    def late(file):
        url = given(file)
        shop.meta.media.expire_addresses()
        monkeypatch.setattr(shop.meta.media, "address", given)
        return url

    monkeypatch.setattr(shop.meta.media, "address", late)
    await shop.fetcher.look()
    assert (await shop.row(media))["state"] == "guardada"


async def test_other_bytes_than_announced_are_never_kept_and_given_up_after_three_tries(shop):
    media = await shop.receives()
    shop.meta.media.served[media.id] = FOTO[:-1] + b"x"
    for _ in range(3):
        assert (await shop.row(media))["state"] == "pendente"
        await shop.leases_run_out()
        await shop.fetcher.look()
    row = await shop.row(media)
    assert (row["state"], row["error"]) == ("falhou", fetch.WRONG)
    assert shop.kept() == []
    with pytest.raises(NoFile, match="não é o arquivo que a Meta anunciou"):
        await shop.files.read(media)


@pytest.mark.parametrize("lie", [False, True], ids=["said to be", "longer than said"])
async def test_a_file_that_is_too_large_is_not_kept(shop, monkeypatch, lie):
    monkeypatch.setattr(fetch, "MOST", 100)
    media = await shop.receives(b"a" * 50 if lie else FOTO)
    if lie:
        shop.meta.media.served[media.id] = b"a" * 200_000
    await shop.fetcher.look()
    row = await shop.row(media)
    assert (row["state"], row["error"]) == ("falhou", fetch.TOO_LARGE)
    assert shop.kept() == []
    assert shop.meta.media.downloads[media.id] == int(lie)


async def test_a_file_that_meta_does_not_have_any_more_is_lost_and_says_so(shop):
    media = await shop.receives()
    del shop.meta.media.files[media.id]
    await shop.fetcher.look()
    row = await shop.row(media)
    assert (row["state"], row["error"]) == ("falhou", fetch.GONE)


async def test_after_seven_days_it_has_expired_and_says_so(shop):
    media = await shop.receives()
    await DB.execute("UPDATE media SET received_at = now() - interval '7 days 1 second'")
    await shop.fetcher.look()
    assert (await shop.row(media))["state"] == "expirada"
    with pytest.raises(NoFile, match="venceu na Meta"):
        await shop.files.read(media)


@pytest.mark.parametrize(("code", "status"), [(190, 401), (None, 0), (None, 503), (130429, 429)], ids=str)
async def test_what_may_pass_or_be_mended_is_tried_until_the_id_is_dead(shop, monkeypatch, code, status):
    async def refused(*_):
        raise NotSent(code, status, "")

    media = await shop.receives()
    with monkeypatch.context() as meta_is_away:
        meta_is_away.setattr(fetch, "describe", refused)
        for _ in range(12):
            await shop.leases_run_out()
            await shop.fetcher.look()
    row = await shop.row(media)
    assert row["state"] == "pendente"
    assert row["error"]
    await shop.leases_run_out()
    await shop.fetcher.look()
    assert (await shop.row(media))["state"] == "guardada"


async def test_killed_between_the_download_and_the_commit_it_is_fetched_again(shop, monkeypatch):
    media = await shop.receives()
    move = Folder.put

    async def killed(self, path, name):
        await move(self, path, name)
        raise Killed

    with monkeypatch.context() as power_cut:
        power_cut.setattr(Folder, "put", killed)
        with pytest.raises(Killed):
            await shop.fetcher.look()
    assert (await shop.row(media))["state"] == "pendente"
    assert not await shop.fetcher.look()  # the claim of the dead still holds
    await shop.leases_run_out()
    await shop.fetcher.look()
    assert (await shop.row(media))["state"] == "guardada"
    assert shop.kept() == [key(shop)]


async def test_a_disk_that_is_full_loses_nothing(shop, monkeypatch):
    async def full(*_):
        raise OSError(28, "No space left on device")

    media = await shop.receives()
    with monkeypatch.context() as disk:
        disk.setattr(Folder, "put", full)
        await shop.fetcher.look()
    row = await shop.row(media)
    assert (row["state"], row["error"]) == ("pendente", fetch.NO_ROOM)
    assert shop.kept() == []


async def test_two_workers_at_once_fetch_once(shop):
    media = await shop.receives()
    assert sorted(await asyncio.gather(*(shop.another().look() for _ in range(4)))) == [
        False,
        False,
        False,
        True,
    ]
    assert shop.meta.media.downloads[media.id] == 1


async def test_a_worker_that_stops_leaves_its_file_to_others_at_once(shop, monkeypatch):
    media = await shop.receives()
    begun = asyncio.Event()

    async def slow(*_):
        begun.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as meta_is_slow:
        meta_is_slow.setattr(fetch, "download", slow)
        looking = asyncio.create_task(shop.fetcher.look())
        await begun.wait()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
    assert await shop.another().look()
    assert (await shop.row(media))["state"] == "guardada"
    assert shop.kept() == [key(shop)]


async def test_a_download_without_end_is_cut_off_and_tried_again(shop, monkeypatch):
    async def slow(*_):
        await asyncio.Event().wait()

    media = await shop.receives()
    monkeypatch.setattr(fetch, "FETCH_LIMIT", 0.05)
    monkeypatch.setattr(fetch, "download", slow)
    await shop.fetcher.look()
    assert (await shop.row(media))["state"] == "pendente"


async def test_who_reads_a_file_that_is_on_its_way_waits_for_it(shop):
    media = await shop.receives()
    content, _ = await asyncio.gather(shop.files.read(media), shop.fetcher.look())
    assert content == FOTO


async def test_who_reads_a_file_that_does_not_come_is_told(shop, monkeypatch):
    monkeypatch.setattr(kept, "WAIT", 0)
    media = await shop.receives()
    with pytest.raises(NoFileYet, match="ainda está sendo baixado"):
        await shop.files.read(media)
    with pytest.raises(NoFile, match="não está guardado"):
        await shop.files.read(Media("de-outro"))


async def test_what_a_plugin_keeps_is_read_back_and_kept_once(shop):
    first = await shop.files.keep(b"%PDF-1.7 menu", filename="cardápio.pdf")
    again = await shop.files.keep(b"%PDF-1.7 menu", filename="cardápio.pdf")
    assert first == again
    assert (first.mime_type, first.filename) == ("application/pdf", "cardápio.pdf")
    assert await shop.files.read(first) == b"%PDF-1.7 menu"
    assert len(shop.kept()) == 1
    assert await DB.fetchval("SELECT count(*) FROM media") == 1


async def test_another_business_cannot_read_a_file_by_its_name(shop):
    ours = await shop.files.keep(b"segredo")
    with pytest.raises(NoFile):
        await ChatbotFiles(shop.bot.id + 1).read(ours)


# -- erasing -------------------------------------------------------------------------------------------------


async def erase(conversa):
    await mark([conversa])
    return await finish()


async def test_erasing_a_cliente_takes_rows_files_and_what_is_still_to_come(shop):
    fetched = await shop.receives()
    await shop.fetcher.look()
    await shop.receives(b"%PDF-1.7")
    await shop.files.keep(b"recibo")
    assert await erase(shop.conversa) == 3
    assert shop.kept() == []
    assert await DB.fetchval("SELECT count(*) FROM media") == 0
    assert await erase(shop.conversa) == 0
    assert not await shop.fetcher.look()
    with pytest.raises(NoFile):
        await shop.files.read(fetched)


async def test_a_file_that_somebody_else_sent_as_well_stays(shop):
    bia = await add_cliente(shop.bot, "Bia")
    await shop.receives()
    theirs = await shop.receives(conversa=await conversa_of(bia))
    while await shop.fetcher.look():
        pass
    await erase(shop.conversa)
    assert await shop.files.read(theirs) == FOTO
    await erase(await conversa_of(bia))
    assert shop.kept() == []


async def test_erasing_that_is_cut_short_is_finished_by_whoever_looks_next(shop, monkeypatch):
    await shop.receives()
    await shop.fetcher.look()
    remove = Folder.remove

    async def killed(self, name):
        await remove(self, name)
        raise Killed

    with monkeypatch.context() as power_cut:
        power_cut.setattr(Folder, "remove", killed)
        with pytest.raises(Killed):
            await erase(shop.conversa)
    assert await DB.fetchval("SELECT state FROM media") == "apagando"
    assert await shop.fetcher.look()
    assert (await DB.fetchval("SELECT count(*) FROM media"), shop.kept()) == (0, [])


async def test_a_file_being_fetched_while_it_is_erased_is_not_kept(shop, monkeypatch):
    media = await shop.receives()
    keep = fetch._keep

    async def keep_later(*args):
        await erase(shop.conversa)
        await keep(*args)

    monkeypatch.setattr(fetch, "_keep", keep_later)
    await shop.fetcher.look()
    assert (await shop.row(media), shop.kept()) == (None, [])


async def test_old_files_go_in_batches_and_the_business_keeps_its_own(shop):
    await ChatbotFiles(shop.bot.id).keep(b"o cardapio")
    for n in range(3):
        await shop.receives(b"foto %d" % n)
    while await shop.fetcher.look():
        pass
    await DB.execute("UPDATE media SET received_at = now() - interval '100 days'")
    await DB.execute(
        "UPDATE media SET conversa = NULL WHERE wamid = 'wamid.1'"
    )  # nobody to answer: still a person's
    young = await shop.receives()
    await shop.fetcher.look()
    before = await DB.fetchval("SELECT now() - interval '90 days'")
    assert [await erase_older(shop.bot.id, before, most=2) for _ in range(3)] == [2, 1, 0]
    assert shop.kept() == sorted([key(shop, b"o cardapio"), key(shop)])
    assert await shop.files.read(young) == FOTO
