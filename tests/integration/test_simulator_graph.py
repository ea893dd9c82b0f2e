"""The simulated Graph API over real HTTP: what it answers, what it refuses, what it keeps."""

import hashlib

import httpx
import pytest
import pytest_asyncio
from tests.echo import PHONE, SECRET, WABA, EchoBot, buttons, echo_bot, text

from wabot.asgi import PortTaken
from wabot.testing.simulator import Bot, Faults, Simulator


@pytest_asyncio.fixture
async def bot():
    async with echo_bot() as running:
        yield running


def error_of(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_an_accepted_message_gets_a_wamid_and_is_kept(bot: EchoBot):
    bot.meta.customer("Ana", "553180000001")
    answer = await bot.send("5531980000001", text("Olá!"), biz_opaque_callback_data="conta-7")
    assert answer.status_code == 200
    (sent,) = bot.meta.sent
    assert answer.json() == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+5531980000001", "wa_id": "553180000001"}],  # the account lacks the 9
        "messages": [{"id": sent.wamid, "message_status": "accepted"}],
    }
    assert (sent.to, sent.callback, sent.body["text"]) == ("5531980000001", "conta-7", {"body": "Olá!"})


@pytest.mark.parametrize("version", ["", "/v21.0", "/v26.0"])
async def test_any_version_will_do(bot: EchoBot, version: str):
    body = {"messaging_product": "whatsapp", "to": "+5511900000001", **text("Olá!")}
    answer = await bot.http.post(f"{bot.meta.url}{version}/{PHONE}/messages", json=body)
    assert answer.status_code == 200


async def test_a_message_to_a_user_id_reaches_the_person(bot: EchoBot):
    ana = bot.meta.customer("Ana")
    body = {"messaging_product": "whatsapp", "recipient": ana.phone.bsuid, **text("Olá!")}
    answer = await bot.http.post(f"/{PHONE}/messages", json=body)
    assert answer.json()["contacts"] == [{"input": ana.phone.bsuid, "user_id": ana.phone.bsuid}]
    await ana.sees("Olá!")
    stranger = await bot.http.post(f"/{PHONE}/messages", json=body | {"recipient": "BR.1502"})
    assert error_of(stranger) == (400, 131026)


async def test_the_number_wins_over_the_user_id(bot: EchoBot):
    ana, bia = bot.meta.customer("Ana"), bot.meta.customer("Bia")
    await bot.send(ana.number, text("Olá!"), recipient=bia.phone.bsuid)
    await ana.sees("Olá!")
    assert bia.unseen() == []


async def test_what_meta_refuses_is_not_sent(bot: EchoBot):
    answer = await bot.send("5511900000001", buttons("Quer?", *"abcd"))
    assert error_of(answer) == (400, 131009)
    assert bot.meta.sent == []


async def test_a_bot_may_not_write_to_itself(bot: EchoBot):
    assert error_of(await bot.send("5511900000000", text("oi"))) == (400, 131021)


async def test_a_body_that_is_not_json(bot: EchoBot):
    answer = await bot.http.post(f"/{PHONE}/messages", content=b"{")
    assert error_of(answer) == (400, 100)


async def test_without_a_token_nothing_works(bot: EchoBot):
    for method, path in [("POST", "/1/messages"), ("GET", "/1"), ("POST", "/1/media"), ("DELETE", "/1")]:
        answer = await bot.stranger.request(method, path)
        assert error_of(answer) == (401, 190), path


async def test_a_number_with_a_token_takes_that_one_only():
    numbers = [Bot(PHONE, access_token="certo")]
    async with echo_bot(bots=numbers) as bot:
        assert error_of(await bot.send("5511900000001", text("oi"))) == (401, 190)
        bot.http.headers["Authorization"] = "Bearer certo"
        assert (await bot.send("5511900000001", text("oi"))).status_code == 200


async def test_a_strict_meta_knows_its_numbers_only():
    async with echo_bot(strict=True) as bot:
        answer = await bot.send("5511900000001", text("oi"))
        assert error_of(answer) == (400, 100)
        assert answer.json()["error"]["error_subcode"] == 33


async def test_what_is_told_about_a_number(bot: EchoBot):
    bot.meta.bot(PHONE)
    everything = (await bot.http.get(f"/{PHONE}")).json()
    assert everything["health_status"]["can_send_message"] == "AVAILABLE"
    some = (await bot.http.get(f"/{PHONE}", params={"fields": "quality_rating,throughput"})).json()
    assert some == {"id": PHONE, "quality_rating": "GREEN", "throughput": {"level": "STANDARD"}}
    (number,) = (await bot.http.get(f"/{WABA}/phone_numbers")).json()["data"]
    assert number["id"] == PHONE
    assert (await bot.http.post(f"/{WABA}/subscribed_apps")).json() == {"success": True}
    assert (await bot.http.get("/debug_token?input_token=x")).json()["data"]["is_valid"] is True


