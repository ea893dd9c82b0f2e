"""Whatever order things come in: two persons never share a cliente, one person never has two once Meta has said so.

People of a small population write with any of their ids, change numbers, and take numbers others gave up. What Meta
says is true, and says who somebody is by user id wherever a phone has changed hands, as it does since April 2026.
"""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bots import add_bot

from wabot import merges
from wabot.db.engine import DB
from wabot.identity import Sighting, conversas_of, user_id_changed
from wabot.message import Sender
from wabot.phone import canonical, other_form
from wabot.unmerge import unmerge

SLOWLY = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
START = datetime(2026, 11, 1, tzinfo=UTC)
EVENTS = st.lists(
    st.sampled_from(["message", "message", "message", "change", "notice"]), min_size=2, max_size=12
)


class Person:
    """Somebody with the ids they have now."""

    def __init__(self, number: int) -> None:
        self.number, self.changes = number, 0
        self.phone = f"55319{80000000 + number}"
        self.reused = False
        """Whether the phone was somebody else's before."""

    @property
    def ids(self) -> dict[str, str]:
        user = f"{self.number}{self.changes}"
        return {"wa_id": self.phone, "bsuid": f"BR.{user}", "parent_bsuid": f"BR.ENT.{user}"}


class World:
    """The population, and what Meta has told of it so far."""

    def __init__(self, bot: int, data: st.DataObject) -> None:
        self.bot, self.data, self.at = bot, data, START
        self.people = [Person(number) for number in range(1, 4)]
        self.free: list[str] = ["5531980000009"]
        self.with_user: set[str] = set()
        self.pending: list[tuple[Person, dict[str, str], dict[str, str]]] = []
        self.said: list[tuple[Person, int]] = []
        self.told: defaultdict[Person, list[tuple[set[str], list[int]]]] = defaultdict(list)
        """Of each person, groups of ids that Meta has put together, and the conversas met with them."""

    async def happens(self, event: str) -> None:
        self.at += timedelta(seconds=self.data.draw(st.sampled_from([1, 3600, 100_000])))
        person = self.data.draw(st.sampled_from(self.people))
        if event == "message":
            await self.writes(person)
        elif event == "change":
            self.changes_number(person)
        elif self.pending:
            await self.is_noticed(*self.pending.pop(self.data.draw(st.integers(0, len(self.pending) - 1))))

    async def writes(self, person: Person) -> None:
        kinds = self.data.draw(st.sets(st.sampled_from(sorted(person.ids)), min_size=1))
        if "parent_bsuid" in kinds or person.reused:
            kinds.add("bsuid")  # Meta never tells a parent without it
        ids = {kind: person.ids[kind] for kind in kinds}
        if "wa_id" in ids and len(ids) > 1:
            self.with_user.add(person.phone)
        if "wa_id" in ids and self.data.draw(st.booleans()):
            ids["wa_id"] = other_form(ids["wa_id"])
        [conversa] = await conversas_of([Sighting(self.bot, Sender(**ids), self.at)])
        self.note(person, ids, conversa)

    def changes_number(self, person: Person) -> None:
        """A new number and new user ids. The old number may become somebody else's, if it is known whose it was."""
        before, own = person.ids, f"55319{81000000 + 10 * person.number + person.changes}"
        given_up = person.phone
        person.changes += 1
        person.phone = self.data.draw(st.sampled_from([own, *self.free]))
        person.reused = person.phone in self.free
        self.free = [phone for phone in self.free if phone != person.phone]
        if given_up in self.with_user:
            self.free.append(given_up)
        self.pending.append((person, before, person.ids))

    async def is_noticed(self, person: Person, before: dict[str, str], now: dict[str, str]) -> None:
        """Meta tells of a change: at once or late, in one of its two ways, with or without phones."""
        if self.data.draw(st.booleans()):
            conversa = await user_id_changed(self.bot, before["bsuid"], now["bsuid"], at=self.at)
            told = {"bsuid"}
        else:
            told = {"bsuid"} | self.data.draw(st.sets(st.sampled_from(["parent_bsuid"])))
            was, new = ({kind: ids[kind] for kind in told} for ids in (before, now))
            [conversa] = await conversas_of([Sighting(self.bot, Sender(**was), self.at, Sender(**new))])
        ids = {f"{kind}-before": before[kind] for kind in told} | {kind: now[kind] for kind in told}
        self.note(person, ids, conversa)

    def note(self, person: Person, ids: dict[str, str], conversa: int | None) -> None:
        assert conversa is not None
        self.said.append((person, conversa))
        if (
            "wa_id" in ids
        ):  # a phone they come back to is another one: somebody else may have had it meanwhile
            ids |= {"wa_id": f"{canonical(ids['wa_id'])}#{person.changes}"}
        values, met = {*ids.values()}, [conversa]
        apart = []
        for group in self.told[person]:
            if group[0] & values:
                values, met = values | group[0], met + group[1]
            else:
                apart.append(group)
        self.told[person] = [*apart, (values, met)]

    async def check(self) -> None:
        rows = await DB.fetch(
            """SELECT conversa.id, coalesce(mesclado_em, cliente.id) AS cliente
               FROM conversa JOIN cliente ON cliente.id = conversa.cliente WHERE conversa.chatbot = $1""",
            self.bot,
        )
        cliente = {row["id"]: row["cliente"] for row in rows}
        owners = defaultdict(set)
        for person, conversa in self.said:
            owners[cliente[conversa]].add(person)
        assert all(len(people) == 1 for people in owners.values()), "two persons share a cliente"
        for groups in self.told.values():
            assert all(len({cliente[c] for c in met}) == 1 for _, met in groups), "one person is two clientes"


