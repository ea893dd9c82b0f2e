"""What a flow gets of a webhook: one row per thing that people, and Meta, do."""

import json
from datetime import UTC, datetime

import pytest

from wabot.contents import (
    Contact,
    Contacts,
    Edit,
    Form,
    Location,
    Media,
    Order,
    OrderItem,
    Reaction,
    Referral,
    Revoke,
    Telephone,
)
from wabot.message import Inbound, Sender
from wabot.whatsapp.payloads import Message, NotAPayload, Notice, Pricing, Status, Unread, read, read_message

AT = datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)
RECEIVED = datetime(2026, 11, 23, 12, tzinfo=UTC)
IDS = '"from":"553180000001","from_user_id":"BR.1","id":"wamid.1","timestamp":"1795000000"'
ANA = '{"profile":{"name":"Ana"},"wa_id":"553180000001","user_id":"BR.1"}'


def webhook(value: str | bytes, field: str = "messages") -> bytes:
    """A body around what stands beside `metadata` in its `value`."""
    value = value.encode() if isinstance(value, str) else value
    metadata = b'"metadata":{"phone_number_id":"200"}'
    change = b'{"field":"%s","value":{%s,%s}}' % (field.encode(), metadata, value)
    return b'{"object":"whatsapp_business_account","entry":[{"id":"100","changes":[%s]}]}' % change


def messages(*items: str, contacts: str = ANA) -> bytes:
    return webhook(f'"contacts":[{contacts}],"messages":[{",".join(items)}]')


def the_message(body: bytes) -> Message:
    payload = read(body, RECEIVED)
    assert payload.unread == []
    (message,) = payload.messages
    return message


def heard(kind, text="", option="", **more):
    return Inbound(wamid="wamid.1", at=AT, kind=kind, text=text, option=option, **more)


