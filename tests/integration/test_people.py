"""People, their sessions, tokens and the audit trail, in the database."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from argon2 import PasswordHasher
from tests.bots import add_bot
from tests.live import until
from tests.visitor import SENHA, add_person

from wabot import audit, passwords, people, sessions, throttle, tokens
from wabot.audit import Actor
from wabot.db.engine import DB
from wabot.passwords import outdated
from wabot.people import EmailTaken, NoSuchPerson
from wabot.sessions import WrongLogin
from wabot.throttle import Bucket, TooManyTries

ANA = "ana@loja.com.br"
HERE = "203.0.113.7"


@pytest.fixture(autouse=True)
def _open(database):
    """A database of this test's own."""


# -- people --------------------------------------------------------------------------------------------------


async def test_an_email_belongs_to_one_person_however_it_is_written():
    await add_person(ANA)
    with pytest.raises(EmailTaken, match=ANA):
        await people.add(" ANA@loja.com.br", SENHA)
    assert [person.email for person in await people.everyone()] == [ANA]


async def test_a_person_is_found_by_email_and_by_id_and_is_shown_without_the_password():
    bot = await add_bot()
    made = await add_person(ANA, operador=bot.id)
    assert await people.find(" Ana@Loja.com.br") == await people.find(str(made.id)) == made
    assert made.papeis == {bot.id: "operador"}
    assert "senha" not in made.__struct_fields__
    with pytest.raises(NoSuchPerson):
        await people.find("bia@loja.com.br")


async def test_a_role_takes_the_place_of_the_one_before():
    bot = await add_bot()
    made = await add_person(ANA, leitor=bot.id)
    assert (await people.grant(made.id, bot.id, "dono")).papeis == {bot.id: "dono"}
    assert (await people.withdraw(made.id, bot.id)).papeis == {}


async def test_an_outdated_hash_is_renewed_when_its_owner_signs_in():
    made = await add_person(ANA)
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(SENHA)
    await DB.execute("UPDATE pessoa SET senha = $1", old)
    token = await sessions.sign_in(ANA, SENHA, HERE)
    assert not outdated(await DB.fetchval("SELECT senha FROM pessoa"))
    assert (await sessions.find(token)).id == made.id


# -- sessions ------------------------------------------------------------------------------------------------


async def test_what_is_stored_of_a_session_opens_nothing():
    await add_person(ANA)
    token = await sessions.sign_in(ANA, SENHA, HERE)
    stored = await DB.fetchval("SELECT digest FROM panel_session")
    assert await sessions.find(token)
    assert await sessions.find(stored.hex()) is None


@pytest.mark.parametrize("change", ["password", "disabled"])
async def test_no_session_begins_with_a_password_that_was_good_when_the_sign_in_began(change):
    """The change commits while the sign-in waits for the person's row, its password already checked."""
    made = await add_person(ANA)
    async with DB.transaction():
        await DB.execute("SELECT FROM pessoa FOR UPDATE")
        entering = asyncio.create_task(_outside(sessions.sign_in(ANA, SENHA, HERE)))
        await until(_somebody_waits)
        if change == "password":
            await people.set_password(made.id, "uma senha nova")
        else:
            await people.set_active(made.id, False)
    with pytest.raises(WrongLogin):
        await entering
    assert await DB.fetchval("SELECT count(*) FROM panel_session") == 0


async def _outside(work):
    """In a connection of its own, not in the transaction this test is in."""
    DB.current_transaction.set(None)
    return await work


async def _somebody_waits():
    return await DB.fetchval("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted")


async def test_two_sign_ins_of_one_person_at_once_do_not_block_each_other():
    await add_person(ANA)
    found = await asyncio.gather(*(sessions.sign_in(ANA, SENHA, HERE) for _ in range(4)))
    assert len(set(found)) == 4


async def test_old_sessions_are_cleared_away():
    await add_person(ANA)
    await sessions.sign_in(ANA, SENHA, HERE)
    await DB.execute("UPDATE panel_session SET started_at = now() - interval '8 days'")
    await sessions.sign_in(ANA, SENHA, HERE)
    assert await DB.fetchval("SELECT count(*) FROM panel_session") == 1


