"""The door: what is let in, what is refused, and that 200 means stored."""

import json
from asyncio import gather

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from tests.live import PHONE, SECRET, WABA, add_bot, platform

from wabot import inbox
from wabot.db.engine import DB
from wabot.whatsapp.signature import sign

OTHER_PHONE, OTHER_SECRET = "200000000000002", "outro-segredo"


@pytest_asyncio.fixture
async def door(database_uri, tmp_path):
    """Web only, no worker: what is stored stays as it was stored. Two chatbots with a secret each."""
    async with platform(database_uri, tmp_path, worker=False, plugin=None) as running:
        await add_bot(running.process.settings, "Outra", phone_number_id=OTHER_PHONE, app_secret=OTHER_SECRET)
        await running.process.runtimes.load()
        yield running


def text(wamid="wamid.1", body="oi", sender="5511900000001"):
    return {"from": sender, "id": wamid, "timestamp": "1795000000", "type": "text", "text": {"body": body}}


def value(*messages, phone=PHONE, **more):
    metadata = {"display_phone_number": "5511900000000", "phone_number_id": phone}
    return {"messaging_product": "whatsapp", "metadata": metadata, "messages": list(messages), **more}


def webhook(*values):
    changes = [{"field": "messages", "value": value} for value in values]
    return {"object": "whatsapp_business_account", "entry": [{"id": WABA, "changes": changes}]}


async def stored():
    return [row["wamid"] for row in await DB.fetch("SELECT wamid FROM inbox ORDER BY id")]


async def quarantined():
    return [row["why"] for row in await DB.fetch("SELECT why FROM quarantine ORDER BY id")]


async def test_a_signed_message_is_stored_before_200(door):
    answer = await door.deliver(webhook(value(text())))
    assert (answer.status_code, answer.text) == (200, "")
    assert await stored() == ["wamid.1"]


async def test_meta_verifies_the_address(door):
    asked = {"hub.mode": "subscribe", "hub.verify_token": "token-de-verificacao", "hub.challenge": "12345"}
    answer = await door.http.get("/api/chatbots/webhook/", params=asked)
    assert (answer.status_code, answer.text) == (200, "12345")
    assert answer.headers["content-type"].startswith("text/plain")
    assert (await door.http.get("/api/chatbots/webhook", params=asked)).status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"hub.mode": "subscribe", "hub.challenge": "1"},
        {"hub.mode": "subscribe", "hub.verify_token": "errado", "hub.challenge": "1"},
        {"hub.mode": "unsubscribe", "hub.verify_token": "token-de-verificacao", "hub.challenge": "1"},
        {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"},
    ],
    ids=["nothing", "no token", "wrong token", "another mode", "empty token"],
)
async def test_nobody_else_can_verify(door, asked):
    assert (await door.http.get("/api/chatbots/webhook/", params=asked)).status_code == 403


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        "sha1=" + "0" * 40,
        "sha256=" + "z" * 64,
        sign("", b"{}"),
    ],
)
async def test_without_the_right_signature_it_is_401_and_nothing_is_kept(door, signature):
    raw = msgspec.json.encode(webhook(value(text())))
    answer = await door.post(raw, signature)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert await stored() == []
    assert await quarantined() == []


async def test_a_signature_in_capitals_is_a_signature(door):
    raw = msgspec.json.encode(webhook(value(text())))
    assert (
        await door.post(raw, sign(SECRET, raw).replace("sha256=", "sha256=").upper().replace("SHA", "sha"))
    ).status_code == 200


async def test_another_chatbots_secret_does_not_sign_for_this_one(door):
    answer = await door.deliver(webhook(value(text())), secret=OTHER_SECRET)
    assert answer.status_code == 401
    assert await stored() == []


async def test_of_a_mixed_body_only_what_the_secret_signs_for_is_taken(door, caplog):
    both = webhook(value(text("wamid.mine")), value(text("wamid.theirs"), phone=OTHER_PHONE))
    assert (await door.deliver(both)).status_code == 200
    assert await stored() == ["wamid.mine"]
    assert "1 items left out" in caplog.text
    assert (await door.deliver(both, secret=OTHER_SECRET)).status_code == 200
    assert await stored() == ["wamid.mine", "wamid.theirs"]


async def test_delivered_five_times_it_is_stored_once(door):
    for _ in range(5):
        assert (await door.deliver(webhook(value(text())))).status_code == 200
    assert await stored() == ["wamid.1"]


async def test_the_same_wamid_of_two_chatbots_is_two_messages(door):
    await door.deliver(webhook(value(text())))
    await door.deliver(webhook(value(text(), phone=OTHER_PHONE)), secret=OTHER_SECRET)
    assert await stored() == ["wamid.1", "wamid.1"]


