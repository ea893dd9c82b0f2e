"""What holds of the outbox whatever happens, in any order: the real statements, driven through random histories."""

import asyncio
import itertools
from collections import defaultdict

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of, runtime, says

from wabot import outbox, receipts
from wabot.db.engine import DB
from wabot.message import TemplateMessage
from wabot.outbox import UNCLEAR_AFTER, Outbox
from wabot.whatsapp.callback import outbox_id
from wabot.whatsapp.client import Accepted, NotSent, Unclear
from wabot.whatsapp.statuses import RANK

REFUSALS = {
    "again": NotSent(131016, 500, "unavailable"),
    "never": NotSent(131026, 400, "undeliverable"),
    "mend": NotSent(190, 401, "expired"),
    "too fast": NotSent(130429, 429, "throughput"),
}
CLEAR = {*REFUSALS, "taken", "told first"}
TAKEN = {"taken", "told first", "taken in silence", "taken and killed"}
LOST = {"lost in silence", "killed before"}
OUTCOMES = sorted(TAKEN | LOST | REFUSALS.keys())

steps = st.lists(
    st.one_of(
        st.tuples(st.just("reply"), st.integers(0, 1)),
        st.tuples(st.just("bulk"), st.integers(0, 1)),
        st.tuples(st.just("deliver"), st.lists(st.sampled_from(OUTCOMES), max_size=3), st.integers(0, 1)),
        st.tuples(st.just("deliver_bulk"), st.lists(st.sampled_from(OUTCOMES), max_size=3)),
        st.tuples(st.just("probe"), st.lists(st.sampled_from(OUTCOMES), max_size=1)),
        st.tuples(
            st.just("status"), st.sampled_from(["sent", "delivered", "read", "failed"]), st.integers(0, 9)
        ),
        st.tuples(st.just("passes"), st.sampled_from([1, 20, 31, 70, 400])),
    ),
    max_size=14,
)


class Killed(BaseException):
    """The process is gone."""


