"""The verification of orders: one reminder for a forgotten cart, orders that expire, orders that are stuck."""

import asyncio
from datetime import datetime, timedelta

import msgspec
import pytest
import pytest_asyncio
from tests.bots import FixedRuntimes, add_bot, add_cliente, conversa_of

from wabot import Horario
from wabot.db.engine import DB
from wabot.flow import Chatbot
from wabot.parts import Bound, Job
from wabot.plugins.guard import Guard
from wabot.plugins.runtime import BotRuntime
from wabot.schedule import Schedule
from wabot_pedidos import wabot_jobs
from wabot_pedidos.carrinho import Carrinho, Item
from wabot_pedidos.config import Config
from wabot_pedidos.pedidos import Pedidos

FEIJOADA = Item(1, "Feijoada", 2990, 2)
ALWAYS = Horario(datetime.min.time(), datetime.max.time())
HOURS = timedelta(hours=1)


class Loja:
    """A shop in the database whose agendamento can be made due."""

    def __init__(self, bot):
        self.bot, self.config = bot, Config(lembrar_entre=ALWAYS, expirar_depois_de=48)
        self.extra = None

    def schedule(self):
        [job] = wabot_jobs()
        if self.extra:
            job = Job(job.name, self.extra, job.cron)
        jobs = (Bound("pedidos", job, self.config),)
        chatbot = Chatbot(self.bot.id, self.bot.nome, self.bot.timezone)
        return Schedule(FixedRuntimes(BotRuntime(self.bot, chatbot, ("pedidos",), jobs=jobs)), Guard())

    async def due(self):
        await self.schedule().declare()
        return await DB.fetchval("UPDATE agendamento SET next_run = now() RETURNING id")

    async def verifies(self):
        """What the job says."""
        await self.schedule().run(await self.due())
        row = await DB.fetchrow("SELECT last_ok, last_result FROM agendamento")
        assert row["last_ok"], row["last_result"]
        return row["last_result"]

    async def leaves_a_cart(self, nome="Ana Souza", ago=3 * HOURS, itens=(FEIJOADA,), codigo="c1", **columns):
        """Somebody who has not written since; their cliente."""
        cliente = await add_cliente(self.bot, nome)
        data = msgspec.json.encode(Carrinho(itens=list(itens), codigo=codigo)).decode()
        await DB.execute(
            "UPDATE conversa SET flow = $2, etapa = 'adicionar_mais', data = $3, person = $5,"
            " last_inbound_at = now() - $4::interval WHERE cliente = $1",
            cliente, columns.get("flow", "pedidos"), data, ago, columns.get("person", False),
        )  # fmt: skip
        return cliente

    async def orders(self, status="confirmado", ago=72 * HOURS, quantidade=2):
        """An order that nobody has touched since; its number."""
        cliente = await add_cliente(self.bot, "Beto")
        pedido = await Pedidos().confirmar(self.bot.id, cliente, [Item(1, "Feijoada", 2990, quantidade)])
        await DB.execute(
            "UPDATE pedidos.pedido SET status = $2, atualizado_em = now() - $3::interval WHERE id = $1",
            pedido.id, status, ago,
        )  # fmt: skip
        return pedido.numero


@pytest_asyncio.fixture
async def loja(database):
    bot = await add_bot()
    await DB.execute("INSERT INTO pedidos.categoria (id, chatbot, nome) VALUES (1, $1, 'Marmitas')", bot.id)
    await DB.execute(
        "INSERT INTO pedidos.produto (id, chatbot, categoria, nome, preco, estoque)"
        " VALUES (1, $1, 1, 'Feijoada', 2990, 10)", bot.id,
    )  # fmt: skip
    return Loja(bot)


async def said():
    return [
        msgspec.json.decode(row["content"])["body"] for row in await DB.fetch("SELECT content FROM outbox")
    ]


async def events():
    rows = await DB.fetch("SELECT name, fields FROM event ORDER BY id")
    return [(row["name"], msgspec.json.decode(row["fields"])) for row in rows]