async def test_every_item_of_every_change_is_read(door):
    statuses = [
        {"id": f"wamid.s{n}", "status": "sent", "timestamp": "1795000000", "recipient_id": "55"}
        for n in range(3)
    ]
    body = webhook(value(text("wamid.1"), text("wamid.2")), value(statuses=statuses), value(text("wamid.3")))
    assert (await door.deliver(body)).status_code == 200
    assert await stored() == ["wamid.1", "wamid.2", "wamid.3"]
    assert await DB.fetchval("SELECT count(*) FROM receipt") == 3


async def test_an_item_nobody_understands_does_not_stop_its_neighbours(door):
    body = webhook(value(text("wamid.1"), {"odd": True}, 42, None, text("wamid.2")))
    assert (await door.deliver(body)).status_code == 200
    assert await stored() == ["wamid.1", "wamid.2"]
    assert len(await quarantined()) == 3


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"oi", "not JSON"),
        (b'{"object":"whatsapp_business_account","entry":[{"id":"3', "not JSON"),
        (b"[]", "list `entry`"),
        (b'"texto"', "list `entry`"),
        (b'{"entry":"nada"}', "list `entry`"),
        (b"null", "list `entry`"),
        (b"[" * 20_000 + b"]" * 20_000, "not JSON"),
    ],
    ids=["empty", "words", "truncated", "a list", "a string", "another shape", "null", "nested too deep"],
)
async def test_signed_but_not_understood_is_kept_whole_and_answered_200(door, raw, why):
    assert (await door.deliver(raw)).status_code == 200
    assert why in (await quarantined())[0]
    assert await DB.fetchval("SELECT raw FROM quarantine") == raw


async def test_a_number_that_is_not_ours_is_kept_apart(door):
    assert (await door.deliver(webhook(value(text(), phone="999")))).status_code == 200
    assert await stored() == []
    assert await quarantined() == ["a number or account that is not ours"]


async def test_a_chatbot_that_is_switched_off_takes_no_messages(door):
    await DB.execute("UPDATE chatbot SET ativo = false WHERE id = $1", door.bot.id)
    await door.process.runtimes.load()
    assert (await door.deliver(webhook(value(text())))).status_code == 200
    assert await stored() == []
    assert await quarantined() == ["a chatbot that is switched off"]


async def test_bytes_that_are_not_utf8_are_stored_all_the_same(door):
    raw = msgspec.json.encode(webhook(value(text(body="caf\u00e9 AQUI")))).replace(b"AQUI", b"\xff\xfe")
    assert (await door.deliver(raw)).status_code == 200
    assert await stored() == ["wamid.1"]


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\udc00\\ud800"])
async def test_escapes_that_postgresql_cannot_hold_are_stored_all_the_same(door, escape):
    raw = msgspec.json.encode(webhook(value(text(body="aXb"), text("wamid.2")))).replace(
        b"aXb", escape.encode()
    )
    assert (await door.deliver(raw)).status_code == 200
    assert await stored() == ["wamid.1", "wamid.2"]


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800"])
async def test_no_field_of_a_webhook_can_make_postgresql_choke(door, escape):
    """Every string of a message, a status and a notice, poisoned: 200, or Meta would send it for a week."""
    status = {"id": "AA", "status": "AA", "timestamp": "AA", "recipient_id": "AA", "biz_opaque_callback_data": "AA",
              "errors": [{"code": 1, "title": "AA", "error_data": {"details": "AA"}}],
              "pricing": {"category": "AA", "type": "AA", "pricing_model": "AA"}}  # fmt: skip
    contact = {"profile": {"name": "AA"}, "wa_id": "AA", "user_id": "AA"}
    message = {
        "from": "AA",
        "from_user_id": "BR.AA",
        "id": "AA",
        "timestamp": "AA",
        "type": "AA",
        "AA": {"AA": "AA"},
    }
    image = {
        "from": "AA",
        "id": "AB",
        "type": "image",
        "image": {"id": "AA", "caption": "AA", "sha256": "AA"},
    }
    body = webhook(value(message, image, contacts=[contact], statuses=[status], errors=[{"AA": "AA"}]))
    body["entry"].append({"id": "AA", "changes": [{"field": "AA", "value": {"AA": "AA"}}]})
    body["entry"].append({"id": WABA, "changes": [{"field": "AA", "value": {"AA": "AA"}}]})
    raw = msgspec.json.encode(body).replace(b"AA", f"A{escape}A".encode())
    assert (await door.deliver(raw)).status_code == 200