async def test_tries_long_forgiven_are_cleared_away():
    await add_person(ANA)
    await throttle.guess("bia@loja.com.br", "198.51.100.1")
    await DB.execute("UPDATE sign_in_throttle SET full_until = now() - interval '1 second'")
    await sessions.sign_in(ANA, SENHA, HERE)
    assert await DB.fetchval("SELECT count(*) FROM sign_in_throttle") == 0


# -- guessing ------------------------------------------------------------------------------------------------


async def test_guesses_made_at_the_same_time_are_counted_all():
    bucket = Bucket("test", tries=3, every=timedelta(hours=1))
    tries = await asyncio.gather(*(bucket.take("ana") for _ in range(10)), return_exceptions=True)
    assert sum(result is None for result in tries) == 3
    assert sum(isinstance(result, TooManyTries) for result in tries) == 7


async def test_time_forgives_one_try_after_another():
    bucket = Bucket("test", tries=2, every=timedelta(minutes=3))
    await bucket.take("ana")
    await bucket.take("ana")
    with pytest.raises(TooManyTries) as refused:
        await bucket.take("ana")
    assert timedelta(minutes=2, seconds=50) < refused.value.wait <= timedelta(minutes=3)
    await DB.execute("UPDATE sign_in_throttle SET full_until = full_until - interval '3 minutes'")
    await bucket.take("ana")
    with pytest.raises(TooManyTries):
        await bucket.take("ana")


async def test_whoever_knows_the_password_starts_anew_and_costs_the_address_nothing():
    await add_person(ANA)
    for _ in range(4):
        with pytest.raises(WrongLogin):
            await sessions.sign_in(ANA, "um palpite", HERE)
    before = await DB.fetchval("SELECT full_until FROM sign_in_throttle WHERE key = $1", _address_key())
    await sessions.sign_in(ANA, SENHA, HERE)
    assert (
        await DB.fetchval("SELECT full_until FROM sign_in_throttle WHERE key = $1", _address_key()) == before
    )
    assert await DB.fetchval("SELECT count(*) FROM sign_in_throttle") == 1


def _address_key():
    return throttle.PER_ADDRESS.key(HERE)


async def test_an_email_that_nobody_has_takes_as_long_as_any(monkeypatch):
    hashes = []
    monkeypatch.setattr(passwords, "_fits", lambda kept, senha: bool(hashes.append(kept)))
    await add_person(ANA)
    for email in (ANA, "ninguem@loja.com.br", "nem é um e-mail"):
        with pytest.raises(WrongLogin):
            await sessions.sign_in(email, "um palpite", HERE)
    assert len(hashes) == 3


async def test_all_addresses_of_one_ipv6_network_share_their_tries():
    for number in range(throttle.PER_ADDRESS.tries):
        await throttle.guess(f"p{number}@loja.com.br", f"2001:db8:1:2::{number:x}")
    with pytest.raises(TooManyTries):
        await throttle.guess("mais.um@loja.com.br", "2001:db8:1:2:ffff::1")
    await throttle.guess("mais.um@loja.com.br", "2001:db8:1:3::1")


async def test_an_address_that_is_refused_leaves_no_row_for_the_email():
    for _ in range(throttle.PER_ADDRESS.tries):
        await throttle.PER_ADDRESS.take(HERE)
    with pytest.raises(TooManyTries):
        await throttle.guess("mais.um@loja.com.br", HERE)
    assert await DB.fetchval("SELECT count(*) FROM sign_in_throttle") == 1


# -- tokens --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [None, [1], [1, 2]], ids=["all", "one", "two"])
async def test_a_token_is_for_all_chatbots_for_one_or_for_several(scope):
    made = await tokens.create("relatórios", scope, writes=False)
    bearer = await tokens.find(made.token)
    assert bearer.chatbots == (None if scope is None else frozenset(scope))
    assert not bearer.writes


async def test_a_token_is_never_for_no_chatbot_by_mistake():
    with pytest.raises(asyncpg.CheckViolationError):
        await tokens.create("relatórios", [], writes=False)