async def estoque():
    return await DB.fetchval("SELECT estoque FROM pedidos.produto")


async def statuses():
    return [row["status"] for row in await DB.fetch("SELECT status FROM pedidos.pedido ORDER BY id")]


# -- carts -----------------------------------------------------------------------------------------------------


async def test_a_forgotten_cart_is_brought_to_mind_once(loja):
    ana = await loja.leaves_a_cart()
    assert await loja.verifies() == "Carrinhos lembrados: 1."
    [words] = await said()
    assert words.startswith("Oi, Ana!")
    assert "2 × Feijoada — R$ 59,80" in words
    assert await events() == [("carrinho.lembrado", {"total": 5980, "itens": 2})]
    assert await DB.fetchval("SELECT conversa FROM event") == await conversa_of(ana)
    assert await loja.verifies() == "Tudo em dia."
    assert len(await said()) == 1


async def test_a_customer_who_goes_on_and_falls_silent_again_is_not_told_twice(loja):
    ana = await loja.leaves_a_cart()
    await loja.verifies()
    await DB.execute(
        "UPDATE conversa SET last_inbound_at = now() - interval '3 hours' WHERE cliente = $1", ana
    )
    await loja.verifies()
    assert len(await said()) == 1


async def test_another_cart_of_the_same_customer_is_another_matter(loja):
    ana = await loja.leaves_a_cart()
    await loja.verifies()
    await DB.execute(
        """UPDATE conversa SET data = jsonb_set(data::jsonb, '{codigo}', '"c2"') WHERE cliente = $1""", ana
    )
    await loja.verifies()
    assert len(await said()) == 2


@pytest.mark.parametrize(
    "cart",
    [
        {"ago": HOURS},  # still thinking
        {"ago": 25 * HOURS},  # WhatsApp's window has closed
        {"itens": ()},
        {"codigo": ""},  # from before carts had one
        {"flow": "reserva"},
        {"person": True},  # somebody of the shop talks to them
    ],
    ids=str,
)
async def test_nobody_else_is_written_to(loja, cart):
    await loja.leaves_a_cart(**cart)
    assert await loja.verifies() == "Tudo em dia."
    assert await said() == []


async def test_nor_is_one_who_asked_to_be_left_alone(loja):
    ana = await loja.leaves_a_cart()
    await DB.execute(
        "INSERT INTO consent (chatbot, cliente, accepts, who, how, at)"
        " VALUES ($1, $2, false, 'cliente', 'sair', now())",
        loja.bot.id, ana,
    )  # fmt: skip
    await loja.verifies()
    assert await said() == []


async def test_nor_one_whose_message_is_waiting_or_being_answered(loja):
    ana, bia = await loja.leaves_a_cart(), await loja.leaves_a_cart("Bia", codigo="c2")
    await DB.execute(
        "INSERT INTO inbox (chatbot, conversa, wamid, kind, sent_at, raw) VALUES ($1, $2, 'w', 'text', now(), '{}')",
        loja.bot.id, await conversa_of(ana),
    )  # fmt: skip
    async with DB._pool().acquire() as turn, turn.transaction():
        await turn.execute("SELECT FROM conversa WHERE cliente = $1 FOR NO KEY UPDATE", bia)
        async with asyncio.timeout(5):
            assert await loja.verifies() == "Tudo em dia."
    assert await said() == []
    assert (
        await DB.fetchval("SELECT count(*) FROM pedidos.lembrete") == 0
    )  # they may be reminded the next time


async def test_nor_anybody_at_night_or_where_it_is_switched_off(loja):
    await loja.leaves_a_cart()
    loja.config = Config(lembrar_entre=Horario(datetime.min.time(), datetime.min.time()))
    await loja.verifies()
    loja.config = Config(lembrar_carrinho=False, lembrar_entre=ALWAYS)
    await loja.verifies()
    assert await said() == []


