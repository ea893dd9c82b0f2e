"""`wabot simulator`: a stand-in for Meta, for whoever has no number yet."""

import click

from wabot.logs import set_up
from wabot.settings import load
from wabot.testing.simulator import Bot, Faults, Simulator
from wabot_cli.support import for_ever, run_until_stopped


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Endereço em que escuta.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8001, show_default=True, help="Porta em que escuta."
)
@click.option("--app-secret", default=None, help="Assina os webhooks (padrão: WHATSAPP_APP_SECRET).")
@click.option(
    "--webhook-url",
    default="http://127.0.0.1:8000/api/chatbots/webhook/",
    show_default=True,
    help="Para onde vão os webhooks.",
)
@click.option(
    "--phone-number-id", default="200000000000001", show_default=True, help="O número do chatbot na Meta."
)
@click.option("--business-account-id", default="300000000000001", show_default=True, help="A conta (WABA).")
@click.option("--nome", default="Loja", show_default=True, help="O nome no alto da conversa.")
@click.option("--numero", default="5511900000000", show_default=True, help="O número do chatbot.")
@click.option("--delay-ms", type=float, default=0, help="Quanto a Graph API demora.")
@click.option(
    "--fail-rate", type=click.FloatRange(0, 1), default=0, help="Quantas chamadas falham (HTTP 500)."
)
@click.option(
    "--throttle-rate", type=click.FloatRange(0, 1), default=0, help="Quantas são recusadas (130429)."
)
@click.option(
    "--pair-rate",
    type=click.FloatRange(0, 1),
    default=0,
    help="Quantas são recusadas para o mesmo cliente (131056).",
)
@click.option("--reset-rate", type=click.FloatRange(0, 1), default=0, help="Quantas conexões se rompem.")
@click.option(
    "--timeout-rate", type=click.FloatRange(0, 1), default=0, help="Quantas são aceitas sem resposta."
)
@click.option(
    "--duplicate", type=click.IntRange(1, 10), default=1, help="Quantas vezes cada webhook é entregue."
)
@click.option("--shuffle", is_flag=True, help="Webhooks podem chegar fora de ordem.")
@click.option("--batch", type=click.IntRange(1, 1000), default=1, help="Quantas novidades cabem num webhook.")
def simulator(
    host: str,
    port: int,
    app_secret: str | None,
    webhook_url: str,
    phone_number_id: str,
    business_account_id: str,
    nome: str,
    numero: str,
    **faults: float,
) -> None:
    """Um substituto da Meta: Graph API, webhooks assinados, status, e uma página de conversa.

    Aponte o wabot para ele com GRAPH_API_URL.
    """
    settings = load()
    set_up(settings.log_level, settings.log_format)
    secret = app_secret or settings.app_secret or "segredo-do-simulador"
    bot = Bot(phone_number_id, nome, numero, business_account_id, secret)
    meta = Simulator(app_secret=secret, webhook_url=webhook_url, bots=[bot], faults=Faults(**faults))  # type: ignore[arg-type]
    run_until_stopped(_serve(meta, host, port))


async def _serve(meta: Simulator, host: str, port: int) -> None:
    async with meta.serve(host, port):
        click.echo(f"Conversa:       {meta.url}")
        click.echo(f"GRAPH_API_URL:  {meta.url}")
        click.echo(f"Webhooks para:  {meta.webhook_url}", err=True)
        await for_ever()
