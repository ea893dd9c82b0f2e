"""What the simulated Meta refuses: one row for each documented limit, and the code it is refused with."""

import contextlib
from copy import deepcopy
from typing import Any

import pytest

from wabot.testing.simulator.checks import check_message
from wabot.testing.simulator.errors import GraphError
from wabot.testing.simulator.screen import bubble_of


def message(kind: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": "+5531980000001", "type": kind, kind: content, **more}


def text(body: Any, **more: Any) -> dict[str, Any]:
    return message("text", {"body": body}, **more)


def reply(id: Any = "1", title: Any = "Sim") -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": id, "title": title}}


def buttons(*replies: Any, **more: Any) -> dict[str, Any]:
    action = {"buttons": list(replies)}
    return message("interactive", {"type": "button", "body": {"text": "Quer?"}, "action": action, **more})


def row(id: Any = "1", title: Any = "Feijoada", **more: Any) -> dict[str, Any]:
    return {"id": id, "title": title, **more}


def listed(*sections: Any, button: Any = "Ver", body: str = "O que vai ser?", **more: Any) -> dict[str, Any]:
    action = {"button": button, "sections": list(sections)}
    return message("interactive", {"type": "list", "body": {"text": body}, "action": action, **more})


def section(*rows: Any, title: Any = "") -> dict[str, Any]:
    return {"title": title, "rows": list(rows)}


def link(**parameters: Any) -> dict[str, Any]:
    action = {"name": "cta_url", "parameters": parameters}
    return message("interactive", {"type": "cta_url", "body": {"text": "Veja"}, "action": action})


def asking(kind: str, name: str) -> dict[str, Any]:
    return message("interactive", {"type": kind, "body": {"text": "Onde?"}, "action": {"name": name}})


def rows(count: int) -> list[dict[str, Any]]:
    return [row(str(n)) for n in range(count)]


def without(body: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in keys}


TEMPLATE = {"name": "volte_sempre", "language": {"code": "pt_BR"}}
PICTURE = {"link": "https://loja.example/foto.jpg"}

GOOD = {
    "a text of 4096": text("x" * 4096),
    "a text without a type": without(text("oi"), "type"),
    "an answer that quotes": text("oi", context={"message_id": "wamid.1"}),
    "to a user id": without(text("oi"), "to") | {"recipient": "BR.1502abc"},
    "a callback of 512": text("oi", biz_opaque_callback_data="x" * 512),
    "three buttons at their limits": buttons(*(reply(f"{n}" * 256, f"{n}" * 20) for n in range(3))),
    "a header and a footer of 60": buttons(
        reply(), header={"type": "text", "text": "x" * 60}, footer={"text": "x" * 60}
    ),
    "a picture above buttons": buttons(reply(), header={"type": "image", "image": PICTURE}),
    "ten rows in ten sections": listed(*(section(row(str(n)), title=f"{n}" * 24) for n in range(10))),
    "a row at its limits": listed(section(row("1" * 200, "x" * 24, description="x" * 72))),
    "a list with a body of 4096": listed(section(row()), body="x" * 4096),
    "a picture by id": message("image", {"id": "4001", "caption": "x" * 1024}),
    "a document": message("document", PICTURE | {"filename": "nota.pdf"}),
    "a place": message("location", {"latitude": -23.55, "longitude": -46.63}),
    "a card": message("contacts", [{"name": {"formatted_name": "Ana", "first_name": "Ana"}}]),
    "a reaction": message("reaction", {"message_id": "wamid.1", "emoji": "👍"}),
    "a reaction taken back": message("reaction", {"message_id": "wamid.1", "emoji": ""}),
    "a template": message("template", TEMPLATE),
    "a link": link(display_text="Cardápio", url="https://loja.example"),
    "asking for the place": asking("location_request_message", "send_location"),
    "asking for the number": asking("request_contact_info", "request_contact_info"),
}

BAD: dict[str, tuple[Any, int]] = {
    "not an object": (["oi"], 100),
    "no messaging_product": (without(text("oi"), "messaging_product"), 100),
    "nobody to send it to": (without(text("oi"), "to"), 131008),
    "a name for a number": (text("oi") | {"to": "Ana"}, 131009),
    "a number for a user id": (without(text("oi"), "to") | {"recipient": "5531980000001"}, 131009),
    "a callback of 513": (text("oi", biz_opaque_callback_data="x" * 513), 131009),
    "a quote of nothing": (text("oi", context={}), 131008),
    "a type nobody knows": (message("poll", {}), 131051),
    "a type that is no word": (text("oi") | {"type": {}}, 131051),
    "a text without its object": (without(text("oi"), "text"), 131008),
    "a text that is a string": (message("text", "oi"), 100),
    "a text without words": (text(""), 131008),
    "a text of spaces": (text(" \n "), 131008),
    "a text that is a number": (text(7), 100),
    "a text of 4097": (text("x" * 4097), 131009),
    "an emoji counts twice": (text("x" * 4095 + "😀"), 131009),
    "no buttons": (buttons(), 131009),
    "four buttons": (buttons(*(reply(str(n), str(n)) for n in range(4))), 131009),
    "a button that is a string": (buttons("Sim"), 100),
    "a button without a reply": (buttons({"type": "reply"}), 131008),
    "a button id of 257": (buttons(reply("x" * 257)), 131009),
    "a button title of 21": (buttons(reply(title="x" * 21)), 131009),
    "a button without a title": (buttons(reply(title="")), 131008),
    "two buttons of one title": (buttons(reply("1"), reply("2")), 131009),
    "two buttons of one id": (buttons(reply(title="Sim"), reply(title="Não")), 131009),
    "buttons below 1025": (buttons(reply(), body={"text": "x" * 1025}), 131009),
    "buttons below nothing": (buttons(reply(), body={"text": ""}), 131008),
    "a footer of 61": (buttons(reply(), footer={"text": "x" * 61}), 131009),
    "a header of 61": (buttons(reply(), header={"type": "text", "text": "x" * 61}), 131009),
    "a header of audio": (buttons(reply(), header={"type": "audio", "audio": PICTURE}), 131009),
    "a list button of 21": (listed(section(row()), button="x" * 21), 131009),
    "a list without a button": (listed(section(row()), button=None), 131008),
    "a list without sections": (listed(), 131009),
    "eleven sections": (listed(*(section(row(str(n)), title="x") for n in range(11))), 131009),
    "eleven rows": (listed(section(*rows(6), title="a"), section(*rows(5), title="b")), 131009),
    "a section without rows": (listed(section()), 131009),
    "two sections, one without a title": (listed(section(row(), title="a"), section(row("2"))), 131008),
    "a section title of 25": (listed(section(row(), title="x" * 25)), 131009),
    "a row id of 201": (listed(section(row("x" * 201))), 131009),
    "two rows of one id": (listed(section(row(), row())), 131009),
    "a row title of 25": (listed(section(row(title="x" * 25))), 131009),
    "a row description of 73": (listed(section(row(description="x" * 73))), 131009),
    "a list with a picture": (listed(section(row()), header={"type": "image", "image": PICTURE}), 131009),
    "a list with a body of 4097": (listed(section(row()), body="x" * 4097), 131009),
    "an interactive nobody knows": (asking("dance", "dance"), 131009),
    "interactive without action": (
        message("interactive", {"type": "button", "body": {"text": "Quer?"}}),
        131008,
    ),
    "a link without an address": (link(display_text="Cardápio"), 131008),
    "a link to a script": (link(display_text="Cardápio", url="javascript:alert(1)"), 131009),
    "a link's title of 21": (link(display_text="x" * 21, url="https://loja.example"), 131009),
    "asking under another name": (asking("location_request_message", "location"), 131009),
    "a picture without a source": (message("image", {"caption": "oi"}), 131008),
    "a picture on the disk": (message("image", {"link": "file:///etc/passwd"}), 131009),
    "a caption of 1025": (message("image", PICTURE | {"caption": "x" * 1025}), 131009),
    "a caption on a sound": (message("audio", PICTURE | {"caption": "oi"}), 131009),
    "a place without a latitude": (message("location", {"longitude": 1}), 131008),
    "a place off the globe": (message("location", {"latitude": 91, "longitude": 0}), 131009),
    "a card without a name": (message("contacts", [{"phones": []}]), 131008),
    "no cards": (message("contacts", []), 131009),
    "a reaction to nothing": (message("reaction", {"emoji": "👍"}), 131008),
    "a reaction to a number": (message("reaction", {"message_id": 7, "emoji": "👍"}), 100),
    "a picture whose id is a list": (message("image", {"id": ["4001"]}), 100),
    "a reaction without emoji": (message("reaction", {"message_id": "wamid.1"}), 131008),
    "a template without a name": (message("template", without(TEMPLATE, "name")), 131008),
    "a template without a language": (message("template", without(TEMPLATE, "language")), 131008),
}


@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_meta_takes(body):
    check_message(body)


@pytest.mark.parametrize(("body", "code"), BAD.values(), ids=BAD)
def test_meta_refuses(body, code):
    with pytest.raises(GraphError) as refused:
        check_message(body)
    assert refused.value.code == code


def test_a_refusal_has_metas_shape():
    error = GraphError(131009, "text.body is longer than 4096").body()["error"]
    assert error["message"] == "(#131009) Parameter value is not valid"
    assert error["error_data"] == {
        "messaging_product": "whatsapp",
        "details": "text.body is longer than 4096",
    }
    assert (error["code"], error["type"]) == (131009, "OAuthException")


@pytest.mark.parametrize("junk", [None, 7, "x", [], ["x"], {}, True], ids=repr)
@pytest.mark.parametrize("body", GOOD.values(), ids=GOOD)
def test_no_junk_anywhere_makes_it_stumble(body, junk):
    for changed in _with_junk(body, junk):
        with contextlib.suppress(GraphError):
            check_message(changed)
            if changed.get("type") != "reaction":  # that is no bubble, but a mark on one
                bubble_of("wamid.1", changed)


def _with_junk(body: Any, junk: Any) -> list[Any]:
    """The body again and again, each time with junk in another place."""
    if not isinstance(body, dict | list):
        return []
    found = []
    for key in body if isinstance(body, dict) else range(len(body)):
        for inside in (junk, *_with_junk(body[key], junk)):
            changed = deepcopy(body)
            changed[key] = inside
            found.append(changed)
    return found