async def test_the_shop_says_it_in_its_own_words(loja):
    await loja.leaves_a_cart()
    loja.config = Config(lembrar_entre=ALWAYS, lembrete="Psiu! Esqueceu algo?")
    await loja.verifies()
    assert (await said())[0].startswith("Psiu! Esqueceu algo?\n\n2 × Feijoada")


async def test_killed_after_the_reminder_was_written_it_is_written_once(loja):
    await loja.leaves_a_cart()
    entered, verify = asyncio.Event(), wabot_jobs()[0].run

    async def hang(ctx):
        await verify(ctx)
        assert len(await said()) == 1
        entered.set()
        await asyncio.Event().wait()

    loja.extra = hang
    running = asyncio.create_task(loja.schedule().run(await loja.due()))
    await entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await said() == await events() == []
    loja.extra = None
    await loja.verifies()
    assert len(await said()) == 1


async def test_two_workers_remind_once(loja):
    await loja.leaves_a_cart()
    agendamento = await loja.due()
    await asyncio.gather(*(loja.schedule().run(agendamento) for _ in range(3)))
    assert len(await said()) == len(await events()) == 1


# -- orders ----------------------------------------------------------------------------------------------------


async def test_a_new_order_that_nobody_touched_expires_and_its_stock_comes_back(loja):
    numero = await loja.orders()
    await loja.orders(ago=HOURS)
    assert await estoque() == 6
    assert await loja.verifies() == f"Pedidos que expiraram e foram cancelados: nº {numero}."
    assert (await statuses(), await estoque()) == (["cancelado", "confirmado"], 8)
    [(name, fields)] = await events()
    assert (name, fields["numero"], fields["total"], fields["motivo"]) == (
        "pedido.cancelado", numero, 5980, "expirou",
    )  # fmt: skip
    assert await loja.verifies() == "Tudo em dia."
    assert await estoque() == 8


async def test_orders_expire_only_where_somebody_said_after_how_long(loja):
    await loja.orders()
    loja.config = Config()
    assert await loja.verifies() == "Tudo em dia."
    assert await statuses() == ["confirmado"]


async def test_an_order_of_a_person_who_was_erased_expires_as_well(loja):
    await loja.orders()
    await DB.execute("UPDATE pedidos.pedido SET cliente = NULL")
    await loja.verifies()
    assert await statuses() == ["cancelado"]
    assert await DB.fetchval("SELECT conversa FROM event") == 0


async def test_orders_that_are_stuck_are_told_and_left_as_they_are(loja):
    kitchen, road = await loja.orders("em_preparo"), await loja.orders("saiu_para_entrega", ago=30 * HOURS)
    await loja.orders("em_preparo", ago=HOURS)
    await loja.orders("entregue")
    told = f"Parados há mais de 24 h: nº {kitchen} (em preparo), nº {road} (saiu para entrega)."
    assert await loja.verifies() == told
    assert await statuses() == ["em_preparo", "saiu_para_entrega", "em_preparo", "entregue"]
    assert await estoque() == 2


async def test_another_shops_carts_and_orders_are_left_alone(loja):
    await loja.leaves_a_cart()
    await loja.orders()
    other = Loja(await add_bot(2))
    await DB.execute("DELETE FROM agendamento")
    assert await other.verifies() == "Tudo em dia."
    assert (await said(), await statuses()) == ([], ["confirmado"])


async def test_somebody_who_writes_between_the_look_and_the_word_is_not_interrupted(loja, monkeypatch):
    ana = await loja.leaves_a_cart()
    seen = []

    async def meanwhile(ctx, row):
        await DB.execute("UPDATE conversa SET last_inbound_at = now() WHERE cliente = $1", ana)
        seen.append(await ctx.say(row["cliente"], "Psiu", quiet_since=row["last_inbound_at"]))
        return seen[-1]

    monkeypatch.setattr("wabot_pedidos.verificacao._lembrar", meanwhile)
    await loja.verifies()
    assert (seen, await said()) == ([False], [])
