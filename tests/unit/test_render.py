"""Our messages as Meta wants them, and the limits beyond which they are not rendered."""

import pytest

from wabot.contents import Contact, File, Location, Telephone
from wabot.message import (
    AudioMessage,
    Button,
    ButtonsMessage,
    ContactsMessage,
    DocumentMessage,
    ImageMessage,
    ListMessage,
    LocationMessage,
    ReactionMessage,
    Row,
    StickerMessage,
    TextMessage,
    VideoMessage,
)
from wabot.whatsapp.render import render, render_read

SIM, NAO = Button("sim", "Sim"), Button("nao", "Não")
LINK = "https://example.com/a.jpg"
MB = 1024 * 1024


def file(mime_type: str, size: int = 1, filename: str = "") -> File:
    return File("a" * 64, mime_type, size, filename)


def rows(count: int) -> tuple[Row, ...]:
    return tuple(Row(str(n), f"Prato {n}") for n in range(count))


ROWS = [
    ("a text", TextMessage("Olá!"), {"type": "text", "text": {"body": "Olá!"}}),
    ("a picture", ImageMessage(LINK), {"type": "image", "image": {"link": LINK}}),
    (
        "a picture with a caption",
        ImageMessage(LINK, "Feijoada"),
        {"type": "image", "image": {"link": LINK, "caption": "Feijoada"}},
    ),
    ("a kept picture", ImageMessage(file=file("image/png")), {"type": "image", "image": {"id": "77"}}),
    (
        "a film with a caption",
        VideoMessage(LINK, "Veja"),
        {"type": "video", "video": {"link": LINK, "caption": "Veja"}},
    ),
    (
        "a voice note",
        AudioMessage(voice=True, file=file("audio/ogg")),
        {"type": "audio", "audio": {"id": "77", "voice": True}},
    ),
    ("a sound", AudioMessage(LINK), {"type": "audio", "audio": {"link": LINK}}),
    ("a sticker", StickerMessage(file=file("image/webp")), {"type": "sticker", "sticker": {"id": "77"}}),
    (
        "a document under the name of its file",
        DocumentMessage(file=file("application/pdf", filename="nota.pdf")),
        {"type": "document", "document": {"id": "77", "filename": "nota.pdf"}},
    ),
    (
        "a document under another name",
        DocumentMessage(caption="A sua", filename="2.pdf", file=file("application/pdf", filename="nota.pdf")),
        {"type": "document", "document": {"id": "77", "caption": "A sua", "filename": "2.pdf"}},
    ),
    (
        "a place",
        LocationMessage(Location(-23.5, -46.6, "Sé")),
        {"type": "location", "location": {"latitude": -23.5, "longitude": -46.6, "name": "Sé"}},
    ),
    (
        "a card",
        ContactsMessage((Contact("Bia Lima", (Telephone("+55 31", "5531"),), ("b@x.br",), "X"),)),
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Bia Lima", "first_name": "Bia"},
                    "phones": [{"phone": "+55 31", "wa_id": "5531"}],
                    "emails": [{"email": "b@x.br"}],
                    "org": {"company": "X"},
                }
            ],
        },
    ),
    (
        "a reaction",
        ReactionMessage("wamid.0", "👍"),
        {"type": "reaction", "reaction": {"message_id": "wamid.0", "emoji": "👍"}},
    ),
    (
        "a reaction taken back",
        ReactionMessage("wamid.0", ""),
        {"type": "reaction", "reaction": {"message_id": "wamid.0", "emoji": ""}},
    ),
    (
        "buttons",
        ButtonsMessage("Confirma?", (SIM, NAO)),
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "body": {"text": "Confirma?"},
                "action": {
                    "buttons": [
                        {"type": "reply", "reply": {"id": "sim", "title": "Sim"}},
                        {"type": "reply", "reply": {"id": "nao", "title": "Não"}},
                    ]
                },
            },
        },
    ),
    (
        "a button below a picture",
        ButtonsMessage("Quer?", (SIM,), image=LINK),
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "header": {"type": "image", "image": {"link": LINK}},
                "body": {"text": "Quer?"},
                "action": {"buttons": [{"type": "reply", "reply": {"id": "sim", "title": "Sim"}}]},
            },
        },
    ),
    (
        "a list",
        ListMessage("Qual?", "Ver pratos", (Row("f", "Feijoada", "R$ 29,90"), Row("m", "Moqueca"))),
        {
            "type": "interactive",
            "interactive": {
                "type": "list",
                "body": {"text": "Qual?"},
                "action": {
                    "button": "Ver pratos",
                    "sections": [
                        {
                            "rows": [
                                {"id": "f", "title": "Feijoada", "description": "R$ 29,90"},
                                {"id": "m", "title": "Moqueca"},
                            ]
                        }
                    ],
                },
            },
        },
    ),
]


