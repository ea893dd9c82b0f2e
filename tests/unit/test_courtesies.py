"""Blue ticks and "digitando…": told once for all that a person wrote, and never under a reply."""

import pytest

from wabot.courtesies import MOST, Courtesies
from wabot.whatsapp.client import Credentials

BOT = Credentials("1", "token")


class Meta:
    def __init__(self):
        self.shown = []

    async def mark_read(self, credentials, wamid, *, typing):
        self.shown.append((wamid, typing))
        return True


@pytest.fixture
def meta():
    return Meta()


@pytest.fixture
def courtesies(meta):
    return Courtesies(meta)


async def test_a_turn_that_takes_long_is_seen_typing(courtesies, meta):
    courtesies.begun(7, BOT, "wamid.1")
    await courtesies.show()
    assert meta.shown == [("wamid.1", True)]


async def test_one_that_has_been_taken_is_only_marked_as_read(courtesies, meta):
    courtesies.begun(7, BOT, "wamid.1")
    courtesies.ended(7)
    await courtesies.show()
    assert meta.shown == [("wamid.1", False)]


async def test_the_newest_message_of_a_conversa_tells_of_those_before_it(courtesies, meta):
    for wamid in ("wamid.1", "wamid.2", "wamid.3"):
        courtesies.begun(7, BOT, wamid)
    courtesies.begun(8, BOT, "wamid.4")
    await courtesies.show()
    assert meta.shown == [("wamid.3", True), ("wamid.4", True)]


async def test_nothing_is_shown_twice(courtesies, meta):
    courtesies.begun(7, BOT, "wamid.1")
    await courtesies.show()
    courtesies.ended(7)
    await courtesies.show()
    assert len(meta.shown) == 1


async def test_a_flood_of_people_is_not_remembered(courtesies, meta):
    for conversa in range(MOST + 1):
        courtesies.begun(conversa, BOT, f"wamid.{conversa}")
    courtesies.begun(0, BOT, "wamid.newer")
    await courtesies.show()
    assert len(meta.shown) == MOST
    assert meta.shown[0] == ("wamid.newer", True)
