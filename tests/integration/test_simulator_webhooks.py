"""What the simulated Meta tells the platform, over real HTTP: messages, statuses, and all that goes wrong."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from tests.echo import PHONE, WABA, EchoBot, buttons, echo_bot, menu, text

from wabot.testing.simulator import Bot, Faults, Simulator


@pytest_asyncio.fixture
async def bot():
    async with echo_bot() as running:
        yield running


def answering(*contents: dict[str, Any]):
    """The bot says these, one after the other, whatever it is told."""
    left = list(contents)
    return lambda _: [left.pop(0)] if left else []


def kinds(statuses: list[dict[str, Any]]) -> list[str]:
    return [status["status"] for status in statuses]


async def test_a_conversation(bot: EchoBot):
    bot.answer = answering(
        text("Olá, Ana!"),
        buttons("O que vai ser hoje?", "Pizzas", "Bebidas"),
        menu("Qual?", "Ver sabores", {"Salgadas": [("Calabresa", "com cebola"), ("Portuguesa", "")]}),
        text("Anotado: *Calabresa*"),
    )
    ana = bot.meta.customer("Ana")
    await ana.says("oi")
    await ana.sees("Olá, Ana!")
    await ana.says("quero pedir")
    reply = await ana.sees("O que vai ser hoje?")
    assert reply.options == ["Pizzas", "Bebidas"]
    await ana.taps("Pizzas")
    assert (await ana.sees("Qual?")).options == ["Calabresa", "Portuguesa"]
    await ana.taps("Calabresa")
    await ana.sees("Calabresa")
    assert ana.unseen() == []

    _, _, tap, row = bot.messages
    answered = {"id": bot.meta.sent[1].wamid, "from": "5511900000000"}
    assert tap["interactive"] == {
        "type": "button_reply",
        "button_reply": {"id": "id:Pizzas", "title": "Pizzas"},
    }
    assert tap["context"] == answered
    chosen = {"id": "id:Calabresa", "title": "Calabresa", "description": "com cebola"}
    assert row["interactive"] == {"type": "list_reply", "list_reply": chosen}


async def test_a_message_has_metas_shape(bot: EchoBot):
    ana = bot.meta.customer("Ana", "5511900000001")
    wamid = await ana.says("Olá/tchau")
    (body,) = bot.bodies
    (entry,) = body["entry"]
    (change,) = entry["changes"]
    value = change["value"]
    assert (body["object"], entry["id"], change["field"]) == ("whatsapp_business_account", WABA, "messages")
    assert value["metadata"] == {"display_phone_number": "5511900000000", "phone_number_id": PHONE}
    user = ana.phone.bsuid
    assert value["contacts"] == [{"profile": {"name": "Ana"}, "wa_id": "5511900000001", "user_id": user}]
    (message,) = value["messages"]
    assert message.pop("timestamp").isdecimal()
    assert message == {
        "from": "5511900000001",
        "from_user_id": user,
        "id": wamid,
        "type": "text",
        "text": {"body": "Olá/tchau"},
    }


async def test_somebody_with_a_username_shows_no_number(bot: EchoBot):
    ana = bot.meta.customer("Ana", hides_number=True)
    bot.answer = lambda _: []
    await ana.says("oi")
    (value,) = bot.values
    assert "wa_id" not in value["contacts"][0]
    assert "from" not in value["messages"][0]
    assert value["messages"][0]["from_user_id"] == ana.phone.bsuid


@pytest.mark.parametrize("kind", ["image", "audio", "document", "sticker"])
async def test_a_customer_sends_a_file(bot: EchoBot, kind: str):
    await bot.meta.customer("Ana").sends(kind, "olha só" if kind == "image" else "")
    (message,) = bot.messages
    file = message[kind]
    assert message["type"] == kind
    assert file.get("caption") == ("olha só" if kind == "image" else None)
    assert file.get("voice") == (True if kind == "audio" else None)
    for url in (file["url"], (await bot.http.get(f"/{file['id']}")).json()["url"]):
        downloaded = await bot.http.get(url)
        assert downloaded.headers["content-type"] == file["mime_type"]
        assert downloaded.content


async def test_a_customer_sends_other_things(bot: EchoBot):
    ana = bot.meta.customer("Ana")
    for kind in ("location", "contacts", "other"):
        await ana.sends(kind)
    place, card, unknown = bot.messages
    assert place["location"]["name"] == "Praça da Sé"
    assert card["contacts"][0]["phones"][0]["wa_id"] == ana.number
    assert (unknown["type"], unknown["errors"][0]["code"]) == ("unsupported", 131051)


async def test_a_customer_reacts(bot: EchoBot):
    ana = bot.meta.customer("Ana")
    await bot.send(ana.number, text("Pedido confirmado!"))
    seen = await ana.sees("confirmado")
    await ana.reacts("❤️")
    assert seen.reaction == "❤️"
    assert bot.messages[0]["reaction"] == {"message_id": seen.id, "emoji": "❤️"}


async def test_the_bot_asks_for_the_place_and_for_the_number(bot: EchoBot):
    ana = bot.meta.customer("Ana", hides_number=True)
    for kind, name in [
        ("location_request_message", "send_location"),
        ("request_contact_info", "request_contact_info"),
    ]:
        asked = {"type": kind, "body": {"text": "Por favor"}, "action": {"name": name}}
        await bot.send(ana.number, {"type": "interactive", "interactive": asked})
    assert (await ana.sees()).options == ["Enviar localização"]
    await ana.taps("Enviar localização")
    await ana.taps("Compartilhar contato")
    place, card = bot.messages
    assert place["context"]["id"] == bot.meta.sent[0].wamid
    assert card["contacts"][0]["origin"] == "contact_request"


async def test_a_tap_on_a_templates_quick_reply_comes_back_as_a_button(bot: EchoBot):
    quick = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Quero pedir"}]}
    template = {"name": "ola", "language": "pt_BR", "category": "MARKETING", "components": [quick]}
    bot.meta.templates.add(WABA, template)
    ana = bot.meta.customer("Ana")
    content = {"name": "ola", "language": {"code": "pt_BR"}}
    await bot.send(ana.number, {"type": "template", "template": content})
    await ana.taps("Quero pedir")
    assert bot.messages[0]["button"] == {"payload": "Quero pedir", "text": "Quero pedir"}


async def test_statuses_come_in_order_and_carry_the_callback(bot: EchoBot):
    ana = bot.meta.customer("Ana")
    await bot.send(ana.number, text("Olá!"), biz_opaque_callback_data="conta-7")
    await ana.sees("Olá!")
    await bot.until(lambda: len(bot.statuses) == 3)
    assert kinds(bot.statuses) == ["sent", "delivered", "read"]
    sent, _, read = bot.statuses
    assert {status["biz_opaque_callback_data"] for status in bot.statuses} == {"conta-7"}
    assert {status["recipient_id"] for status in bot.statuses} == {ana.number}
    assert sent["pricing"] == {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
    assert "pricing" not in read


async def test_a_customer_who_cannot_be_reached(bot: EchoBot):
    ana = bot.meta.customer("Ana")
    ana.cannot_receive(131049)
    answer = await bot.send(ana.number, text("Volte sempre!"), biz_opaque_callback_data="conta-7")
    assert answer.status_code == 200
    await bot.until(lambda: bool(bot.statuses))
    (failed,) = bot.statuses
    assert (failed["status"], failed["errors"][0]["code"]) == ("failed", 131049)
    assert (failed["recipient_id"], failed["biz_opaque_callback_data"]) == (ana.number, "conta-7")
    assert "contacts" not in bot.values[0]
    assert ana.unseen() == []


async def test_a_message_may_fail_later_and_statuses_may_be_kept_back(bot: EchoBot):
    bot.meta.faults = Faults(statuses=False)
    ana = bot.meta.customer("Ana")
    await bot.send(ana.number, text("Olá!"))
    bot.meta.fail(bot.meta.sent[0].wamid, 131026)
    await bot.until(lambda: bool(bot.statuses))
    assert kinds(bot.statuses) == ["failed"]


async def test_the_platform_reads_and_types(bot: EchoBot):
    heard: list[dict[str, Any]] = []
    ana = bot.meta.customer("Ana")
    bot.meta.chats.listen(heard.append)
    first, second = await ana.says("oi"), await ana.says("quero pedir")
    assert [bubble.tick for bubble in ana.phone.bubbles] == ["delivered", "delivered"]
    assert (await bot.reads(second, typing=True)).json() == {"success": True}
    await ana.sees_ticks(first, "read")
    await bot.send(ana.number, text("Olá!"))
    assert [event["on"] for event in heard if event["kind"] == "typing"] == [True, False]
    assert (await bot.reads("wamid.x")).status_code == 400


async def test_meta_tries_again_until_it_is_answered_200(bot: EchoBot):
    bot.refusals = [500, 503, 204]
    await bot.meta.customer("Ana").says("oi")
    assert bot.refusals == []
    assert len(bot.messages) == 1


async def test_meta_gives_up_in_the_end(bot: EchoBot):
    bot.refusals = [500] * 6
    with pytest.raises(AssertionError, match=r"never took the message\n\n     Ana: oi"):
        await bot.meta.customer("Ana").says("oi")
    assert bot.meta.chats.phones["5511900000001"].bubbles[0].tick == "sent"  # one grey tick


async def test_a_wrong_secret_is_never_accepted():
    async with echo_bot(app_secret="outro", retry_after=()) as bot:
        with pytest.raises(AssertionError):
            await bot.meta.customer("Ana").says("oi")


async def test_every_webhook_may_come_several_times(bot: EchoBot):
    bot.meta.faults = Faults(duplicate=3)
    wamid = await bot.meta.customer("Ana").says("oi")
    assert [message["id"] for message in bot.messages] == [wamid] * 3


async def test_several_updates_may_share_a_body(bot: EchoBot):
    bot.meta.faults = Faults(batch=10)
    padaria = "200000000000002"
    people = [bot.meta.customer("Ana"), bot.meta.customer("Bia"), bot.meta.customer("Caio", bot=padaria)]
    await asyncio.gather(*(person.says("oi") for person in people))
    (body,) = bot.bodies
    assert len(bot.messages) == 3
    numbers = [change["value"]["metadata"]["phone_number_id"] for change in body["entry"][0]["changes"]]
    assert numbers == [PHONE, PHONE, padaria]


async def test_numbers_of_two_apps_never_share_a_body():
    other = Bot("200000000000002", app_secret="outro")
    async with echo_bot(bots=[other], faults=Faults(batch=10), retry_after=()) as bot:
        ana, bia = bot.meta.customer("Ana"), bot.meta.customer("Bia", bot=other.phone_number_id)
        taken = await asyncio.gather(ana.says("oi"), bia.says("oi"), return_exceptions=True)
        assert isinstance(taken[1], AssertionError)  # signed with a secret the bot does not know
        assert [message["from"] for message in bot.messages] == [ana.number]


async def test_updates_keep_their_order_unless_they_are_shuffled(bot: EchoBot):
    ana = bot.meta.customer("Ana")

    async def told() -> list[str]:
        bot.values.clear()
        await asyncio.gather(*(ana.says(str(n)) for n in range(20)))
        return [message["text"]["body"] for message in bot.messages]

    in_order = [str(n) for n in range(20)]
    assert await told() == in_order
    bot.meta.faults = Faults(shuffle=True)
    shuffled = await told()
    assert shuffled != in_order
    assert sorted(shuffled, key=int) == in_order


async def test_a_failure_reads_like_the_chat(bot: EchoBot):
    bot.answer = answering(buttons("O que vai ser hoje?", "Pizzas", "Bebidas"))
    ana = bot.meta.customer("Ana")
    await ana.says("oi")
    await ana.sees("hoje")
    await ana.taps("Pizzas")
    with pytest.raises(AssertionError) as failure:
        await ana.sees("Qual sabor?", within=0.05)
    assert str(failure.value) == (
        "expected 'Qual sabor?', but nothing came within 0.05 s\n"
        "\n"
        "     Ana: oi\n"
        "     bot: O que vai ser hoje?\n"
        "            ▢ Pizzas\n"
        "            ▢ Bebidas\n"
        "     Ana: [Pizzas]"
    )


async def test_a_tap_on_what_nobody_offers(bot: EchoBot):
    with pytest.raises(AssertionError, match="no message offers 'Pizzas'"):
        await bot.meta.customer("Ana").taps("Pizzas")


async def test_the_page_hears_of_everything_and_stopping_does_not_wait_for_it():
    async with asyncio.timeout(5):
        async with echo_bot() as bot, bot.http.stream("GET", f"{bot.meta.url}/simulator/events") as events:
            lines = events.aiter_lines()
            chat = {"name": "Bia", "number": "+55 (11) 91234-5678"}
            made = (await bot.http.post(f"{bot.meta.url}/simulator/chats", json=chat)).json()
            await bot.http.post(f"{bot.meta.url}/simulator/chats/{made['id']}/messages", json={"text": "oi"})
            heard = [line async for line in _first(lines, 3)]
    assert made["number"] == "5511912345678"
    assert [kind in line for kind, line in zip(("customer", "message", "tick"), heard, strict=True)] == [
        True,
        True,
        True,
    ]
    assert bot.messages[0]["text"] == {"body": "oi"}


async def _first(lines, count: int):
    async for line in lines:
        if line.startswith("data:"):
            yield line
            count -= 1
        if not count:
            return


async def test_a_second_start_shows_the_chats_of_the_first(tmp_path):
    store = tmp_path / "simulador.json"
    async with echo_bot(store=store) as bot:
        await bot.meta.customer("Ana", "5511900000001").says("oi")
    async with echo_bot(store=store) as bot:
        ana = bot.meta.customer("Ana", "5511900000001")
        assert [bubble.text for bubble in ana.phone.bubbles] == ["oi"]
        bot.answer = answering(text("De novo aqui?"))
        await ana.says("oi de novo")
        await ana.sees("De novo aqui?")


async def test_a_chat_that_is_not_there(bot: EchoBot):
    for path in ("messages", "read"):
        answer = await bot.http.post(f"{bot.meta.url}/simulator/chats/x/{path}", json={"text": "oi"})
        assert answer.status_code == 404
    nameless = await bot.http.post(f"{bot.meta.url}/simulator/chats", json={"name": " "})
    assert nameless.status_code == 400


async def test_nobody_is_told_where_nobody_listens():
    async with Simulator(app_secret="x", retry_after=()).serve() as meta:
        with pytest.raises(AssertionError, match="never took"):
            await meta.customer("Ana").says("oi")