async def test_a_file_goes_up_and_comes_down(bot: EchoBot):
    file = {"file": ("foto.png", b"a picture", "image/png")}
    form = {"messaging_product": "whatsapp", "type": "image/png"}
    media = (await bot.http.post(f"/{PHONE}/media", data=form, files=file)).json()["id"]
    about = (await bot.http.get(f"/{media}", params={"phone_number_id": PHONE})).json()
    assert (about["mime_type"], about["file_size"]) == ("image/png", "9")
    assert about["sha256"] == hashlib.sha256(b"a picture").hexdigest()
    assert (await bot.http.get(about["url"])).content == b"a picture"
    assert (await bot.stranger.get(about["url"])).status_code == 401
    assert (await bot.send("5511900000001", {"type": "image", "image": {"id": media}})).status_code == 200

    assert (await bot.http.delete(f"/{media}")).json() == {"success": True}
    assert error_of(await bot.http.get(f"/{media}")) == (400, 100)
    assert error_of(await bot.send("5511900000001", {"type": "image", "image": {"id": media}})) == (400, 100)


async def test_templates_are_made_listed_sent_and_removed(bot: EchoBot):
    template = {
        "name": "saudade",
        "language": "pt_BR",
        "category": "MARKETING",
        "components": [{"type": "BODY", "text": "Sentimos sua falta, {{1}}!"}],
    }
    made = await bot.http.post(f"/{WABA}/message_templates", json=template)
    assert made.json()["status"] == "APPROVED"
    (listed,) = (await bot.http.get(f"/{WABA}/message_templates")).json()["data"]
    assert listed["name"] == "saudade"

    ana = bot.meta.customer("Ana")
    body = {"type": "body", "parameters": [{"type": "text", "text": "Ana"}]}
    content = {"name": "saudade", "language": {"code": "pt_BR"}, "components": [body]}
    await bot.send(ana.number, {"type": "template", "template": content})
    await ana.sees("Sentimos sua falta, Ana!")
    await bot.until(lambda: len(bot.statuses) > 1)
    assert bot.statuses[0]["pricing"]["category"] == "marketing"

    await bot.http.delete(f"/{WABA}/message_templates", params={"name": "saudade"})
    assert error_of(await bot.send(ana.number, {"type": "template", "template": content})) == (400, 132001)


@pytest.mark.parametrize(
    ("faults", "error"),
    [(Faults(fail_rate=1), (500, 1)), (Faults(throttle_rate=1), (429, 130429))],
    ids=["it fails", "it throttles"],
)
async def test_meta_in_trouble_sends_nothing(bot: EchoBot, faults: Faults, error: tuple[int, int]):
    bot.meta.faults = faults
    assert error_of(await bot.send("5511900000001", text("oi"))) == error
    assert bot.meta.sent == []


async def test_a_broken_connection_breaks_before_the_first_byte(
    bot: EchoBot, caplog: pytest.LogCaptureFixture
):
    bot.meta.faults = Faults(reset_rate=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await bot.send("5511900000001", text("oi"))
    assert bot.meta.sent == []
    assert caplog.records == []


async def test_a_message_nobody_confirms_is_sent_all_the_same(bot: EchoBot):
    ana = bot.meta.customer("Ana")
    bot.meta.faults = Faults(timeout_rate=1)
    with pytest.raises(httpx.ReadTimeout):
        await bot.http.post(
            f"/{PHONE}/messages",
            json={"messaging_product": "whatsapp", "to": ana.number, **text("Olá!")},
            timeout=0.2,
        )
    await ana.sees("Olá!")


async def test_faults_are_changed_over_http(bot: EchoBot):
    answer = await bot.http.post(f"{bot.meta.url}/simulator/faults", json={"fail_rate": 0.5, "shuffle": True})
    assert answer.json()["fail_rate"] == 0.5
    assert bot.meta.faults == Faults(fail_rate=0.5, shuffle=True)
    refused = await bot.http.post(f"{bot.meta.url}/simulator/faults", json={"fail_rate": 50})
    assert refused.status_code == 400
    assert bot.meta.faults.fail_rate == 0.5


async def test_the_window_can_be_closed(bot: EchoBot):
    ana = bot.meta.customer("Ana")
    bot.meta.faults = Faults(window=True)
    assert error_of(await bot.send(ana.number, text("Oi!"))) == (400, 131047)
    await ana.says("oi")
    assert (await bot.send(ana.number, text("Oi!"))).status_code == 200
    ana.goes_away(hours=25)
    assert error_of(await bot.send(ana.number, text("Oi?"))) == (400, 131047)


async def test_a_taken_port_is_said_in_words(bot: EchoBot):
    with pytest.raises(PortTaken, match=f"Não foi possível escutar em 127.0.0.1:{bot.meta.port}"):
        async with Simulator(app_secret=SECRET).serve(port=bot.meta.port):
            pass
