"""Rotating SECRET_KEY."""

import pytest
from tests.live import add_bot, settings_for

from wabot import keys
from wabot.db.engine import DB
from wabot.vault import Vault

OLD, NEW = "chave-de-teste-0123456789", "chave-nova-0123456789"


@pytest.fixture
async def bots(database, tmp_path):
    settings = settings_for(database, tmp_path, "http://meta")
    bots = [await add_bot(settings, f"Loja {n}", phone_number_id=str(n)) for n in range(5)]
    insert = "INSERT INTO plugin_binding (chatbot, plugin, secrets) VALUES ($1, 'cofre', $2)"
    await DB.execute(insert, bots[0].id, Vault([OLD]).encrypt('{"chave": "abre-te"}'))
    return bots


async def secrets():
    rows = await DB.fetch(
        "SELECT access_token FROM chatbot UNION ALL SELECT app_secret FROM chatbot "
        "UNION ALL SELECT verify_token FROM chatbot UNION ALL SELECT secrets FROM plugin_binding"
    )
    return [row[0] for row in rows]


async def test_afterwards_the_new_key_alone_opens_everything(bots):
    done = await keys.rotate(Vault([NEW, OLD]), batch=2)
    assert (done.rewritten, done.current, done.lost) == (16, 0, [])
    opened = {Vault([NEW]).decrypt(secret) for secret in await secrets()}
    assert opened == {
        "token-de-acesso",
        "segredo-do-aplicativo",
        "token-de-verificacao",
        '{"chave": "abre-te"}',
    }


async def test_run_again_it_goes_on_where_it_was_stopped(bots):
    half = Vault([NEW]).encrypt("token-de-acesso")
    await DB.execute("UPDATE chatbot SET access_token = $1 WHERE id <= $2", half, bots[1].id)
    done = await keys.rotate(Vault([NEW, OLD]), batch=2)
    assert (done.rewritten, done.current) == (14, 2)
    assert (await keys.rotate(Vault([NEW, OLD]))).rewritten == 0


async def test_what_no_key_opens_is_named_and_left_alone(bots):
    before = await secrets()
    done = await keys.rotate(Vault([NEW]))
    assert done.rewritten == 0
    assert len(done.lost) == 16
    assert f"chatbot {bots[0].id}: access_token" in done.lost
    assert await secrets() == before


async def test_a_secret_changed_meanwhile_is_not_undone(bots, monkeypatch):
    changed = Vault([NEW]).encrypt("outro")
    read = keys._rows

    async def slow(table, column, after, most):
        rows = await read(table, column, after, most)
        await DB.execute("UPDATE chatbot SET access_token = $1 WHERE id = $2", changed, bots[0].id)
        return rows

    monkeypatch.setattr(keys, "_rows", slow)
    await keys.rotate(Vault([NEW, OLD]))
    kept = await DB.fetchval("SELECT access_token FROM chatbot WHERE id = $1", bots[0].id)
    assert Vault([NEW]).decrypt(kept) == "outro"
