"""What becomes of a conversation that an earlier release left: rows of cases, with the reason in the row."""

import msgspec
import pytest

from wabot.flow import Ask, Context, End, Flow, Go
from wabot.testing.chat import Chat
from wabot.turn import NEWER_PATIENCE, State
from wabot.upgrade import Left, resume


class Mesa(msgspec.Struct):
    pessoas: int = 0
    varanda: bool = False


def flow(**options):
    made = Flow("mesa", data=Mesa, **options)

    @made.etapa
    async def quantas_pessoas(ctx: Context[Mesa]):
        def then(pessoas):
            ctx.data.pessoas = pessoas
            return Go(confirmar)

        return Ask("Quantas pessoas?", check=int, then=then)

    @made.etapa
    async def confirmar(ctx: Context[Mesa]):
        return Ask("Confirma?", check=str, then=lambda _: End(f"{ctx.data.pessoas}, {ctx.data.varanda}"))

    return made


def to_2(data):
    return {"pessoas": int(data["quantos"])}


def to_3(data):
    return {**data, "varanda": True}


@pytest.mark.parametrize(
    ("options", "left", "fate", "etapa", "data"),
    [
        ({}, Left("confirmar", 1, b'{"pessoas": 2}'), "continues", "confirmar", Mesa(2)),
        ({"version": 3, "migrations": {1: to_2, 2: to_3}}, Left("confirmar", 1, b'{"quantos": "4"}'),
         "migrates", "confirmar", Mesa(4, True)),
        ({"version": 3, "migrations": {1: to_2, 2: to_3}}, Left("confirmar", 2, b'{"pessoas": 4}'),
         "migrates", "confirmar", Mesa(4, True)),
        ({"renamed": {"quantos": "quantas", "quantas": "quantas_pessoas"}}, Left("quantos", 1, b"{}"),
         "migrates", "quantas_pessoas", Mesa()),
        ({"version": 3, "migrations": {2: to_3}}, Left("confirmar", 1, b"{}"), "restart", "", None),
        ({"version": 2, "migrations": {1: to_2}}, Left("confirmar", 1, b"{}"), "restart", "", None),
        ({"otherwise": "hand_over"}, Left("sumiu", 1, b"{}"), "hand_over", "", None),
        ({}, Left("confirmar", 1, b'{"pessoas": "duas"}'), "restart", "", None),
        ({}, Left("confirmar", 2, b"{}"), "waits", "confirmar", None),
    ],
    ids=[
        "the same release", "two migrations", "one of them", "renamed twice", "a hole in the chain",
        "a migration that raises", "an etapa that is gone", "data that does not fit", "written by a newer release",
    ],
)  # fmt: skip
def test_what_was_left_is_resumed(options, left, fate, etapa, data):
    found = resume(flow(**options), left)
    assert (found.fate, found.etapa, found.data) == (fate, etapa, data)


def test_a_circle_of_renames_ends():
    assert resume(flow(renamed={"a": "b", "b": "a"}), Left("a", 1, b"{}")).fate == "restart"


async def test_a_chat_left_by_version_1_goes_on_in_version_2():
    ana = Chat(flow(version=2, migrations={1: to_2}, renamed={"quantos": "quantas_pessoas"}))
    ana.upgrade({"etapa": "quantos", "version": 1, "data": {"quantos": "1"}})
    await ana.says("6")
    ana.sees("Confirma?")


async def test_a_state_from_the_future_is_not_waited_for_for_ever():
    """A release that was taken back: the newer process that could answer will not come."""
    ana = Chat(flow(), state=State(flow="mesa", etapa="confirmar", version=2))
    late = ana.now + NEWER_PATIENCE
    ana.clock.now = late
    from wabot.message import Inbound
    from wabot.turn import Scene, take_turn

    message = Inbound(wamid="w", at=late - NEWER_PATIENCE, kind="text", text="oi")
    turn = await take_turn(ana.flows, ana.state, Scene(ana.bot, ana.cliente, late), message)
    assert "Atualizamos" in turn.replies[0].body