async def test_the_last_use_of_a_token_is_noted_to_the_minute():
    made = await tokens.create("relatórios", None, writes=False)
    await tokens.find(made.token)
    [listed] = await tokens.everyone()
    assert listed.usado_em is not None
    await tokens.find(made.token)
    assert (await tokens.everyone())[0].usado_em == listed.usado_em
    await DB.execute("UPDATE api_token SET usado_em = now() - interval '2 minutes'")
    await tokens.find(made.token)
    assert (await tokens.everyone())[0].usado_em >= listed.usado_em


async def test_a_token_tells_who_made_it_and_never_itself():
    ana = await add_person(ANA)
    made = await tokens.create("relatórios", None, writes=True, by=ana.id)
    [listed] = await tokens.everyone()
    assert (listed.criado_por, listed.escrita, listed.revogado_em) == (ANA, True, None)
    assert made.token not in repr(listed)


async def test_a_revoked_token_is_nobodys_and_is_revoked_once():
    made = await tokens.create("relatórios", None, writes=True)
    assert await tokens.revoke(made.id)
    assert not await tokens.revoke(made.id)
    assert await tokens.find(made.token) is None


async def test_inside_the_fence_no_token_is_made_that_reaches_beyond_it():
    DB.fence({1})
    await tokens.create("dentro", [1], writes=True)
    for scope in ([2], [1, 2]):
        with pytest.raises(asyncpg.PostgresError) as refused:
            await tokens.create("fora", scope, writes=True)
        assert refused.value.sqlstate == "WB001"


# -- the audit trail -----------------------------------------------------------------------------------------


async def test_every_change_of_people_and_tokens_is_recorded_with_who_and_from_where_and_no_secret():
    bot = await add_bot()
    audit.acting(Actor("pessoa", 7, "raiz@wabot.com.br", HERE))
    ana = await add_person(ANA, dono=bot.id)
    await people.set_password(ana.id, "uma senha nova")
    await people.withdraw(ana.id, bot.id)
    await people.set_active(ana.id, False)
    token = await tokens.create("relatórios", [bot.id], writes=True)
    await tokens.revoke(token.id)
    trail = [e for e in reversed(await audit.entries()) if e.quem_tipo == "pessoa"]
    assert [(e.acao, e.objeto, e.chatbot, e.campos) for e in trail] == [
        ("criar", "pessoa", None, {"email": ANA, "superuser": False}),
        ("mudar", "pessoa", bot.id, {"papel": "dono"}),
        ("mudar", "pessoa", None, {"senha": None}),
        ("mudar", "pessoa", bot.id, {"papel": None}),
        ("mudar", "pessoa", None, {"ativo": False}),
        ("criar", "token", bot.id, {"nome": "relatórios", "chatbots": [bot.id], "escrita": True}),
        ("revogar", "token", bot.id, {}),
    ]
    assert {(e.quem, e.quem_id, e.endereco) for e in trail} == {("raiz@wabot.com.br", 7, HERE)}


async def test_a_change_that_is_undone_leaves_no_entry():
    ana = await add_person(ANA)
    before = await audit.entries()
    async with DB.transaction() as transaction:
        await people.set_active(ana.id, False)
        await transaction.rollback()
    assert await audit.entries() == before
    assert (await people.find(ANA)).ativo


async def test_an_entry_belongs_in_the_transaction_of_the_change():
    with pytest.raises(RuntimeError, match="transaction"):
        await audit.record("mudar", "cliente", 1)


@pytest.mark.parametrize(
    "sql", ["UPDATE auditoria SET quem = 'ninguém'", "DELETE FROM auditoria", "TRUNCATE auditoria"]
)
async def test_nobody_rewrites_the_trail(sql):
    await add_person(ANA)
    with pytest.raises(asyncpg.RaiseError, match="neither changed nor deleted"):
        await DB.execute(sql)


async def test_the_trail_is_read_by_chatbot_and_page_by_page():
    async with DB.transaction():
        for number in range(5):
            await audit.record("mudar", "cliente", number, chatbot=number % 2 + 1, campos=["nome"])
    assert [e.objeto_id for e in await audit.entries([2])] == ["3", "1"]
    newest = await audit.entries(limit=2)
    assert [e.objeto_id for e in newest] == ["4", "3"]
    assert [e.objeto_id for e in await audit.entries(limit=2, before=newest[-1].id)] == ["2", "1"]