async def test_a_text_of_100_000_characters_is_stored(door):
    assert (await door.deliver(webhook(value(text(body="ã" * 100_000))))).status_code == 200
    assert await stored() == ["wamid.1"]


async def test_three_mebibytes_are_taken_and_one_byte_more_is_413(door):
    raw = msgspec.json.encode(webhook(value(text())))
    limit = 3 * 1024 * 1024
    assert (await door.deliver(raw + b" " * (limit - len(raw)))).status_code == 200
    assert await stored() == ["wamid.1"]
    answer = await door.deliver(raw + b" " * (limit + 1 - len(raw)))
    assert answer.status_code == 413
    assert await stored() == ["wamid.1"]


async def test_another_method_is_told_which_there_are(door):
    answer = await door.http.put("/api/chatbots/webhook/", content=b"{}")
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_a_body_without_a_length_is_stopped_while_reading(door):
    async def endless():
        for _ in range(64):
            yield b" " * 65_536

    answer = await door.http.post(
        "/api/chatbots/webhook/", content=endless(), headers={"X-Hub-Signature-256": "sha256=0"}
    )
    assert answer.status_code == 413


async def test_when_it_cannot_be_stored_it_is_503_and_comes_again(door):
    await DB.execute("ALTER TABLE inbox RENAME TO away")
    assert (await door.deliver(webhook(value(text())))).status_code == 503
    await DB.execute("ALTER TABLE away RENAME TO inbox")
    assert (await door.deliver(webhook(value(text())))).status_code == 200
    assert await stored() == ["wamid.1"]


async def test_what_takes_too_long_to_store_is_503_before_meta_gives_up(door, database_uri, monkeypatch):
    monkeypatch.setattr(inbox, "STORE_WITHIN", 0.2)
    other = await asyncpg.connect(database_uri)
    try:
        await other.execute("BEGIN; LOCK TABLE inbox")
        answers = await gather(*(door.deliver(webhook(value(text(f"wamid.{n}")))) for n in range(3)))
    finally:
        await other.close()
    assert {answer.status_code for answer in answers} == {503}
    assert (await door.deliver(webhook(value(text("wamid.0"))))).status_code == 200
    assert await stored() == ["wamid.0"]


async def test_one_poisonous_delivery_fails_alone(door):
    """Group commit: what cannot be stored must not take its neighbours' 200 with it."""
    await DB.execute("ALTER TABLE inbox ADD CHECK (wamid <> 'wamid.poison')")
    bodies = [webhook(value(text(wamid))) for wamid in ("wamid.1", "wamid.poison", "wamid.2")]
    answers = await gather(*(door.deliver(body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 503, 200]
    assert sorted(await stored()) == ["wamid.1", "wamid.2"]


async def test_a_hundred_at_once_share_commits_and_all_are_stored(door):
    answers = await gather(
        *(door.deliver(webhook(value(text(f"wamid.{n}", sender=f"55119{n:08d}")))) for n in range(100))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len(await stored()) == 100
    assert await DB.fetchval("SELECT count(DISTINCT conversa) FROM inbox") == 100


async def test_what_is_about_the_account_is_kept(door):
    change = {"field": "account_update", "value": {"event": "DISABLED_UPDATE"}}
    body = {"object": "whatsapp_business_account", "entry": [{"id": WABA, "changes": [change, change]}]}
    assert (await door.deliver(body)).status_code == 200
    row = await DB.fetchrow("SELECT field, raw, (SELECT count(*) FROM notice) AS many FROM notice")
    assert (row["field"], json.loads(row["raw"]), row["many"]) == ("account_update", change, 1)


async def test_no_phone_and_no_words_reach_the_log(door, caplog):
    caplog.set_level("DEBUG")
    await door.deliver(webhook(value(text(body="segredo da Ana"))))
    await door.deliver(b"segredo da Ana")
    await door.post(b"segredo da Ana", None)
    assert "segredo da Ana" not in caplog.text
    assert "5511900000001" not in caplog.text


async def test_a_change_of_number_is_followed_where_it_is_stored(door):
    changed = {"type": "user_changed_number", "wa_id": "5511900000009", "body": "Ana mudou de número"}
    system = {
        "from": "5511900000001",
        "id": "wamid.2",
        "timestamp": "1795000001",
        "type": "system",
        "system": changed,
    }
    for message in (text(), system, text("wamid.3", sender="5511900000009")):
        await door.deliver(webhook(value(message)))
    assert await stored() == ["wamid.1", "wamid.2", "wamid.3"]
    assert await DB.fetchval("SELECT count(DISTINCT conversa) FROM inbox") == 1
    assert await DB.fetchval("SELECT wa_id FROM cliente") == "5511900000009"
