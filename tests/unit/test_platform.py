"""Breakers, configurations and conflicts: the parts of the plugin platform that need no services."""

import asyncio
from datetime import time
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta

from wabot.errors import FlowFault
from wabot.parts import Horario, Override, Secret, Versioned
from wabot.plugins.breaker import FAILURES, OPEN_FOR, Breaker
from wabot.plugins.configs import BadConfig, Stored, buried_secrets, change, differences, read
from wabot.plugins.conflicts import conflicts
from wabot.plugins.contain import Overstayed, contained, hold_tasks
from wabot.plugins.declared import Declared
from wabot.plugins.describe import describe
from wabot.vault import Vault

VAULT = Vault(["uma-chave-de-teste-bem-comprida"])


# -- breaker -------------------------------------------------------------------------------------------------


def opened():
    breaker = Breaker()
    changes = [breaker.failed(0) for _ in range(FAILURES)]
    assert changes == [None] * (FAILURES - 1) + ["opened"]
    return breaker


def test_a_breaker_opens_after_failures_in_a_row():
    assert not opened().admits(OPEN_FOR - 1)


def test_a_success_in_between_starts_the_count_again():
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(0)
    breaker.succeeded()
    assert breaker.failed(0) is None
    assert breaker.admits(0)


def test_half_open_lets_one_through_at_a_time():
    breaker = opened()
    assert breaker.admits(OPEN_FOR)
    assert not breaker.admits(OPEN_FOR)


def test_a_trial_that_succeeds_closes_it():
    breaker = opened()
    assert breaker.admits(OPEN_FOR)
    assert breaker.succeeded() == "closed"
    assert breaker.admits(OPEN_FOR)


def test_a_trial_that_fails_doubles_the_wait():
    breaker = opened()
    assert breaker.admits(OPEN_FOR)
    breaker.failed(OPEN_FOR)
    assert not breaker.admits(OPEN_FOR + 2 * OPEN_FOR - 1)
    assert breaker.admits(OPEN_FOR + 2 * OPEN_FOR)


# -- containment ---------------------------------------------------------------------------------------------


async def test_contained_work_that_takes_too_long_is_cancelled():
    with pytest.raises(Overstayed) as over:
        await contained(asyncio.sleep(60), 0.01)
    assert not over.value.left_behind


async def test_tasks_started_by_contained_work_do_not_outlive_it():
    hold_tasks()
    strays = []

    async def work():
        strays.append(asyncio.create_task(asyncio.sleep(60)))
        return 7

    assert await contained(work(), 1) == 7
    assert strays[0].cancelled()


async def test_sys_exit_in_contained_work_is_a_fault():
    async def work():
        raise SystemExit(1)

    with pytest.raises(FlowFault, match=r"sys\.exit"):
        await contained(work(), 1)


# -- configurations ------------------------------------------------------------------------------------------


class Config(msgspec.Struct, frozen=True):
    dias: Annotated[int, Meta(ge=1, le=10)] = 7
    chave: Secret = ""
    nome: str = "Loja"


def test_every_wrong_field_is_named():
    with pytest.raises(BadConfig) as bad:
        change(Versioned(Config), Stored(), {"dias": "11", "cor": "azul"}, VAULT)
    assert bad.value.fields.keys() == {"dias", "cor"}


def test_a_secret_is_stored_encrypted_apart():
    stored = change(Versioned(Config), Stored(), {"chave": "abracadabra", "dias": "3"}, VAULT)
    assert b"abracadabra" not in stored.config
    assert "abracadabra" not in stored.secrets
    assert read(Versioned(Config), stored, VAULT) == Config(3, "abracadabra")


def test_what_is_not_named_is_kept():
    first = change(Versioned(Config), Stored(), {"chave": "abracadabra"}, VAULT)
    second = change(Versioned(Config), first, {"dias": 2}, VAULT)
    assert read(Versioned(Config), second, VAULT) == Config(2, "abracadabra")


def test_a_secret_that_may_be_absent_is_a_secret_still():
    class Talvez(msgspec.Struct, frozen=True):
        token: Annotated[Secret | None, Meta(title="Token")] = None

    stored = change(Versioned(Talvez), Stored(), {"token": "abracadabra"}, VAULT)
    assert b"abracadabra" not in stored.config


def test_a_secret_inside_something_else_is_found_before_it_is_stored_in_the_clear():
    class Conta(msgspec.Struct, frozen=True):
        senha: Secret = ""

    class Contas(msgspec.Struct, frozen=True):
        propria: Secret = ""
        todas: list[Conta] = []
        chaves: dict[str, Secret] = {}

    assert buried_secrets(Contas) == ["todas", "chaves"]


def test_what_changed_is_told_by_name_secrets_included():
    before = change(Versioned(Config), Stored(), {"dias": 2}, VAULT)
    after = change(Versioned(Config), before, {"nome": "Bar", "chave": "abracadabra"}, VAULT)
    assert set(differences(before, after, VAULT)) == {"nome", "chave"}
    assert differences(after, after, VAULT) == []


@pytest.mark.parametrize(
    ("das", "ate", "inside", "outside"),
    [(8, 18, [8, 12, 17], [7, 18, 23]), (18, 2, [18, 23, 0, 1], [2, 12, 17]), (8, 8, [], [8, 9])],
)
def test_a_range_of_time_knows_midnight(das, ate, inside, outside):
    horario = Horario(time(das), time(ate))
    assert all(horario.includes(time(hour)) for hour in inside)
    assert not any(horario.includes(time(hour)) for hour in outside)


def test_an_older_configuration_is_migrated():
    config = Versioned(Config, version=2, migrations={1: lambda old: {"dias": old["semanas"] * 7}})
    assert read(config, Stored(b'{"semanas": 1}'), VAULT) == Config(7)


def test_a_stored_value_that_does_not_fit_any_more_gives_way_alone():
    assert read(Versioned(Config), Stored(b'{"dias": 99, "nome": "Bar"}'), VAULT) == Config(7, nome="Bar")


# -- conflicts -----------------------------------------------------------------------------------------------


def about(flow_id, *keywords):
    from tests.unit.test_resume import flow

    made = flow(keywords=keywords)
    made.id = flow_id
    return describe(Declared(flows=(made,)))


def changes(etapa):
    async def wrap(ctx, original):
        return await original(ctx)

    return describe(Declared(overrides=(Override(etapa, wrap=wrap),)))


@pytest.mark.parametrize(
    ("new", "others", "told"),
    [
        (about("a", "mesa"), {"b": about("b", "jantar")}, None),
        (
            about("a", "mesa"),
            {"b": about("b", "Mesa")},
            "a palavra “mesa” já começa um fluxo do plugin b; desligue antes esse plugin, ou fique só com ele",
        ),
        (
            about("a"),
            {"b": about("a")},
            "o plugin b também tem um fluxo chamado a; desligue antes esse plugin, ou fique só com ele",
        ),
        (changes("a.confirmar"), {"b": about("a")}, None),
        (changes("a.confirmar"), {}, "nenhum plugin ligado neste chatbot tem"),
        (changes("a.confirmar"), {"b": about("a"), "c": changes("a.confirmar")}, "o plugin c também muda"),
    ],
)
def test_conflicts_are_told_in_sentences(new, others, told):
    found = conflicts("novo", new, others)
    assert (found == []) if told is None else told in "; ".join(found)
