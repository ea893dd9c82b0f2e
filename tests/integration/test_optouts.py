"""What is remembered of people who were erased: only what it takes not to write to them again."""

import pytest_asyncio
from tests.bots import add_bot
from tests.integration.test_erase import ANA, BIA, WORD
from tests.person import plant

from wabot import audit, consent
from wabot.db.engine import DB
from wabot.digests import DIGESTS
from wabot.merges import join
from wabot.phone import canonical, digits
from wabot.plugins.registry import load_registry
from wabot.privacy.erase import erase
from wabot.storage import STORAGE
from wabot.vault import Vault


@pytest_asyncio.fixture
async def bot(database, tmp_path):
    STORAGE.open(tmp_path)
    DIGESTS.open(Vault(("chave-de-teste-0123456789",)))
    yield await add_bot()
    STORAGE.close()


@pytest_asyncio.fixture
async def plugins(bot):
    return await load_registry()


async def add(bot, telefone, bsuid=None):
    """A business adds somebody, and says that they accept marketing; whether that is believed."""
    cliente = await DB.fetchval(
        "INSERT INTO cliente (chatbot, telefone, wa_id, phone_key, bsuid) VALUES ($1, $2, $2, $3, $4) RETURNING id",
        bot.id, digits(telefone), canonical(telefone) or None, bsuid,
    )  # fmt: skip
    await consent.told([cliente], accepts=True, how="cadastro")
    return cliente


async def accepts(cliente):
    return await DB.fetchval("SELECT aceita_marketing FROM cliente WHERE id = $1", cliente)


async def test_who_refused_and_was_erased_cannot_be_made_to_accept_by_adding_them_again(bot, plugins):
    ana = await plant(bot, WORD, ANA)
    await erase(plugins, bot.id, ana.cliente)
    assert not await accepts(await add(bot, "+55 (31) 8000-0001"))  # without the ninth digit
    assert not await accepts(await add(bot, "", ana.bsuid))


async def test_of_many_at_once_only_they_are_left_out(bot, plugins):
    ana = await plant(bot, WORD, ANA)
    await erase(plugins, bot.id, ana.cliente)
    both = [await add(bot, ANA), await add(bot, BIA)]
    await consent.told(both, accepts=True, how="importação de planilha")
    assert [await accepts(cliente) for cliente in both] == [False, True]


async def test_their_own_word_counts_however(bot, plugins):
    ana = await plant(bot, WORD, ANA)
    await erase(plugins, bot.id, ana.cliente)
    again = await add(bot, ANA)
    await consent.record(again, accepts=True, who="cliente", how="preferência no WhatsApp (resume)")
    assert await accepts(again)


async def test_who_accepted_and_was_erased_may_be_added_again(bot, plugins):
    cliente = await add(bot, ANA)
    await erase(plugins, bot.id, cliente)
    assert await accepts(await add(bot, ANA))


async def test_another_business_knows_nothing_of_it(bot, plugins):
    ana, other = await plant(bot, WORD, ANA), await add_bot(2)
    await erase(plugins, bot.id, ana.cliente)
    assert await accepts(await add(other, ANA))


async def test_a_rotated_key_still_knows_who_refused(bot, plugins):
    ana = await plant(bot, WORD, ANA)
    await erase(plugins, bot.id, ana.cliente)
    both = Vault(("chave-nova-0123456789", "chave-de-teste-0123456789"))
    stored = both.decrypt(await DB.fetchval("SELECT secret FROM digest_key"))
    await DB.execute("UPDATE digest_key SET secret = $1", both.encrypt(stored))  # as `wabot keys rotate` does
    DIGESTS.open(Vault(("chave-nova-0123456789",)))
    assert not await accepts(await add(bot, ANA))


async def test_a_business_that_tells_of_consent_leaves_its_proof(bot):
    audit.acting(audit.Actor("token", 1, "Loja"))
    cliente = await add(bot, ANA)
    [entry] = await consent.ledger(bot.id, cliente)
    assert (entry.accepts, entry.who, entry.how) == (True, "token Loja", "cadastro")


async def test_of_clientes_that_were_merged_the_whole_ledger_is_told(bot):
    one, two = await add(bot, ANA), await add(bot, BIA)
    await join(bot.id, one, two, "mesma pessoa", "teste")
    assert {entry.cliente for entry in await consent.ledger(bot.id, one)} == {one, two}