class World:
    """Meta, the workers and the clock, with a memory of all that was posted."""

    def __init__(self, bot, clientes, conversas):
        self.bot, self.clientes, self.conversas = bot, clientes, conversas
        self.now = 0.0
        self.outcomes, self.wamids = [], itertools.count(1)
        self.posts = defaultdict(list)
        """Of each message: (when, what came of it, whether a status had told of it by the end)."""
        self.wamid_of, self.told, self.progress = {}, set(), {}
        self.start()

    def start(self):
        self.workers = [Outbox(self, FixedRuntimes(runtime(self.bot))) for _ in range(2)]

    # -- Meta -----------------------------------------------------------------------------------------------

    async def send(self, credentials, body):
        number = outbox_id(body["biz_opaque_callback_data"])
        row = await DB.fetchrow("SELECT bulk FROM outbox WHERE id = $1", number)
        outcome = self.outcomes.pop(0) if self.outcomes else "taken"
        self.may_be_posted(number, row["bulk"])
        if not row["bulk"]:
            await self.nothing_is_overtaken(number)
        self.posts[number].append((self.now, outcome))
        if outcome in TAKEN:
            self.wamid_of[number] = f"wamid.{next(self.wamids)}"
        if outcome == "told first":
            await self.tell(number, "sent")
        if outcome in REFUSALS:
            raise REFUSALS[outcome]
        if outcome in ("taken and killed", "killed before"):
            raise Killed
        if outcome in ("taken in silence", "lost in silence"):
            raise Unclear("silence")
        await asyncio.sleep(0)
        return Accepted(self.wamid_of[number])

    async def tell(self, number, status):
        await DB.execute(
            """INSERT INTO receipt (chatbot, wamid, status, outbox, at, error_code, raw)
               VALUES ($1, $2, $3, $4, now(), CASE $3 WHEN 'failed' THEN 131016 END, '') ON CONFLICT DO NOTHING""",
            self.bot.id,
            self.wamid_of[number],
            status,
            number,
        )
        self.told.add(number)
        await receipts.apply()

    # -- what must hold -------------------------------------------------------------------------------------

    def may_be_posted(self, number, bulk):
        assert number not in self.told, "a status has told what became of it"
        for when, outcome in self.posts[number]:
            if outcome not in REFUSALS:
                assert outcome not in CLEAR, f"posted again after {outcome}"
                assert not bulk, f"bulk posted again after {outcome}"
                assert self.now - when >= UNCLEAR_AFTER, "posted again while its status may come"

    async def nothing_is_overtaken(self, number):
        before = """SELECT count(*) FROM outbox JOIN outbox AS this USING (conversa) WHERE this.id = $1
                    AND NOT outbox.bulk AND outbox.id < $1 AND outbox.state IN ('pendente', 'enviando')"""
        assert await DB.fetchval(before, number) == 0, "an earlier reply is still open"

    async def statuses_only_go_forward(self):
        for row in await DB.fetch("SELECT id, status FROM outbox"):
            rank = RANK.get(row["status"], 0.5 if row["status"] == "failed" else -1)
            if row["status"] == "failed":
                rank = RANK["sent"]
            assert rank >= self.progress.get(row["id"], -1)
            self.progress[row["id"]] = rank

    # -- what happens ---------------------------------------------------------------------------------------

    async def take(self, step):
        kind, *args = step
        match kind:
            case "reply":
                await says(self.clientes[args[0]], "olá")
            case "bulk":
                await DB.execute(
                    "INSERT INTO outbox (chatbot, conversa, content, bulk) VALUES ($1, $2, $3, true)",
                    self.bot.id,
                    self.conversas[args[0]],
                    outbox.encode([TemplateMessage("saudade")])[0],
                )
            case "status":
                if known := sorted(self.wamid_of):
                    await self.tell(known[args[1] % len(known)], args[0])
            case "passes":
                await self.passes(args[0])
            case _:
                await self.work(kind, *args)
        await self.statuses_only_go_forward()

    async def work(self, kind, outcomes, who=None):
        """Two workers at once, until both are done or one is killed."""
        self.outcomes = list(outcomes)
        await DB.execute("UPDATE number_pace SET bulk_at = NULL, next_at = NULL")
        args = () if who is None else (self.conversas[who],)
        work = (getattr(worker, kind)(*args) for worker in self.workers)
        for result in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(result, Killed):
                self.start()
            elif isinstance(result, BaseException):
                raise result

    async def passes(self, seconds):
        self.now += seconds
        for table, moments in (
            ("outbox", ("sending_at", "retry_at", "created_at")),
            ("number_hold", ("next_try",)),
            ("number_pace", ("changed_at",)),
            ("conversa", ("pair_at",)),
        ):
            earlier = ", ".join(f"{at} = {at} - make_interval(secs => {seconds})" for at in moments)
            await DB.execute(f"UPDATE {table} SET {earlier}")

    async def everything_ends(self):
        """All goes well from here: then nothing is left waiting."""
        for _ in range(12):
            for step in (("probe", []), ("deliver", [], 0), ("deliver", [], 1), ("deliver_bulk", [])):
                await self.take(step)
            if not await DB.fetchval("SELECT count(*) FROM outbox WHERE state IN ('pendente', 'enviando')"):
                return
            await self.passes(400)
        raise AssertionError([dict(row) for row in await DB.fetch("SELECT * FROM outbox")])


@pytest_asyncio.fixture
async def shop(database, monkeypatch):
    """The server has been up for ever: what it was before its start would be anybody's guess."""
    for name in ("CLAIM", "PROBE", "GIVE_UP_UNCLEAR"):
        statement = getattr(outbox, name)
        for_ever = statement.replace("pg_postmaster_start_time()", "'-infinity'::timestamptz")
        monkeypatch.setattr(outbox, name, for_ever)
    bot = await add_bot()
    clientes = [await add_cliente(bot), await add_cliente(bot, "Bia")]
    return bot, clientes, [await conversa_of(cliente) for cliente in clientes]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=steps)
async def test_whatever_happens_nothing_is_sent_twice_overtaken_or_left_behind(shop, history):
    for table in ("outbox", "receipt", "number_hold"):
        await DB.execute(f"DELETE FROM {table}")
    await DB.execute("UPDATE number_pace SET rate = NULL; UPDATE conversa SET pair_at = NULL")
    world = World(*shop)
    for step in history:
        await world.take(step)
    await world.everything_ends()
