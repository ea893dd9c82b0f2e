"""`wabot up`, `web`, `worker`, `scheduler`, `migrate`: the processes."""

import contextlib
from collections.abc import AsyncIterator

import click

from wabot.asgi import bind, serving
from wabot.errors import BadSetting
from wabot.logs import set_up
from wabot.process import CONCURRENCY, Process, migrate_all, running
from wabot.settings import Settings, load, replace
from wabot_cli.support import database, run, until_stopped

host_option = click.option("--host", help="Endereço em que escuta (HOST).")
port_option = click.option("--port", type=click.IntRange(0, 65535), help="Porta em que escuta (PORT).")


@click.command()
@host_option
@port_option
def up(host: str | None, port: int | None) -> None:
    """Tudo em um processo: migrações, web, worker e agenda; banco e fila embutidos onde não houver endereço."""
    run(_up(_settings(host, port)))


@click.command()
@host_option
@port_option
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processos web.")
def web(host: str | None, port: int | None, workers: int) -> None:
    """Só o processo web: recebe os webhooks da Meta e serve a API."""
    settings = _distributed(_settings(host, port))
    if workers == 1:
        run(_web(settings))
        return
    import uvicorn

    uvicorn.run(
        "wabot.web.app:from_environment",
        factory=True,
        workers=workers,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
    )


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, 200),
    default=CONCURRENCY,
    show_default=True,
    help="Turnos lado a lado.",
)
def worker(concurrency: int) -> None:
    """Só o worker: responde às mensagens e envia as respostas. Rode quantos precisar."""
    run(_worker(_distributed(_settings()), concurrency))


@click.command()
def scheduler() -> None:
    """Só a agenda: a cada minuto, toca a campainha para o que ficou esperando."""
    run(_scheduler(_distributed(_settings())))


@click.command()
def migrate() -> None:
    """Atualiza o banco de dados, do núcleo e dos plugins, um processo de cada vez."""
    run(_migrate())


async def _up(settings: Settings) -> None:
    opened = running(settings, worker=True, migrating=True)
    async with opened as process, process.queue.scheduling(), served(process) as url:
        click.echo(f"wabot em {url} (Ctrl-C para parar)", err=True)
        await until_stopped()


async def _web(settings: Settings) -> None:
    async with running(settings, worker=False) as process, served(process):
        await until_stopped()


@contextlib.asynccontextmanager
async def served(process: Process) -> AsyncIterator[str]:
    """The web application of an open process, answering while inside; yields its address. Raises PortTaken."""
    from wabot.web.app import create_app

    listener = bind(process.settings.host, process.settings.port)
    async with serving(create_app(lambda: _already(process)), listener) as url:
        yield url


@contextlib.asynccontextmanager
async def _already(process: Process) -> AsyncIterator[Process]:
    yield process


async def _worker(settings: Settings, concurrency: int) -> None:
    async with running(settings, worker=True, concurrency=concurrency):
        await until_stopped()


async def _scheduler(settings: Settings) -> None:
    from wabot.queue import Queue

    queue = Queue(settings.redis_url)
    async with queue.open(), queue.scheduling():
        await until_stopped()


async def _migrate() -> None:
    async with database():
        await migrate_all()
    click.echo("Banco de dados em dia.")


def _settings(host: str | None = None, port: int | None = None) -> Settings:
    settings = load()
    set_up(settings.log_level, settings.log_format)
    return replace(settings, host=host or settings.host, port=settings.port if port is None else port)


def _distributed(settings: Settings) -> Settings:
    """Separate processes need a queue between them."""
    if not settings.redis_url:
        raise BadSetting("REDIS_URL: processos separados precisam do Redis; sem ele, use: wabot up")
    return settings
