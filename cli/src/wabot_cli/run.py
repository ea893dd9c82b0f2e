"""`wabot up`, `web`, `worker`, `scheduler`, `migrate`: the processes."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import click

from wabot.db.away import Refused
from wabot.db.connect import open_database
from wabot.errors import Away, BadSetting
from wabot.logs import set_up
from wabot.metrics import SHARED
from wabot.process import CONCURRENCY, Process, migrate_all, running, settle
from wabot.settings import Settings, load, replace
from wabot_cli.support import database, for_ever, run, run_until_stopped

YIELDS = 5
"""By how much a worker is nicer than other processes: Meta gives up on a 200 long before a customer on an answer."""

host_option = click.option("--host", help="Endereço em que escuta (HOST).")
port_option = click.option("--port", type=click.IntRange(0, 65535), help="Porta em que escuta (PORT).")


@click.command()
@host_option
@port_option
def up(host: str | None, port: int | None) -> None:
    """Tudo em um processo: migrações, web, worker e agenda; banco e fila embutidos onde não houver endereço."""
    run_until_stopped(_up(_settings(host, port)))


@click.command()
@host_option
@port_option
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processos web.")
def web(host: str | None, port: int | None, workers: int) -> None:
    """Só o processo web: recebe os webhooks da Meta e serve a API."""
    settings = _distributed(_settings(host, port))
    if workers == 1:
        run_until_stopped(_web(settings))
        return
    run(_let_in(settings))
    import uvicorn

    from wabot.asgi import PATIENCE, PLAIN

    with tempfile.TemporaryDirectory(prefix="wabot-metrics-") as folder:
        os.environ[SHARED] = folder  # whichever process answers counts for all of them
        uvicorn.run(
            "wabot.web.app:from_environment",
            factory=True,
            workers=workers,
            host=settings.host,
            port=settings.port,
            timeout_graceful_shutdown=PATIENCE,
            **PLAIN,
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
    os.nice(YIELDS)
    run_until_stopped(_worker(_distributed(_settings()), concurrency))


@click.command()
def scheduler() -> None:
    """Só a agenda: a cada minuto, toca a campainha para o que ficou esperando."""
    run_until_stopped(_scheduler(_distributed(_settings())))


@click.command()
def migrate() -> None:
    """Atualiza o banco de dados, do núcleo e dos plugins, um processo de cada vez."""
    run(_migrate())


async def _up(settings: Settings) -> None:
    await _serve(settings, partial(_everything, settings), "wabot em {url} (Ctrl-C para parar)")


@contextlib.asynccontextmanager
async def _everything(settings: Settings) -> AsyncIterator[Process]:
    async with running(settings, worker=True, migrating=True) as process, process.queue.scheduling():
        yield process


async def _web(settings: Settings) -> None:
    await _serve(settings, partial(running, settings, worker=False))


async def _let_in(settings: Settings) -> None:
    """Raises Refused, here rather than in every process that this one starts again and again."""
    try:
        async with open_database(settings):
            pass
    except Refused:
        raise
    except Away:
        pass  # it is waited for


async def _serve(
    settings: Settings, opened: Callable[[], AbstractAsyncContextManager[Process]], greeting: str = ""
) -> None:
    """The web application, for ever: 503 until the process behind it is open. Raises what that raises, or PortTaken."""
    from wabot.asgi import bind, serving
    from wabot.web.app import create_app

    app = create_app(opened)
    async with serving(app, bind(settings.host, settings.port)) as url:
        if greeting:
            click.echo(greeting.format(url=url), err=True)
        settle()
        await asyncio.wait({app.state.held})
        app.state.held.result()


@contextlib.asynccontextmanager
async def served(process: Process) -> AsyncIterator[str]:
    """The web application of an open process, answering while inside; yields its address. Raises PortTaken."""
    from wabot.asgi import bind, serving
    from wabot.web.app import create_app

    listener = bind(process.settings.host, process.settings.port)
    async with serving(create_app(lambda: _already(process)), listener) as url:
        yield url


@contextlib.asynccontextmanager
async def _already(process: Process) -> AsyncIterator[Process]:
    yield process


async def _worker(settings: Settings, concurrency: int) -> None:
    async with _showing_metrics(settings), running(settings, worker=True, web=False, concurrency=concurrency):
        settle()
        await for_ever()


@contextlib.asynccontextmanager
async def _showing_metrics(settings: Settings) -> AsyncIterator[None]:
    """What this process counts, on a port of its own if it was given one."""
    if settings.metrics_port is None:
        yield
        return
    from wabot.web.metrics import on_its_own_port

    async with on_its_own_port(settings):
        yield


async def _scheduler(settings: Settings) -> None:
    from wabot.queue import Queue

    queue = Queue(settings.redis_url)
    async with _showing_metrics(settings), queue.open(), queue.scheduling():
        await for_ever()


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