@pytest.mark.parametrize(("message", "content"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_message_in_metas_words(message, content):
    assert render(message, to="553180000001", media_id="77") == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "+553180000001",
        **content,
    }


@pytest.mark.parametrize(
    ("address", "key", "value"),
    [
        ({"to": "553180000001"}, "to", "+553180000001"),
        ({"to": "+553180000001"}, "to", "+553180000001"),
        ({"recipient": "BR.1"}, "recipient", "BR.1"),
        ({"to": "553180000001", "recipient": "BR.1"}, "to", "+553180000001"),
    ],
)
def test_a_phone_has_a_plus_and_goes_before_a_bsuid(address, key, value):
    body = render(TextMessage("oi"), **address)
    assert body[key] == value
    assert len(body.keys() & {"to", "recipient"}) == 1


def test_a_reply_quotes_and_carries_our_own_id():
    body = render(TextMessage("oi", reply_to="wamid.1"), to="1", callback="saida=7")
    assert body["context"] == {"message_id": "wamid.1"}
    assert body["biz_opaque_callback_data"] == "saida=7"


BROKEN = [
    ("an empty text", TextMessage(" "), "body: empty"),
    ("a long text", TextMessage("a" * 4097), "body: 4097 characters, at most 4096"),
    ("a long text of emoji", TextMessage("🍕" * 2049), "body: 4098 characters, at most 4096"),
    ("a picture from nowhere", ImageMessage("a.jpg"), "link: not an http"),
    ("a file from nowhere", VideoMessage(), "link: not an http"),
    ("a link and a file", ImageMessage(LINK, file=file("image/png")), "image: give a link or a file"),
    ("a moving picture as a picture", ImageMessage(file=file("image/gif")), "image: image/gif, Meta takes"),
    (
        "a picture of 5 MB",
        ImageMessage(file=file("image/png", 5 * MB + 1)),
        "image: 5242881 bytes, at most 5242880",
    ),
    ("a film of 16 MB", VideoMessage(file=file("video/mp4", 16 * MB + 1)), "video: 16777217 bytes"),
    ("a document of 100 MB", DocumentMessage(file=file("x/y", 100 * MB + 1)), "document: 104857601 bytes"),
    ("a heavy sticker", StickerMessage(file=file("image/webp", 500 * 1024 + 1)), "sticker: 512001 bytes"),
    ("an MP3 as a voice note", AudioMessage(voice=True, file=file("audio/mpeg")), "voice: audio/mpeg"),
    ("a place beyond the pole", LocationMessage(Location(91, 0)), "latitude: not from -90 to 90"),
    ("a place that is no number", LocationMessage(Location(0, float("nan"))), "longitude: not from"),
    ("no cards", ContactsMessage(()), "contacts: 0"),
    ("a card without a name", ContactsMessage((Contact(" "),)), "contact name: empty"),
    ("a reaction to nothing", ReactionMessage("", "👍"), "reaction: to which message"),
    ("a long caption", ImageMessage(LINK, "a" * 1025), "caption: 1025"),
    ("no buttons", ButtonsMessage("?", ()), "buttons: 0"),
    ("four buttons", ButtonsMessage("?", tuple(Button(c, c) for c in "abcd")), "buttons: 4"),
    ("a long body over buttons", ButtonsMessage("a" * 1025, (SIM,)), "body: 1025"),
    ("a long button title", ButtonsMessage("?", (Button("a", "a" * 21),)), "button title: 21"),
    ("a long button id", ButtonsMessage("?", (Button("a" * 257, "a"),)), "button id: 257"),
    ("an empty button", ButtonsMessage("?", (Button("a", ""),)), "button title: empty"),
    ("twin titles", ButtonsMessage("?", (SIM, Button("s2", "Sim"))), "button titles: two"),
    ("twin button ids", ButtonsMessage("?", (SIM, Button("sim", "Não"))), "button ids: two"),
    ("no rows", ListMessage("?", "Ver", ()), "rows: 0"),
    ("eleven rows", ListMessage("?", "Ver", rows(11)), "rows: 11"),
    ("a long body over a list", ListMessage("a" * 4097, "Ver", rows(1)), "body: 4097"),
    ("a long list button", ListMessage("?", "a" * 21, rows(1)), "list button: 21"),
    ("a long row title", ListMessage("?", "Ver", (Row("a", "a" * 25),)), "row title: 25"),
    ("a long row id", ListMessage("?", "Ver", (Row("a" * 201, "a"),)), "row id: 201"),
    ("a long description", ListMessage("?", "Ver", (Row("a", "a", "a" * 73),)), "row description: 73"),
    ("twin row ids", ListMessage("?", "Ver", (Row("a", "a"), Row("a", "b"))), "row ids: two"),
]


@pytest.mark.parametrize(("message", "limit"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_message_beyond_a_limit_names_it(message, limit):
    with pytest.raises(ValueError, match=limit):
        render(message, to="553180000001", media_id="77")


def test_a_file_that_was_not_uploaded_is_not_rendered():
    with pytest.raises(ValueError, match="has not been uploaded"):
        render(ImageMessage(file=file("image/png")), to="1")


def test_a_message_at_every_limit_is_rendered():
    render(TextMessage("a" * 4096), recipient="BR.1", callback="c" * 512)
    render(ButtonsMessage("a" * 1024, tuple(Button(c * 256, c * 20) for c in "abc")), to="1")
    full = tuple(Row(str(n) * 200, "t" * 24, "d" * 72) for n in range(10))
    render(ListMessage("a" * 4096, "b" * 20, full), to="1")


def test_a_message_to_nobody_is_refused():
    with pytest.raises(ValueError, match="needs a phone"):
        render(TextMessage("oi"))


def test_a_long_callback_is_refused():
    with pytest.raises(ValueError, match="callback: 513"):
        render(TextMessage("oi"), to="1", callback="c" * 513)


def test_reading_and_typing():
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}
    assert render_read("wamid.1") == read
    assert render_read("wamid.1", typing=True) == read | {"typing_indicator": {"type": "text"}}
