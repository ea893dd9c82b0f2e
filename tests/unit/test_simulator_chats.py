"""The customers' phones: who is reached, what is kept, what is too much."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from wabot.testing.simulator.chats import Bubble, Chats, Phone
from wabot.testing.simulator.errors import GraphError
from wabot.testing.simulator.faults import Dice, Faults
from wabot.testing.simulator.limits import Limits

LOJA, PADARIA = "200000000000001", "200000000000002"


def test_a_mobile_is_found_with_and_without_the_ninth_digit():
    chats = Chats()
    ana = chats.add("Ana", "553180000001", LOJA)
    assert chats.find(LOJA, "5531980000001") is ana
    assert chats.find(LOJA, ana.bsuid) is ana
    assert chats.find(PADARIA, "553180000001") is None


def test_one_person_has_a_chat_and_a_user_id_for_each_bot():
    chats = Chats()
    here, there = chats.add("Ana", "5511900000001", LOJA), chats.add("Ana", "5511900000001", PADARIA)
    assert here.id != there.id
    assert here.bsuid != there.bsuid
    assert chats.add("Ana Maria", "5511900000001", LOJA) is here


def test_customers_without_a_number_get_one_each():
    chats = Chats()
    assert len({chats.add("Alguém", "", LOJA).number for _ in range(5)}) == 5


def test_ticks_only_go_forward():
    chats = Chats()
    ana = chats.add("Ana", "", LOJA)
    chats.put(ana, Bubble(id="wamid.1", sender="customer", tick="sent"))
    chats.tick("wamid.1", "read")
    chats.tick("wamid.1", "delivered")
    assert ana.bubbles[0].tick == "read"


async def test_the_chats_are_there_the_next_time(tmp_path):
    store = tmp_path / "simulador.json"
    before = Chats(store)
    before.put(before.add("Ana", "5511900000001", LOJA), Bubble(id="wamid.1", sender="bot", text="Olá!"))
    before.save()
    after = Chats(store)
    assert after.phones == before.phones
    assert after.bubble("wamid.1")[0] is after.find(LOJA, "5511900000001")
    assert [file.name for file in tmp_path.iterdir()] == ["simulador.json"]


def test_a_file_that_cannot_be_read_does_not_stop_the_start(tmp_path):
    store = tmp_path / "simulador.json"
    store.write_text("{")
    assert Chats(store).phones == {}


def phone(**more: object) -> Phone:
    return Phone(id="ana", name="Ana", number="5511900000001", bot=LOJA, **more)


def wrote(ago: timedelta) -> Phone:
    return phone(bubbles=[Bubble(id="wamid.1", sender="customer", at=datetime.now(UTC) - ago)])


@pytest.mark.parametrize(
    ("ana", "template", "refused"),
    [
        (wrote(timedelta(hours=23)), False, False),
        (wrote(timedelta(hours=25)), False, True),
        (wrote(timedelta(hours=25)), True, False),
        (phone(), False, True),  # who never wrote never opened the window
    ],
)
def test_the_window_closes_24_hours_after_the_customer_wrote(ana, template, refused):
    def check(faults: Faults) -> None:
        Limits().check(faults, ana, template=template)

    check(Faults())
    if refused:
        with pytest.raises(GraphError, match="24 hours"):
            check(Faults(window=True))
    else:
        check(Faults(window=True))


def sent_until_refused(faults: Faults, limits: Limits) -> tuple[int, int]:
    for count in range(1000):
        try:
            limits.check(faults, phone(), template=False)
        except GraphError as refused:
            return count, refused.code
    return 1000, 0


def test_a_pair_takes_45_at_once_and_then_one_in_6_seconds():
    now = 0.0
    limits = Limits(clock=lambda: now)
    assert sent_until_refused(Faults(pair_limit=True), limits) == (45, 131056)
    now = 13.0
    assert sent_until_refused(Faults(pair_limit=True), limits) == (2, 131056)


def test_a_number_sends_so_many_a_second():
    now = 0.0
    limits = Limits(clock=lambda: now)
    assert sent_until_refused(Faults(per_second=80), limits) == (80, 130429)
    now = 0.5
    assert sent_until_refused(Faults(per_second=80), limits) == (40, 130429)


def test_the_same_seed_brings_the_same_bad_luck():
    faults = Faults(fail_rate=0.2, throttle_rate=0.2, reset_rate=0.2, timeout_rate=0.2)
    runs = [[Dice(faults, seed).strikes() for seed in range(100)] for _ in range(2)]
    assert runs[0] == runs[1]
    assert set(runs[0]) == {"", "fail", "throttle", "reset", "timeout"}


def test_a_rate_is_a_share():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"fail_rate": 30}, Faults)