ROWS = [
    ("a plain text", '"type":"text","text":{"body":"oi"}', heard("text", "oi")),
    (
        "an emoji and accents as Meta escapes them",
        r'"type":"text","text":{"body":"a\u00e7\u00e3o \ud83c\udf55"}',
        heard("text", "ação 🍕"),
    ),
    ("several lines", r'"type":"text","text":{"body":"um\ndois"}', heard("text", "um\ndois")),
    ("NUL characters in a text", r'"type":"text","text":{"body":"a\u0000b"}', heard("text", "ab")),
    ("a lone surrogate", r'"type":"text","text":{"body":"oi \ud800!"}', heard("text", "oi \ufffd!")),
    ("a text without its body", '"type":"text"', heard("unknown")),
    ("a text whose body is a list", '"type":"text","text":["oi"]', heard("unknown")),
    ("a text whose words are a number", '"type":"text","text":{"body":5}', heard("unknown")),
    (
        "a tap on a button",
        '"type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"sim","title":"Sim"}}',
        heard("tap", "Sim", "sim"),
    ),
    (
        "a tap on a list row",
        '"type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"42","title":"Calabresa",'
        '"description":"Grande, 8 fatias"}}',
        heard("tap", "Calabresa", "42"),
    ),
    (
        "a quick reply of a template, without context",
        '"type":"button","button":{"payload":"natal:sim","text":"Quero!"}',
        heard("tap", "Quero!", "natal:sim"),
    ),
    ("an interactive without a body (131000)", '"type":"interactive"', heard("unknown")),
    (
        "an interactive of a future kind",
        '"type":"interactive","interactive":{"type":"dance"}',
        heard("unknown"),
    ),
    (
        "an answered form",
        '"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent",'
        '"response_json":"{\\"nota\\":5,\\"flow_token\\":\\"t\\"}"}}',
        heard("form", "Sent", content=Form("flow", {"nota": 5, "flow_token": "t"})),
    ),
    (
        "an answered form whose answers are no JSON",
        '"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"body":"Sent","response_json":"{oi"}}',
        heard("form", "Sent", content=Form("flow")),
    ),
    (
        "an answered form whose answers would choke a database",
        '"type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":'
        r'{"response_json":"{\"a\":\"x\\u0000y\",\"b\":1e400,\"c\":[[[[[[[1]]]]]]]}"}}',
        heard("form", content=Form("flow", {"a": "xy", "b": None, "c": [[[[[[]]]]]]})),
    ),
    (
        "a card chosen for payment",
        '"type":"interactive","interactive":{"type":"payment_method","payment_method":{"reference_id":"P1"}}',
        heard("form", content=Form("payment_method", {"reference_id": "P1"})),
    ),
    (
        "a picture with a caption and an address to fetch it from",
        '"type":"image","image":{"id":"9","mime_type":"image/jpeg","sha256":"x=","url":"https://a/b","caption":"veja"}',
        heard("image", "veja", content=Media("9", "image/jpeg", "x=", "https://a/b")),
    ),
    (
        "a PDF",
        '"type":"document","document":{"id":9,"mime_type":"application/pdf","filename":"nota.pdf"}',
        heard("document", content=Media("9", "application/pdf", filename="nota.pdf")),
    ),
    (
        "a voice note",
        '"type":"audio","audio":{"id":"9","mime_type":"audio/ogg; codecs=opus","voice":true}',
        heard("audio", content=Media("9", "audio/ogg; codecs=opus", voice=True)),
    ),
    (
        "a voice note under its old name",
        '"type":"voice","voice":{"id":"9"}',
        heard("audio", content=Media("9")),
    ),
    ("a video", '"type":"video","video":{"id":"9"}', heard("video", content=Media("9"))),
    ("a sticker", '"type":"sticker","sticker":{"id":"9"}', heard("sticker", content=Media("9"))),
    (
        "a sticker that moves",
        '"type":"sticker","sticker":{"id":"9","animated":true}',
        heard("sticker", content=Media("9", animated=True)),
    ),
    ("a sticker we do not understand", '"type":"sticker","sticker":{"pack":"9"}', heard("unknown")),
    ("a media message that holds only errors", '"type":"video","errors":[{"code":131052}]', heard("unknown")),
    (
        "a place",
        '"type":"location","location":{"latitude":-19.9,"longitude":"-43.9","name":"Sé"}',
        heard("location", content=Location(-19.9, -43.9, "Sé")),
    ),
    (
        "a place that is nowhere",
        '"type":"location","location":{"latitude":1e999,"longitude":[]}',
        heard("location"),
    ),
    (
        "shared contacts",
        '"type":"contacts","contacts":[{"name":{"formatted_name":"Bia"},"phones":[{"phone":"+55 31","wa_id":"5531"},7],'
        '"emails":[{"email":"b@x.br"}],"org":{"company":"X"},"origin":"contact_request"},"oi"]',
        heard(
            "contacts",
            content=Contacts((Contact("Bia", (Telephone("+55 31", "5531"),), ("b@x.br",), "X", True),)),
        ),
    ),
    ("contacts without any", '"type":"contacts","contacts":[]', heard("unknown")),
    (
        "a cart with a remark, its numbers in any form",
        '"type":"order","order":{"catalog_id":3,"text":"sem cebola","product_items":['
        '{"product_retailer_id":"P1","quantity":2,"item_price":29.9,"currency":"BRL"},'
        '{"product_retailer_id":"P2","quantity":"3","item_price":"10.005"},'
        '{"product_retailer_id":"P3","quantity":-1,"item_price":"-1"},'
        '{"quantity":1e99,"item_price":"NaN"},{"item_price":true},null]}',
        heard(
            "order",
            "sem cebola",
            content=Order(
                "3",
                (
                    OrderItem("P1", 2, 2990, "BRL"),
                    OrderItem("P2", 3, 1000),
                    OrderItem("P3", 0),
                    OrderItem("", 0),
                    OrderItem("", 0),
                ),
            ),
        ),
    ),
    (
        "a reaction",
        '"type":"reaction","reaction":{"message_id":"wamid.0","emoji":"👍"}',
        heard("reaction", "👍", content=Reaction("wamid.0", "👍")),
    ),
    (
        "a reaction taken back",
        '"type":"reaction","reaction":{"message_id":"wamid.0"}',
        heard("reaction", content=Reaction("wamid.0")),
    ),
    (
        "an edited text",
        '"type":"edit","edit":{"original_message_id":"wamid.0","message":{"type":"text","text":{"body":"duas"}}}',
        heard("edit", "duas", content=Edit("wamid.0")),
    ),
    (
        "a message deleted for all",
        '"type":"revoke","revoke":{"original_message_id":"wamid.0"}',
        heard("revoke", content=Revoke("wamid.0")),
    ),
    (
        "an answer to an earlier message",
        '"type":"text","text":{"body":"sim"},"context":{"from":"55","id":"wamid.0"}',
        heard("text", "sim", reply_to="wamid.0"),
    ),
    (
        "something forwarded many times",
        '"type":"text","text":{"body":"oi"},"context":{"frequently_forwarded":true}',
        heard("text", "oi", forwarded=True),
    ),
    (
        "the first words after an ad",
        '"type":"text","text":{"body":"oi"},"referral":{"source_id":"77","source_type":"ad","ctwa_clid":"C","image_url":5,'
        '"video_url":"https://a/v"}',
        heard("text", "oi", referral=Referral("", "77", "ad", media_url="https://a/v", ctwa_clid="C")),
    ),
    (
        "a context and an ad that are neither",
        '"type":"text","text":{"body":"oi"},"context":"x","referral":[1]',
        heard("text", "oi"),
    ),
    ("a notice of the system", '"type":"system","system":{"body":"mudou"}', heard("system", "mudou")),
    ("a message in a group", '"type":"text","text":{"body":"oi"},"group_id":"Y2"', heard("group", "oi")),
    ("an empty group id is none", '"type":"text","text":{"body":"oi"},"group_id":""', heard("text", "oi")),
    ("something Meta cannot hand over", '"type":"unsupported","errors":[{"code":131051}]', heard("unknown")),
    ("a type to come", '"type":"hologram","hologram":{"depth":3}', heard("unknown")),
    ("a message without a type", '"text":{"body":"oi"}', heard("unknown")),
    ("a type that is a list", '"type":["text"],"text":{"body":"oi"}', heard("unknown")),
]