@pytest_asyncio.fixture
async def numbers(database):
    """Numbers for the chatbots of the examples: each has one of its own."""
    return iter(range(1, 10_000))


@SLOWLY
@given(data=st.data(), events=EVENTS)
async def test_nobody_is_taken_for_somebody_else_and_nobody_is_two(numbers, data, events):
    world = World((await add_bot(next(numbers))).id, data)
    for event in events:
        await world.happens(event)
        await world.check()


async def everything_of(bot: int) -> list[str]:
    """All that a merge may touch, as it stands."""
    tables = ("cliente", "identifier", "conversa", "inbox", "outbox")
    rows = [
        await DB.fetch(f"SELECT to_json({table})::text FROM {table} WHERE chatbot = $1 ORDER BY 1", bot)
        for table in tables
    ]
    return [row[0] for table in rows for row in table]


UNDER_WAY = """
WITH told AS (
    UPDATE conversa SET flow = 'pedidos', data = '{"a":  1}', last_inbound_at = now() - id * interval '1 s'
    WHERE chatbot = $1 AND id % 2 = 0
)
INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw)
SELECT $1, id, 'wamid.' || id, 'text', now(), '' FROM conversa WHERE chatbot = $1
"""


@SLOWLY
@given(data=st.data(), events=EVENTS)
async def test_a_merge_that_is_undone_leaves_everything_as_it_was(numbers, data, events):
    bot = (await add_bot(next(numbers))).id
    world = World(bot, data)
    for event in ["message", *events]:
        await world.happens(event)
    await DB.execute(UNDER_WAY, bot)
    await DB.execute(
        "INSERT INTO outbox (chatbot, conversa, content) SELECT $1, id, '{}' FROM conversa WHERE chatbot = $1",
        bot,
    )
    alive = [
        r["id"]
        for r in await DB.fetch("SELECT id FROM cliente WHERE chatbot = $1 AND mesclado_em IS NULL", bot)
    ]
    if len(alive) < 2:
        return
    order = data.draw(st.permutations(alive))
    before = await everything_of(bot)
    made = [await merges.join(bot, order[0], absorbed, "teste", "teste") for absorbed in order[1:]]
    assert (
        await DB.fetchval("SELECT count(*) FROM cliente WHERE chatbot = $1 AND mesclado_em IS NULL", bot) == 1
    )
    for merge in reversed(made):
        await unmerge(bot, merge.id)
    assert await everything_of(bot) == before
