"""A running platform: jobs, sinks and campaigns go by themselves beside the conversations."""

import msgspec
from tests.bots import PLUGIN
from tests.live import give, platform, until

from wabot.db.engine import DB
from wabot.flow import Context, End, Flow
from wabot.message import TemplateMessage
from wabot.parts import Bound, Campaign, Job, Recipient, Sink
from wabot.turn import BoundFlow


class Nada(msgspec.Struct):
    pass


eco = Flow("eco", data=Nada)


@eco.etapa
async def inicio(ctx: Context[Nada]):
    ctx.event("eco.disse")
    return End("eco")


async def limpar(ctx):
    return "Tudo limpo."


async def contar(ctx, events):
    await DB.execute("INSERT INTO contado SELECT unnest($1::bigint[])", [event.cliente for event in events])


async def todos(ctx):
    rows = await DB.fetch("SELECT id FROM cliente WHERE chatbot = $1", ctx.bot.id)
    return [Recipient(row["id"], TemplateMessage("saudade")) for row in rows]


PARTS = {
    "flows": (BoundFlow(eco),),
    "jobs": (Bound(PLUGIN, Job("limpar", limpar, "0 * * * *")),),
    "sinks": (Bound(PLUGIN, Sink("contar", contar, ("eco.*",))),),
    "campaigns": (Bound(PLUGIN, Campaign("saudade", todos)),),
}


async def test_a_customer_is_answered_counted_and_written_to_when_the_time_comes(database_uri, tmp_path):
    async with platform(database_uri, tmp_path, plugin=None) as live:
        await DB.execute("CREATE TABLE contado (cliente bigint)")
        await give(live.process, **PARTS)

        async def ready():
            planned = await DB.fetchval(
                "SELECT count(*) FROM agendamento WHERE plugin <> '' AND next_run > now()"
            )
            return planned == 2 and await DB.fetchval("SELECT count(*) FROM sink_checkpoint") == 1

        await until(ready)
        ana = live.simulator.customer("Ana")
        await ana.says("oi")
        await ana.sees("eco")

        async def counted():
            return await DB.fetchval("SELECT cliente FROM contado") == await DB.fetchval(
                "SELECT id FROM cliente"
            )

        await until(counted)
        await DB.execute("UPDATE cliente SET aceita_marketing = true")
        await DB.execute("UPDATE agendamento SET next_run = now() WHERE plugin <> ''")
        await ana.sees("saudade")

        async def ran():
            return (
                await DB.fetchval(
                    "SELECT count(*) FROM agendamento WHERE plugin <> '' AND last_ok AND next_run > now()"
                )
                == 2
            )

        await until(ran)
        assert await DB.fetchval("SELECT last_result FROM agendamento WHERE job = 'limpar'") == "Tudo limpo."