@pytest.mark.parametrize(("content", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_a_message_says(content, expected):
    message = the_message(messages(f"{{{IDS},{content}}}"))
    assert message.inbound == expected
    assert message.sender == Sender("553180000001", "BR.1", "Ana")
    assert message.phone_number_id == "200"
    assert read_message(message.raw) == expected


def test_a_text_as_bytes_that_are_not_utf_8():
    body = webhook(b'"messages":[{%s,"type":"text","text":{"body":"a\xe7\xe3o"}}]' % IDS.encode())
    message = the_message(body)
    assert message.inbound.text == "a\ufffd\ufffdo"
    assert message.raw.decode()  # what is kept is text, whatever came


def test_an_edit_inside_an_edit_has_no_words():
    inner = '{"type":"edit","edit":{"message":{"type":"text","text":{"body":"oi"}}}}'
    message = the_message(messages(f'{{{IDS},"type":"edit","edit":{{"message":{inner}}}}}'))
    assert message.inbound == heard("edit", content=Edit(""))


def test_the_raw_message_is_kept_to_the_byte():
    raw = f'{{{IDS}, "type": "hologram", "x": 1.10, "s": "a\\/b \\u00e7"}}'
    assert the_message(messages(raw)).raw == raw.encode()


TIMES = [
    ("unix seconds as text", '"1795000000"', AT),
    ("unix seconds as a number", "1795000000", AT),
    ("none", "null", RECEIVED),
    ("an empty text", '""', RECEIVED),
    ("zero", '"0"', RECEIVED),
    ("words", '"ontem"', RECEIVED),
    ("a list", "[1795000000]", RECEIVED),
    ("the year 58850", '"1795000000000"', RECEIVED),
    ("beyond any calendar", "1e400", RECEIVED),
]


@pytest.mark.parametrize(("at", "expected"), [row[1:] for row in TIMES], ids=[row[0] for row in TIMES])
def test_when_it_was_said(at, expected):
    body = messages(f'{{"id":"wamid.1","from":"553180000001","type":"text","timestamp":{at}}}')
    assert the_message(body).inbound.at == expected


NINA = '{"profile":{"name":"Nina"},"user_id":"BR.2"}'
SENDERS = [
    ("a phone alone, and no contacts", '"from":"553180000001"', "", Sender("553180000001")),
    ("a phone with a plus", '"from":"+553180000001"', "", Sender("553180000001")),
    ("a phone as a number", '"from":553180000001', "", Sender("553180000001")),
    ("a user without a phone", '"from_user_id":"BR.2"', NINA, Sender("", "BR.2", "Nina")),
    ("a BSUID where the phone belongs", '"from":"BR.2"', NINA, Sender("", "BR.2", "Nina")),
    ("empty ids are none", '"from":"","from_user_id":"BR.2"', NINA, Sender("", "BR.2", "Nina")),
    ("the contact completes the ids", '"from":"553180000001"', ANA, Sender("553180000001", "BR.1", "Ana")),
    ("only the contact names them", '"type":"text"', ANA, Sender("553180000001", "BR.1", "Ana")),
    ("one of several contacts", '"from_user_id":"BR.2"', f"{ANA},{NINA}", Sender("", "BR.2", "Nina")),
    ("none of several contacts", '"from":"5511970000001"', f"{ANA},{NINA}", Sender("5511970000001")),
    ("the contact of somebody else", '"from":"5511970000001"', ANA, Sender("5511970000001")),
    (
        "the contact writes the ninth digit",
        '"from":"553180000001"',
        '{"profile":{"name":"Ana"},"wa_id":"5531980000001"}',
        Sender("553180000001", "", "Ana"),
    ),
    ("a contact that is no object", '"from":"553180000001"', '"Ana"', Sender("553180000001")),
    (
        "a name with line breaks and NUL",
        '"from":"553180000001"',
        r'{"profile":{"name":" Ana\n\u0000 Lu "},"wa_id":"553180000001"}',
        Sender("553180000001", "", "Ana Lu"),
    ),
    (
        "a changed number is known by the old ids",
        '"type":"system","from":"553180000001","system":{"wa_id":"553180000009","user_id":"BR.9",'
        '"previous_user_id":"BR.1"}',
        "",
        Sender("553180000001", "BR.1"),
    ),
    (
        "a changed user id is known by the old one",
        '"type":"system","system":{"user_id":"BR.9","previous_user_id":"BR.1"}',
        "",
        Sender("", "BR.1"),
    ),
    ("a system message with a new phone only", '"type":"system","system":{"wa_id":"551"}', "", Sender("551")),
]


@pytest.mark.parametrize(
    ("ids", "contacts", "expected"), [row[1:] for row in SENDERS], ids=[row[0] for row in SENDERS]
)
def test_who_wrote(ids, contacts, expected):
    body = messages(f'{{"id":"wamid.1",{ids}}}', contacts=contacts)
    assert the_message(body).sender == expected


CHANGES = [
    (
        "a number and user ids",
        '"from":"553180000001","system":{"type":"user_changed_number","wa_id":"553180000009","user_id":"BR.9",'
        '"previous_user_id":"BR.1","parent_user_id":"BR.ENT.9","previous_parent_user_id":"BR.ENT.1"}',
        Sender("553180000001", "BR.1", "", "BR.ENT.1"),
        Sender("553180000009", "BR.9", "", "BR.ENT.9"),
    ),
    (
        "a number alone",
        '"from":"553180000001","system":{"type":"user_changed_number","wa_id":"+553180000009"}',
        Sender("553180000001"),
        Sender("553180000009"),
    ),
    (
        "a number, and the new user id only",
        '"from":"553180000001","from_user_id":"BR.9","system":{"type":"user_changed_number","wa_id":"553180000009",'
        '"user_id":"BR.9"}',
        Sender("553180000001"),
        Sender("553180000009", "BR.9"),
    ),
    (
        "a user id alone",
        '"system":{"type":"user_changed_user_id","user_id":"BR.9","previous_user_id":"BR.1"}',
        Sender("", "BR.1"),
        Sender("", "BR.9"),
    ),
    (
        "to nothing",
        '"from":"553180000001","system":{"type":"user_changed_number"}',
        Sender("553180000001"),
        None,
    ),
    (
        "something else",
        '"from":"553180000001","system":{"type":"customer_identity_changed","wa_id":"553180000001"}',
        Sender("553180000001"),
        None,
    ),
    (
        "of a wrong type",
        '"from":"553180000001","system":{"type":["user_changed_number"]}',
        Sender("553180000001"),
        None,
    ),
]


@pytest.mark.parametrize(
    ("message", "sender", "becomes"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_what_ids_change(message, sender, becomes):
    found = the_message(messages(f'{{"id":"wamid.1","type":"system",{message}}}', contacts=""))
    assert (found.sender, found.becomes) == (sender, becomes)


def test_a_parent_id_is_told_by_the_message_or_its_contact():
    ids = '{"id":"wamid.1","from_user_id":"BR.1","from_parent_user_id":"BR.ENT.1"}'
    assert the_message(messages(ids, contacts="")).sender == Sender("", "BR.1", "", "BR.ENT.1")
    contact = '{"user_id":"BR.1","parent_user_id":"BR.ENT.1"}'
    found = the_message(messages('{"id":"wamid.1","from_user_id":"BR.1"}', contacts=contact))
    assert found.sender.parent_bsuid == "BR.ENT.1"


def test_two_people_in_one_payload_keep_their_names():
    other = '{"id":"wamid.2","from_user_id":"BR.2","type":"text","text":{"body":"oi"}}'
    payload = read(messages(f'{{{IDS},"type":"text"}}', other, contacts=f"{NINA},{ANA}"))
    assert [message.sender.name for message in payload.messages] == ["Ana", "Nina"]


def the_status(content: str) -> Status:
    (status,) = read(webhook(f'"statuses":[{{{content}}}]'), RECEIVED).statuses
    return status


def test_a_delivered_status_with_its_price():
    content = (
        '"id":"wamid.1","status":"delivered","timestamp":"1795000000","recipient_id":"553180000001",'
        '"biz_opaque_callback_data":"saida=7","pricing":{"billable":true,"pricing_model":"PMP",'
        '"type":"regular","category":"service"}'
    )
    assert the_status(content) == Status(
        phone_number_id="200",
        wamid="wamid.1",
        status="delivered",
        at=AT,
        recipient="553180000001",
        callback="saida=7",
        error_code=None,
        error="",
        pricing=Pricing(billable=True, model="PMP", type="regular", category="service"),
        raw=f"{{{content}}}".encode(),
    )


ERRORS = [
    ("the details", '{"code":131047,"title":"T","error_data":{"details":"D"}}', (131047, "D")),
    ("details as a plain string", '{"code":131047,"title":"T","error_data":"D"}', (131047, "D")),
    ("the message", '{"code":131047,"title":"T","message":"M"}', (131047, "M")),
    ("a code as text", '{"code":"131047","title":"T"}', (131047, "T")),
    ("a code no database takes", '{"code":99999999999,"title":"T"}', (None, "T")),
    ("no code", '{"title":"T"}', (None, "T")),
    ("no object", '"T"', (None, "")),
]


@pytest.mark.parametrize(("error", "expected"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
def test_why_a_message_failed(error, expected):
    status = the_status(f'"id":"wamid.1","status":"failed","errors":[{error}]')
    assert (status.error_code, status.error) == expected


def test_a_status_of_a_person_without_a_phone():
    assert the_status('"id":"wamid.1","status":"sent","recipient_user_id":"BR.2"').recipient == "BR.2"


def test_a_status_word_we_do_not_know_is_kept():
    assert the_status('"id":"wamid.1","status":"folded"').status == "folded"


CHANGE = '{"field":"%s","value":%s}'
NOTICES = [
    (
        "a field of the account",
        CHANGE % ("account_update", '{"event":"ACCOUNT_DELETED"}'),
        ("", "account_update"),
    ),
    (
        "a field of the number",
        CHANGE % ("calls", '{"metadata":{"phone_number_id":"200"}}'),
        ("200", "calls"),
    ),
    ("a field to come, whose value is no object", CHANGE % ("aura", "[1]"), ("", "aura")),
    ("messages without any", CHANGE % ("messages", '{"messages":[]}'), ("", "messages")),
]


@pytest.mark.parametrize(
    ("change", "expected"), [row[1:] for row in NOTICES], ids=[row[0] for row in NOTICES]
)
def test_a_change_that_is_no_message_is_kept_as_a_notice(change, expected):
    payload = read(f'{{"entry":[{{"id":"100","changes":[{change}]}}]}}'.encode())
    assert payload.notices == [Notice("100", *expected, raw=change.encode())]
    assert payload.unread == []


def test_errors_of_the_number_are_a_notice_beside_the_messages():
    payload = read(webhook(f'"messages":[{{{IDS},"type":"interactive"}}],"errors":[{{"code":131000}}]'))
    assert payload.notices == [Notice("100", "200", "errors", b'[{"code":131000}]')]
    assert len(payload.messages) == 1


UNREAD = [
    (
        "a message whose id no index could hold",
        f'"messages":[{{"id":"{"w" * 513}"}}]',
        "message without an id",
        f'{{"id":"{"w" * 513}"}}',
    ),
    ("a message that is no object", '"messages":[7]', "message is not an object", "7"),
    ("a message without an id", '"messages":[{"from":"5531"}]', "message without an id", '{"from":"5531"}'),
    (
        "a message from nobody",
        '"messages":[{"id":"wamid.1"}]',
        "message without a sender",
        '{"id":"wamid.1"}',
    ),
    ("a status that is no object", '"statuses":["sent"]', "status is not an object", '"sent"'),
    ("a status without an id", '"statuses":[{"status":"sent"}]', "status without an id", '{"status":"sent"}'),
    ("a status of nothing", '"statuses":[{"id":"w"}]', "status without a status", '{"id":"w"}'),
    ("messages that are no list", '"messages":{"0":1}', "messages is not a list", '{"0":1}'),
]


@pytest.mark.parametrize(("value", "why", "raw"), [row[1:] for row in UNREAD], ids=[row[0] for row in UNREAD])
def test_what_cannot_be_read_is_kept(value, why, raw):
    payload = read(webhook(value))
    assert payload.unread == [Unread("100", "200", why, raw.encode())]
    assert payload.messages == payload.statuses == []


def test_a_message_to_no_number_is_kept():
    change = CHANGE % ("messages", f'{{"messages":[{{{IDS}}}]}}')
    (unread,) = read(f'{{"entry":[{{"id":"100","changes":[{change}]}}]}}'.encode()).unread
    assert unread.why == "message without a phone_number_id"


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("7", "entry is not an object with a list of changes"),
        ('{"id":"100"}', "entry is not an object with a list of changes"),
        ('{"changes":"x"}', "entry is not an object with a list of changes"),
        ('{"changes":[null]}', "change is not an object with a field"),
        ('{"changes":[{"value":{}}]}', "change is not an object with a field"),
        ('{"changes":[{"field":"messages","value":[]}]}', "value is not an object"),
    ],
)
def test_an_entry_of_another_shape_is_kept_and_its_neighbours_are_read(entry, why):
    good = messages(f'{{{IDS},"type":"text"}}').decode()
    neighbour = json.dumps(json.loads(good)["entry"][0])
    payload = read(f'{{"entry":[{neighbour},{entry},{neighbour}]}}'.encode())
    assert [unread.why for unread in payload.unread] == [why]
    assert len(payload.messages) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"oi", "not JSON"),
        (b'{"entry":[', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "list `entry`"),
        (b"null", "list `entry`"),
        (b"{}", "list `entry`"),
        (b'{"entry":null}', "list `entry`"),
        (b'{"entry":{"0":{}}}', "list `entry`"),
    ],
)
def test_a_body_of_another_shape_is_refused(body, why):
    with pytest.raises(NotAPayload, match=why):
        read(body)


def test_a_kept_message_that_is_not_one_is_refused():
    with pytest.raises(NotAPayload):
        read_message(b"[]")
